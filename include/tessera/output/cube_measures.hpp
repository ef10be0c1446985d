#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tessera/output/bands.hpp"
#include "tessera/output/cube_file.hpp"

namespace tessera {

/// What a cube file holds, added up: over wavelength, and over the field.
struct CubeSums {
    std::int64_t n_y = 0, n_x = 0;
    double spaxel_size = 0;          ///< arcsec
    std::vector<double> edges;       ///< [wavelength + 1] of the pixels, Angstrom
    double flux_unit = 0;            ///< erg/s/cm2/Angstrom of one unit of the file; 0 where it has luminosities
    std::vector<double> white_light; ///< [y, x] integral over wavelength, unit times Angstrom; NaN outside the aperture
    std::vector<double>
        signal_to_noise;          ///< [y, x] of the spectrum: sum of flux / root of the sum of variances / root of the
                                  ///< number of pixels; empty without noise
    std::vector<double> spectrum; ///< [wavelength] sum over spaxels
    std::vector<double> light, velocity, dispersion; ///< [y, x] /maps OBS_FLUX (Lsun), OBS_VEL, OBS_SIGMA (km/s)
};

/// Reads them from an HDF5 or FITS cube, a few MB at a time. One process calls it.
/// @throws Error(Kind::data)  missing, damaged, not a cube of this program
CubeSums read_cube_sums(const std::string& path);

/// The same of a cube that one rank holds whole: what read_cube_sums finds in the HDF5 file that it becomes, bit for bit.
/// @throws Error(Kind::internal)  a slab of another size than the field
CubeSums sums_of(const CubeProduct& product);

/// What the catalogue table says of a cube's light. NaN where there is nothing to measure.
struct CubeMeasures {
    double flux = 0;              ///< of the field: erg/s/cm2, or Lsun
    double half_light_radius = 0; ///< arcsec, of the circle around the field's centre that holds half of that
    double lambda_r = 0;          ///< spin within it
    double signal_to_noise = 0;   ///< median over the spaxels within it, per pixel of wavelength; NaN without noise
    std::map<std::string, double> magnitudes; ///< AB, by band, of those within the cube's wavelengths
};

/// The spin is that of the maps, with PSF, about the galaxy's systemic velocity, of the spaxels whose centres are within half_light_radius:
///
///     lambda_R = Σ F R |V| / Σ F R √(V² + σ²)
///
/// @par Source  Emsellem et al. (2007), MNRAS 379, 401, equation 6; the aperture is a circle here.
CubeMeasures measure(const CubeSums& sums, const std::vector<Band>& bands);

} // namespace tessera
