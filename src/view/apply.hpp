#pragma once

#include <cmath>
#include <cstdint>

#include "tessera/core/view.hpp"
#include "tessera/view/matrix.hpp"

namespace tessera {

/// x' = x · M for the i-th of n vectors, in place. Each component of the sum is formed in double and rounded to float once.
struct RotateVector {
    static constexpr const char* name = "view/rotate_vector";
    float* x;
    float* y;
    float* z;
    Matrix3 matrix;

    TESSERA_HD void operator()(std::int64_t i) const {
        const double a = x[i], b = y[i], c = z[i];
        x[i] = static_cast<float>(a * matrix(0, 0) + b * matrix(1, 0) + c * matrix(2, 0));
        y[i] = static_cast<float>(a * matrix(0, 1) + b * matrix(1, 1) + c * matrix(2, 1));
        z[i] = static_cast<float>(a * matrix(0, 2) + b * matrix(1, 2) + c * matrix(2, 2));
    }
};

/// Components of the i-th of n vectors minus an offset, nearest image in a box of side `box` (0: not periodic).
struct ShiftVector {
    static constexpr const char* name = "view/shift_vector";
    float* component[3];
    double offset[3];
    double box;

    TESSERA_HD void operator()(std::int64_t i) const {
        for (int d = 0; d < 3; ++d) {
            double value = static_cast<double>(component[d][i]) - offset[d];
            if (box > 0) { value -= box * std::nearbyint(value / box); }
            component[d][i] = static_cast<float>(value);
        }
    }
};

/// Index along one axis of the interval that holds `value`: edges [n + 1] ascending, intervals half-open, the last closed if
/// `closed_end`. -1 outside. The guess assumes equal widths; the edges decide, so it is exact for any.
struct FindInterval {
    const double* edges;
    std::int64_t n;
    bool closed_end;
    double per_width; ///< n / (last edge - first edge)

    TESSERA_HD std::int64_t operator()(double value) const {
        if (!(value >= edges[0] && (value < edges[n] || (closed_end && value == edges[n])))) { return -1; }
        auto i = static_cast<std::int64_t>((value - edges[0]) * per_width);
        i = i < 0 ? 0 : (i >= n ? n - 1 : i);
        while (i > 0 && value < edges[i]) { --i; }
        while (i + 1 < n && value >= edges[i + 1]) { ++i; }
        return i;
    }
};

/// Spaxel of star i on the padded grid, -1 outside.
struct PlaceStar {
    static constexpr const char* name = "view/place_star";
    View<const float, 1> x, y; ///< kpc
    FindInterval column, row;
    View<std::int32_t, 1> spaxel; ///< out

    TESSERA_HD std::int32_t spaxel_of(std::int64_t i) const {
        const std::int64_t ix = column(x(i)), iy = row(y(i));
        return ix < 0 || iy < 0 ? -1 : static_cast<std::int32_t>(iy * column.n + ix);
    }
    TESSERA_HD void operator()(std::int64_t i) const { spaxel(i) = spaxel_of(i); }
};

} // namespace tessera
