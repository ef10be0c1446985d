// Stars on their way to the ranks that make their spaxels: pieces of a list ordered by spaxel, picked out and strung together.
#pragma once

#include <cstdint>

#include "tessera/core/view.hpp"

namespace tessera {

/// Pieces that stand one after the other in a list.
struct Pieces {
    std::int64_t n;
    const std::int64_t* at;   ///< [n + 1] where each begins in the list, ascending
    const std::int64_t* from; ///< [n] where it begins in what it is taken from

    /// The piece that element i of the list belongs to: the last one that does not begin after it.
    TESSERA_HD std::int64_t of(std::int64_t i) const {
        std::int64_t low = 0, high = n;
        while (high - low > 1) {
            const std::int64_t middle = low + (high - low) / 2;
            if (at[middle] <= i) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }
};

/// Value i of what is sent.
struct PickOut {
    static constexpr const char* name = "view/pick_out";
    Pieces pieces;
    const float* values;
    float* send;

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t piece = pieces.of(i);
        send[i] = values[pieces.from[piece] + i - pieces.at[piece]];
    }
};

/// Value i of the stars together. `from` of a piece that was here already is -1 - its place.
struct StringTogether {
    static constexpr const char* name = "view/string_together";
    Pieces pieces;
    const float* values; ///< that were here
    const float* received;
    float* together;

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t piece = pieces.of(i);
        const std::int64_t from = pieces.from[piece];
        const std::int64_t within = i - pieces.at[piece];
        together[i] = from < 0 ? values[-1 - from + within] : received[from + within];
    }
};

} // namespace tessera
