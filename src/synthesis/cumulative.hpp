#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tessera/core/view.hpp"

namespace tessera {

/// Where wavelengths lie on a library's grid: the cell and the distance from its lower end. Computed once and used for
/// every node, since all nodes share the grid. Wavelengths outside go to the nearest end: no light there.
struct GridPositions {
    std::vector<std::int32_t> cell;
    std::vector<double> distance; ///< Angstrom above the lower end of the cell

    GridPositions(const std::vector<double>& grid, const std::vector<double>& wavelengths) {
        const auto last = static_cast<std::int32_t>(grid.size()) - 2;
        for (const double wavelength : wavelengths) {
            const double inside = std::clamp(wavelength, grid.front(), grid.back());
            const auto above = std::upper_bound(grid.begin(), grid.end(), inside) - grid.begin();
            cell.push_back(std::clamp(static_cast<std::int32_t>(above) - 1, 0, last));
            distance.push_back(inside - grid[static_cast<std::size_t>(cell.back())]);
        }
    }
};

/// Integral of the piecewise linear function (grid, flux) from the first grid point to every position, in double.
template <class Flux>
void cumulative_at(const std::vector<double>& grid, const Flux& flux, const GridPositions& positions,
                   std::vector<double>& scratch, double* out) {
    scratch.resize(grid.size());
    scratch[0] = 0;
    for (std::size_t i = 1; i < grid.size(); ++i) {
        scratch[i] = scratch[i - 1] +
                     0.5 * (static_cast<double>(flux[i]) + static_cast<double>(flux[i - 1])) * (grid[i] - grid[i - 1]);
    }
    for (std::size_t p = 0; p < positions.cell.size(); ++p) {
        const auto i = static_cast<std::size_t>(positions.cell[p]);
        const double low = flux[i];
        const double slope = (static_cast<double>(flux[i + 1]) - low) / (grid[i + 1] - grid[i]);
        const double d = positions.distance[p];
        out[p] = scratch[i] + d * (low + 0.5 * slope * d);
    }
}

} // namespace tessera
