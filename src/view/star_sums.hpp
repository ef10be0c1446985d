#pragma once

#include <algorithm>
#include <cmath>

#include "tessera/particles/stars.hpp"
#include "tessera/view/matrix.hpp"
#include "view/exact_sum.hpp"

namespace tessera {

/// Bounds that the sums over stars need: the same on every rank.
struct StarBounds {
    std::int64_t n_star = 0; ///< over all ranks
    double mass = 0;         ///< Msun, largest mass (now) of a star
    double length = 0;       ///< kpc, largest |component| of a position
    double speed = 0;        ///< km/s, largest |component| of a velocity
};

inline StarBounds star_bounds(const Stars& stars, Communicator& comm) {
    const auto largest = [](const std::vector<float>& values) {
        float out = 0;
        for (const float value : values) { out = std::max(out, std::abs(value)); }
        return static_cast<double>(out);
    };
    std::vector<double> bound{largest(stars.mass), std::max({largest(stars.x), largest(stars.y), largest(stars.z)}),
                              std::max({largest(stars.vx), largest(stars.vy), largest(stars.vz)})};
    comm.all_reduce(bound, Op::max);
    return {comm.all_reduce_value(stars.size(), Op::sum), bound[0], bound[1], bound[2]};
}

/// Position of star i relative to `centre`, in double.
inline Vector3 offset_of(const Stars& stars, std::size_t i, const Vector3& centre) {
    return {static_cast<double>(stars.x[i]) - centre[0], static_cast<double>(stars.y[i]) - centre[1],
            static_cast<double>(stars.z[i]) - centre[2]};
}

} // namespace tessera
