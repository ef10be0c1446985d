#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <vector>

#include "tessera/comm/communicator.hpp"
#include "tessera/device/reduce.hpp"
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

/// Smallest and largest of a rank's values.
struct Extent {
    float low = std::numeric_limits<float>::infinity();
    float high = -std::numeric_limits<float>::infinity();
    /// Largest |value|; 0 without values.
    double magnitude() const { return low > high ? 0 : static_cast<double>(std::max(std::abs(low), std::abs(high))); }
};

inline Extent extent_of(const device::Host& where, const std::vector<float>& values) {
    return device::reduce_blocks(
        where, static_cast<std::int64_t>(values.size()), std::int64_t{1} << 18, Extent{},
        [&](std::int64_t first, std::int64_t last) {
            Extent out;
            for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
                out.low = values[i] < out.low ? values[i] : out.low;
                out.high = values[i] > out.high ? values[i] : out.high;
            }
            return out;
        },
        [](Extent& sum, const Extent& part) {
            sum.low = std::min(sum.low, part.low);
            sum.high = std::max(sum.high, part.high);
        });
}

inline StarBounds star_bounds(const device::Host& where, const Stars& stars, Communicator& comm) {
    const auto largest = [&](std::initializer_list<const std::vector<float>*> arrays) {
        double out = 0;
        for (const auto* values : arrays) { out = std::max(out, extent_of(where, *values).magnitude()); }
        return out;
    };
    std::vector<double> bound{largest({&stars.mass}), largest({&stars.x, &stars.y, &stars.z}),
                              largest({&stars.vx, &stars.vy, &stars.vz})};
    comm.all_reduce(bound, Op::max);
    return {comm.all_reduce_value(stars.size(), Op::sum), bound[0], bound[1], bound[2]};
}

/// Position of star i relative to `centre`, in double.
inline Vector3 offset_of(const Stars& stars, std::size_t i, const Vector3& centre) {
    return {static_cast<double>(stars.x[i]) - centre[0], static_cast<double>(stars.y[i]) - centre[1],
            static_cast<double>(stars.z[i]) - centre[2]};
}

} // namespace tessera
