#pragma once

#include <cstdint>

#include "tessera/core/view.hpp"

namespace tessera {

/// Four-point Lagrange weights at fraction t in [0, 1) between the points 0 and 1 of -1, 0, 1, 2. They sum to 1 and keep
/// polynomials up to the third degree: what is dealt out to the points keeps its sum, centroid, width and skewness.
struct Lagrange4 {
    double weight[4];
    TESSERA_HD static Lagrange4 at(double t) {
        return {{-t * (t - 1) * (t - 2) / 6, (t + 1) * (t - 1) * (t - 2) / 2, -(t + 1) * t * (t - 2) / 2,
                 (t + 1) * t * (t - 1) / 6}};
    }
};

/// A star between the velocity rows of a grid: row p holds the templates Doppler shifted by exp(p · step), and the star is
/// the sum of weight[m] times row first + m, m = 0 … 3.
struct RowTaps {
    std::int32_t first;
    double weight[4];

    /// @param rows  ln of the star's Doppler factor, relative to a star at rest, over the step of the grid; positive = receding
    TESSERA_HD static RowTaps at(double rows) {
        auto base = static_cast<std::int32_t>(rows);
        if (rows < base) { --base; }
        const Lagrange4 lagrange = Lagrange4::at(rows - base);
        return {base - 1, {lagrange.weight[0], lagrange.weight[1], lagrange.weight[2], lagrange.weight[3]}};
    }
};

} // namespace tessera
