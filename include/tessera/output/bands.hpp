#pragma once

#include <span>
#include <string>
#include <vector>

namespace tessera {

/// The response of a filter to photons, linear between its points and zero outside them.
struct Band {
    std::string name;
    std::vector<double> wavelength;   ///< Angstrom, ascending, observed frame
    std::vector<double> transmission; ///< any scale
};

/// "tophat": the three bands of top_hat_bands(). A text file: one band, the file's name without its ending; two columns, wavelength in
/// Angstrom and transmission, `#` begins a comment. An HDF5 file: every dataset of two columns likewise, and every group with datasets
/// `wave` and `transmission`, by their names; FILE:NAME takes one of them.
/// @throws Error(Kind::config)  missing, of another form, wavelengths that do not ascend, nothing transmitted
std::vector<Band> read_bands(const std::string& source);

/// Transmission 1 from 4000 to 5500, 5500 to 7000 and 7000 to 8500 Angstrom: tophat_4000_5500, … No instrument has them.
std::vector<Band> top_hat_bands();

/// What each pixel of a spectrum counts in an AB magnitude: the flux density f_nu of a band, erg/s/cm2/Hz, is the sum over pixels of
/// weight times f_lambda, erg/s/cm2/Angstrom, the spectrum constant in each pixel:
///
///     f_nu = ∫ f_lambda T lambda dlambda / (c ∫ T / lambda dlambda),   m_AB = -2.5 log10 f_nu - 48.60
///
/// for a detector that counts photons. Integrals in closed form.
/// @param edges  of the pixels, Angstrom, ascending
/// @return       [pixel]; empty where the band is not within the edges, but for transmissions below a thousandth of its largest
/// @par Source   Fukugita et al. (1996), AJ 111, 1748, equation 7; Oke & Gunn (1983), ApJ 266, 713.
std::vector<double> band_weights(const Band& band, std::span<const double> edges);

/// NaN where the flux density is not above zero.
double ab_magnitude(double flux_density);

} // namespace tessera
