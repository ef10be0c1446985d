#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tessera/cube/grid.hpp"
#include "tessera/device/device.hpp"
#include "tessera/particles/stars.hpp"

namespace tessera {

class Communicator;

/// Where the stars of a rank fall on the sky. Counts and ranges are those of all ranks.
struct Projection {
    std::vector<std::int32_t> spaxel;           ///< [star] iy · padded_x + ix on the padded grid; -1 outside it
    std::int64_t n_in_field = 0;                ///< stars in the field itself
    std::int64_t n_in_margin = 0;               ///< stars in the margin around it
    std::int64_t n_outside = 0;                 ///< stars in neither
    std::array<double, 2> x_range{}, y_range{}; ///< kpc, of the stars; empty (min > max) without stars
};

/// Finds the spaxel of each star; collective. The edges decide exactly (float positions against the stored edges);
/// intervals are half-open [edge, next), the last one closed where the grid says so. No cut along z.
/// @param stars  centred and rotated: x, y in the image plane, v_z along the line of sight
/// @throws Error(Kind::config)  more than 2^31 - 1 spaxels
Projection project(const device::Host& where, const Stars& stars, const SpatialGrid& grid, Communicator& comm);

/// Index iy · n_x + ix in the field without margin of a spaxel of the padded grid; -1 for the margin and for -1.
std::int64_t field_spaxel(const SpatialGrid& grid, std::int64_t padded_spaxel);

} // namespace tessera
