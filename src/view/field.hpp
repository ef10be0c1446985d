// What the host's projection and the accelerator's have in common.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/cube/grid.hpp"
#include "view/apply.hpp"
#include "view/star_sums.hpp"

namespace tessera {

/// @throws Error(Kind::config)  more than 2^31 - 1 spaxels
inline void require_countable(const SpatialGrid& grid) {
    if (grid.n_padded() <= std::numeric_limits<std::int32_t>::max()) { return; }
    throw Error({.kind = Kind::config,
                 .where = "telescope.field_of_view, telescope.spaxel_size",
                 .found = fmt::format("{} x {} spaxels with the margin", grid.padded_x(), grid.padded_y()),
                 .expected = fmt::format("at most {}", std::numeric_limits<std::int32_t>::max()),
                 .cure = "take a smaller field or larger spaxels"});
}

/// @param edges  of the host;  where  the same in the memory of whoever searches
inline FindInterval intervals(const std::vector<double>& edges, const double* where, bool closed_end) {
    const auto n = static_cast<std::int64_t>(edges.size()) - 1;
    return {where, n, closed_end, static_cast<double>(n) / (edges.back() - edges.front())};
}

/// Smallest and largest of all ranks' values; +inf, -inf when there are none.
inline std::array<double, 2> range_over_ranks(const Extent& own, Communicator& comm) {
    std::vector<double> range{static_cast<double>(own.low), -static_cast<double>(own.high)};
    comm.all_reduce(range, Op::min);
    return {range[0], -range[1]};
}

} // namespace tessera
