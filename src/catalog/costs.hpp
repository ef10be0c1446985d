#pragma once

#include <cstdint>

#include "tessera/catalog/selection.hpp"
#include "tessera/particles/row_index.hpp"

namespace tessera::catalog {

/// Seconds on one core like that of configs/machines/laptop.yaml, from the rates in docs/performance.md: laying out a cube; a star read
/// and deposited; a voxel summed, observed and written.
struct Costs {
    double a_cube = 0.025, a_star = 3e-7, a_voxel = 1.6e-8;
    double a_row = 1e-7; ///< read to see whether it lies in the field
    double n_voxel = 0;  ///< of a cube, with the margin of the PSF

    double of(std::int64_t n_rows, const ByType<FieldRows>& others = {}) const {
        return a_cube + n_voxel * a_voxel + (static_cast<double>(n_rows) + others.stars.n_inside) * a_star +
               static_cast<double>(others.stars.n_row + others.gas.n_row) * a_row;
    }
};

/// For the telescope and PSF of a cube. @throws Error(Kind::config)
Costs costs_of(const Config& cube);

} // namespace tessera::catalog
