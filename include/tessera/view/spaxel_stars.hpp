#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tessera/device/device.hpp"
#include "tessera/particles/stars.hpp"

namespace tessera {

/// The stars of one rank that fall on the padded field, ordered by spaxel: those of spaxel s are [start[s], start[s + 1]).
/// Within a spaxel in input order, so that sums do not depend on threads. 20 bytes a star: what synthesis and maps need.
struct SpaxelStars {
    std::vector<std::int64_t> start{0}; ///< [spaxel + 1]
    std::vector<float> los_velocity;    ///< km/s, positive = receding
    std::vector<float> initial_mass;    ///< Msun formed
    std::vector<float> mass;            ///< Msun now
    std::vector<float> metallicity;     ///< mass fraction
    std::vector<float> age;             ///< Gyr

    std::int64_t n_spaxel() const { return static_cast<std::int64_t>(start.size()) - 1; }
    std::int64_t size() const { return start.back(); }
};

/// Orders stars by spaxel (counting sort) and drops those outside the field. Takes the arrays of `stars` apart one after the
/// other: at no time are there more than 13 bytes a star beside the five of the input. Positions are not looked at and may be gone already.
/// @param spaxel  [star] 0 … n_spaxel - 1, or -1: outside; `stars.vz` is the line-of-sight velocity
SpaxelStars order_by_spaxel(const device::Host& where, Stars&& stars, std::span<const std::int32_t> spaxel,
                            std::int64_t n_spaxel);

} // namespace tessera
