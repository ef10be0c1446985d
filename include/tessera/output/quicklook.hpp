#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tessera/cube/grid.hpp"

namespace tessera {

/// A spaxel whose spectrum the picture shows.
struct MarkedSpaxel {
    std::int64_t y = 0, x = 0;    ///< indices in the field, 0-based
    std::string label = {};       ///< "centre", "half-light radius", …
    std::vector<float> flux = {}; ///< [wavelength], unit QuickLook::flux_unit; NaN: not drawn
};

/// What the picture of a cube shows. All maps are [y, x], y upwards on the page; NaN is drawn as "nothing here".
/// Units are the words of the configuration and the files ("1e-20 erg/s/cm2/Angstrom", "Lsun/Angstrom"); the picture
/// writes them as a person would (10⁻²⁰ erg s⁻¹ cm⁻² Å⁻¹, L☉ Å⁻¹).
struct QuickLook {
    std::string title;
    std::vector<std::string> subtitle; ///< a line each: redshift, stars, telescope, method …; two or three read best
    std::int64_t n_y = 0, n_x = 0;
    double spaxel_size = 0;         ///< arcsec
    double kpc_per_arcsec = 0;      ///< 0 or not finite: no kpc axes
    std::vector<float> white_light; ///< integral over wavelength; NaN outside the aperture
    std::string white_light_unit;
    std::vector<float> velocity;    ///< km/s, positive = receding; NaN where there is no light
    std::vector<float> dispersion;  ///< km/s, NaN likewise; empty: no such panel
    std::vector<double> wavelength; ///< Angstrom
    Medium medium = Medium::unknown;
    std::string wavelength_label = "observed wavelength"; ///< axis label without medium and unit
    std::string flux_unit;
    std::vector<MarkedSpaxel> spaxels;
};

/// Draws the picture (1760 × 1040): white light in an asinh stretch, velocity in a diverging map centred on zero, the
/// dispersion where given, with arcsec and kpc axes and colour bars, and below them the spectra of the marked spaxels.
/// Empty maps, a cube of zeros, one spaxel and missing values are drawn as what they are.
///
/// Drawn with cairo: it is in every distribution, needs no display, and gives antialiased text and lines in PNG, SVG and
/// PDF from one code; plotting programs would be a dependency at run time, and a pixel writer has no fonts.
/// @param path  .png, .svg or .pdf; written aside and renamed, so that what exists is complete
/// @throws Error(Kind::config)    another extension
/// @throws Error(Kind::resource)  the file cannot be written
/// @throws Error(Kind::internal)  an array does not fit n_y, n_x or the wavelengths
void draw_quicklook(const QuickLook& look, const std::string& path);

/// The spaxels worth a spectrum: the brightest ("centre"), one at the radius around it that holds half of the light, one
/// at the radius that holds 90 % of it ("outskirts"). On a ring the brightest spaxel is taken, for the outskirts on the far
/// side from the half-light one, where a disc rotates the other way. Ties go to the lower index; no spaxel is named twice,
/// so that a small or dark image gives fewer (at least one, unless it is empty). `flux` is left empty.
/// @param white_light  [y, x], n_y · n_x; NaN and negative values count as no light
std::vector<MarkedSpaxel> choose_spaxels(const std::vector<float>& white_light, std::int64_t n_y, std::int64_t n_x);

} // namespace tessera
