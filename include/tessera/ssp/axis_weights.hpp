#pragma once

#include <cstdint>

#include "tessera/core/view.hpp"

namespace tessera::ssp {

/// A look-up along one axis as a sum over consecutive knots: knots [first, first + count), weights that sum to 1.
/// Host and device; no allocation, no exception.
struct AxisWeights {
    std::int32_t first = 0;
    std::int32_t count = 0;
    double weight[4] = {0, 0, 0, 0};
};

/// Strictly ascending knots of an axis, n >= 1.
struct AxisKnots {
    const float* knot = nullptr;
    std::int32_t n = 0;

    /// End knots are inside; a NaN is not.
    TESSERA_HD bool contains(float q) const { return q >= knot[0] && q <= knot[n - 1]; }

    TESSERA_HD float clamp(float q) const { return q < knot[0] ? knot[0] : (q > knot[n - 1] ? knot[n - 1] : q); }

    /// Upper knot i of the cell [i - 1, i]: the number of knots <= q, kept in 1 … n - 1. n >= 2.
    TESSERA_HD std::int32_t upper(float q) const {
        std::int32_t low = 0, high = n; // knots before `low` are <= q, from `high` on they are > q
        while (low < high) {
            const std::int32_t middle = (low + high) / 2;
            if (knot[middle] <= q) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low < 1 ? 1 : (low > n - 1 ? n - 1 : low);
    }

    TESSERA_HD AxisWeights linear(float q) const { return linear(q, n > 1 ? upper(q) : 1); }
    TESSERA_HD AxisWeights cubic(float q) const { return cubic(q, n > 1 ? upper(q) : 1); }

    /// @param i  upper(q)
    TESSERA_HD AxisWeights linear(float q, std::int32_t i) const {
        if (n == 1) { return {0, 1, {1, 0, 0, 0}}; }
        const double t = (double(q) - knot[i - 1]) / (double(knot[i]) - knot[i - 1]);
        return {i - 1, 2, {1 - t, t, 0, 0}};
    }

    /// C1 Hermite with slopes d_k = (s_{k-1} + s_k) / 2 of the secants on both sides, one-sided at the ends (interpax
    /// "cubic"). Each secant is a difference of two knots' values, so the slopes turn into weights of up to four knots.
    /// @param b  upper(q)
    TESSERA_HD AxisWeights cubic(float q, std::int32_t b) const {
        if (n == 1) { return {0, 1, {1, 0, 0, 0}}; }
        const std::int32_t a = b - 1;
        const double h = double(knot[b]) - knot[a];
        const double t = (double(q) - knot[a]) / h;
        const double slope_a = t * (1 - t) * (1 - t) * h; // weight of d_a
        const double slope_b = t * t * (t - 1) * h;       // weight of d_b
        double before = 0, after = 0;                     // knots a - 1 and b + 1
        double at_a = (1 + 2 * t) * (1 - t) * (1 - t), at_b = t * t * (3 - 2 * t);
        double secant = 0; // weight of the cell's own secant (f_b - f_a) / h
        if (a == 0) {
            secant += slope_a;
        } else {
            const double share = slope_a / 2 / (double(knot[a]) - knot[a - 1]);
            before -= share;
            at_a += share;
            secant += slope_a / 2;
        }
        if (b == n - 1) {
            secant += slope_b;
        } else {
            const double share = slope_b / 2 / (double(knot[b + 1]) - knot[b]);
            after += share;
            at_b -= share;
            secant += slope_b / 2;
        }
        at_a -= secant / h;
        at_b += secant / h;
        if (a == 0) { return {0, b == n - 1 ? 2 : 3, {at_a, at_b, after, 0}}; }
        return {a - 1, b == n - 1 ? 3 : 4, {before, at_a, at_b, after}};
    }
};

} // namespace tessera::ssp
