#pragma once

#include <cstdint>

#include "tessera/ssp/axis_weights.hpp"

namespace tessera::ssp {

/// A star's spectrum as a sum of library nodes: at most 4 (linear) or 16 (cubic). Weights sum to 1 unless the star is
/// outside the grid and `Outside::zero` applies (then count = 0). Cubic weights may be negative.
struct NodeWeights {
    std::int32_t count = 0;
    std::int32_t node[16];
    float weight[16];
};

/// The look-up of one star, host and device: no allocation, no exception.
struct NodeLookup {
    AxisKnots metallicity, age;
    bool cubic = false;
    bool clamp = false; ///< stars outside take the nearest edge; else they get no node

    TESSERA_HD NodeWeights at(float z, float t) const {
        return with_cells(
            z, t, [](const AxisKnots& axis, float q) { return axis.n > 1 ? axis.upper(q) : 1; },
            [](const AxisKnots& axis, float q) { return axis.n > 1 ? axis.upper(q) : 1; });
    }

    /// @param of_metallicity, of_age  upper knot of the cell that holds a value inside the axis
    template <class OfMetallicity, class OfAge>
    TESSERA_HD NodeWeights with_cells(float z, float t, const OfMetallicity& of_metallicity,
                                      const OfAge& of_age) const {
        NodeWeights out;
        if (z != z || t != t) { return out; } // NaN
        if (clamp) {
            z = metallicity.clamp(z);
            t = age.clamp(t);
        } else if (!metallicity.contains(z) || !age.contains(t)) {
            return out;
        }
        const std::int32_t above_z = of_metallicity(metallicity, z);
        const std::int32_t above_t = of_age(age, t);
        if (cubic) {
            combine(metallicity.cubic(z, above_z), age.cubic(t, above_t), out);
        } else {
            combine(metallicity.linear(z, above_z), age.linear(t, above_t), out);
        }
        return out;
    }

    TESSERA_HD bool metallicity_inside(float z) const { return metallicity.contains(z); }
    TESSERA_HD bool age_inside(float t) const { return age.contains(t); }

private:
    TESSERA_HD void combine(const AxisWeights& by_metallicity, const AxisWeights& by_age, NodeWeights& out) const {
        for (std::int32_t i = 0; i < by_metallicity.count; ++i) {
            for (std::int32_t j = 0; j < by_age.count; ++j) {
                const auto weight = static_cast<float>(by_metallicity.weight[i] * by_age.weight[j]);
                out.node[out.count] = (by_metallicity.first + i) * age.n + by_age.first + j;
                out.weight[out.count] = weight;
                out.count += weight != 0 ? 1 : 0; // a knot hit exactly: the node beside it has no part
            }
        }
    }
};

} // namespace tessera::ssp
