#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "catalog/costs.hpp"

namespace tessera::catalog {

/// Cubes that the same ranks make one after the other, from rows that lie together in the snapshot.
struct Batch {
    std::int64_t first = 0, n = 0; ///< in Schedule::order
};

/// Who makes what, and in which order it is begun.
struct Schedule {
    std::vector<std::int64_t> order; ///< of the entries given
    std::int64_t n_together = 0;     ///< the first so many entries: each made by all ranks together, before the rest
    std::vector<Batch> batches;      ///< of the rest, longest first
};

/// What one galaxy-view asks for.
struct Job {
    std::int64_t id = 0, view = 0;
    double seconds = 0;         ///< that it costs
    std::int64_t first_row = 0; ///< among the stars of the snapshot
    std::int64_t bytes = 0;     ///< of its rows
};

/// Views of a galaxy stay together, unless they cost more than a quarter of a group's share. Galaxies that cost much are batches of their own, the others are cut in the order of the files into
/// batches that get smaller towards the end, so that no group of ranks waits long for the last.
/// @param n_group     groups of ranks that take batches
/// @param most_bytes  of the rows of a batch of several galaxies
/// @param together    whether galaxies that would keep one group busy for longer than all others have to do are made by all ranks
Schedule schedule(std::span<const Job> jobs, std::int64_t n_group, std::int64_t most_bytes, bool together);

} // namespace tessera::catalog
