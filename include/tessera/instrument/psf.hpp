#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tessera/core/options.hpp"

namespace tessera {

enum class PsfProfile { none, gaussian, moffat };
template <>
struct EnumWords<PsfProfile> {
    static constexpr std::array words{std::pair{PsfProfile::none, std::string_view("none")},
                                      std::pair{PsfProfile::gaussian, std::string_view("gaussian")},
                                      std::pair{PsfProfile::moffat, std::string_view("moffat")}};
};

struct PsfOptions {
    PsfProfile profile = PsfProfile::gaussian;
    std::optional<double> fwhm;
    double moffat_beta = 2.5;
    std::optional<double> sigma;
    std::optional<std::int64_t> size;

    template <class Visitor>
    void describe(Visitor& key) {
        key("psf.profile", profile, unit::none, "shape of the point-spread function");
        key("psf.fwhm", fwhm, unit::arcsec,
            "full width at half maximum (no blurring: psf.profile: none); null: 0.8, unless psf.sigma is given",
            above(0));
        key("psf.moffat_beta", moffat_beta, unit::none, "Moffat index; finite flux needs more than 1", above(1));
        key("psf.sigma", sigma, unit::spaxel,
            "width of a Gaussian sampled at spaxel centres, as RUBIX does, instead of psf.fwhm (no blurring: "
            "psf.profile: none)",
            above(0));
        key("psf.size", size, unit::spaxel, "edge of the kernel; null: what holds 99.9 % of the flux", at_least(1));
    }
};

/// A convolution kernel on spaxels, sum 1.
struct Kernel2D {
    std::int64_t n_y = 1, n_x = 1;
    std::int64_t centre_y = 0, centre_x = 0; ///< the element that multiplies the spaxel itself, floor((n - 1) / 2)
    std::vector<double> values{1.0};         ///< [y, x]
    std::vector<double> column, row;         ///< values = column ⊗ row where the kernel is separable, else empty
    PsfProfile profile = PsfProfile::none;   ///< what it was made from, for headers
    double fwhm = 0;                         ///< arcsec; 0 for none
    double moffat_beta = 0;                  ///< 0 unless Moffat

    bool is_identity() const { return n_y == 1 && n_x == 1; }
    bool is_separable() const { return !row.empty() && !column.empty(); }
    double at(std::int64_t y, std::int64_t x) const { return values[static_cast<std::size_t>(y * n_x + x)]; }
    /// Spaxels around the field whose light reaches into it: the margin to compute.
    std::int64_t reach() const;
};

/// The kernel of the options; the identity for profile none.
/// @param spaxel_size  arcsec
/// @throws Error(Kind::config)  fwhm and sigma both given, a width of 0, sigma with a Moffat, beta <= 1, a size that holds less
///                              than 99 % of the flux (the text gives the size that would; RUBIX's kernel only warns)
Kernel2D make_psf(const PsfOptions& options, double spaxel_size);

/// Gaussian integrated over square spaxels (closed form), normalised to sum 1; size² elements, centred, any parity.
/// @param sigma  spaxels, > 0
Kernel2D gaussian_kernel(double sigma, std::int64_t size);
/// RUBIX's: exp(-(i² + j²) / (2 sigma²)) at spaxel centres i - (size - 1) / 2, normalised.
Kernel2D sampled_gaussian_kernel(double sigma, std::int64_t size);
/// Moffat profile integrated over square spaxels, normalised to sum 1; odd size.
/// @param alpha  core radius, spaxels, fwhm / (2 sqrt(2^(1/beta) - 1));  beta > 1
/// @par Source  Moffat (1969), A&A 3, 455
Kernel2D moffat_kernel(double alpha, double beta, std::int64_t size);

/// Share of a profile's flux in the central square of `size` spaxels, before any normalisation.
double gaussian_flux_within(double sigma, std::int64_t size);
double moffat_flux_within(double alpha, double beta, std::int64_t size);

} // namespace tessera
