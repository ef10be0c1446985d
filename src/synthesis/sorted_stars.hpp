#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tessera {

/// Stars ordered by spaxel: those of spaxel s are order[start[s]] … order[start[s + 1] - 1]; stars outside the field are left
/// out. Within a spaxel in input order, so that the sum of a spaxel does not depend on threads.
struct SortedStars {
    std::vector<std::int64_t> start; ///< [spaxel + 1]
    std::vector<std::int32_t> order; ///< [star in the field] index into this rank's stars

    SortedStars(std::span<const std::int32_t> spaxel, std::int64_t n_spaxel)
        : start(static_cast<std::size_t>(n_spaxel) + 1) {
        for (const std::int32_t s : spaxel) {
            if (s >= 0) { ++start[static_cast<std::size_t>(s) + 1]; }
        }
        for (std::size_t s = 1; s < start.size(); ++s) { start[s] += start[s - 1]; }
        order.resize(static_cast<std::size_t>(start.back()));
        std::vector<std::int64_t> next(start.begin(), start.end() - 1);
        for (std::size_t i = 0; i < spaxel.size(); ++i) {
            if (spaxel[i] >= 0) {
                order[static_cast<std::size_t>(next[static_cast<std::size_t>(spaxel[i])]++)] =
                    static_cast<std::int32_t>(i);
            }
        }
    }
};

} // namespace tessera
