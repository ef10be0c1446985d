#pragma once

#include <cstdint>
#include <vector>

#include "tessera/ssp/library.hpp"

namespace tessera {

/// Sums over the stars of each spaxel of the padded field, from which every particle map follows. All ranks' stars.
/// Light is the luminosity of a star in the telescope's band, Lsun.
struct SpaxelSums {
    std::vector<double> count, mass, light; ///< [spaxel] stars, Msun now, Lsun
    std::vector<double> light_velocity;     ///< Lsun km/s
    std::vector<double> light_velocity2;    ///< Lsun (km/s)^2
    std::vector<double> light_age;          ///< Lsun Gyr
    std::vector<double> light_metallicity;  ///< Lsun
};

/// Lsun per Msun formed of every node between two rest wavelengths.
std::vector<double> band_light(const ssp::Library& library, double first, double last);

} // namespace tessera
