// From stars as they come to stars by spaxel. Gathers only: no thread writes what another one reads or writes.
#pragma once

#include <cstdint>

#include "view/apply.hpp"

namespace tessera {

/// Star i of a block: rotated, placed, its properties put where the stars of all blocks stand.
struct TakeStar {
    static constexpr const char* name = "view/take_star";
    RotateVector position, velocity; ///< of the block, in place
    PlaceStar place;                 ///< of the block; its `spaxel` is not used
    const float* property[4];        ///< of the block
    std::int64_t first;              ///< of the block among all stars
    std::uint32_t first_spaxel;      ///< of the galaxy's field
    std::uint32_t outside;           ///< key of stars outside: above all spaxels
    std::uint32_t* key;              ///< [star] spaxel
    std::uint32_t* index;            ///< [star] its own number
    float* kept[5];                  ///< [star] line-of-sight velocity, then the properties

    TESSERA_HD void operator()(std::int64_t i) const {
        position(i);
        velocity(i);
        const std::int32_t spaxel = place.spaxel_of(i);
        key[first + i] = spaxel < 0 ? outside : first_spaxel + static_cast<std::uint32_t>(spaxel);
        index[first + i] = static_cast<std::uint32_t>(first + i);
        kept[0][first + i] = velocity.z[i];
        for (int k = 0; k < 4; ++k) { kept[k + 1][first + i] = property[k][i]; }
    }
};

/// Smallest and largest x and y of a block's stars i, i + n_part, i + 2 n_part, … and of those that `range` has seen before.
struct WidenRange {
    static constexpr const char* name = "view/widen_range";
    const float* x;
    const float* y;
    std::int64_t n, n_part;
    float* range;   ///< [4, part] smallest x, largest x, smallest y, largest y
    float infinity; ///< no star yet
    bool first;     ///< `range` has seen none

    TESSERA_HD void operator()(std::int64_t part) const {
        float low_x = first ? infinity : range[part], high_x = first ? -infinity : range[n_part + part];
        float low_y = first ? infinity : range[2 * n_part + part],
              high_y = first ? -infinity : range[3 * n_part + part];
        for (std::int64_t i = part; i < n; i += n_part) { // a NaN is neither smaller nor larger
            low_x = x[i] < low_x ? x[i] : low_x;
            high_x = x[i] > high_x ? x[i] : high_x;
            low_y = y[i] < low_y ? y[i] : low_y;
            high_y = y[i] > high_y ? y[i] : high_y;
        }
        range[part] = low_x;
        range[n_part + part] = high_x;
        range[2 * n_part + part] = low_y;
        range[3 * n_part + part] = high_y;
    }
};

/// Where spaxel i begins among sorted keys: the number of keys below i.
struct FirstOfSpaxel {
    static constexpr const char* name = "view/first_of_spaxel";
    const std::uint32_t* key; ///< [n] ascending
    std::int64_t n;
    std::int64_t* start;

    TESSERA_HD void operator()(std::int64_t i) const {
        std::int64_t low = 0, high = n;
        while (low < high) {
            const std::int64_t middle = low + (high - low) / 2;
            if (key[middle] < static_cast<std::uint32_t>(i)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        start[i] = low;
    }
};

/// Value i in the new order.
struct GatherValue {
    static constexpr const char* name = "view/gather_value";
    const float* from;
    const std::uint32_t* index;
    float* to;

    TESSERA_HD void operator()(std::int64_t i) const { to[i] = from[index[i]]; }
};

} // namespace tessera
