#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "catalog/batches.hpp"
#include "catalog/measures.hpp"
#include "catalog/start.hpp"
#include "tessera/comm/communicator.hpp"

namespace tessera::catalog {

/// Numbers 0, 1, … n - 1, each to one of the groups that ask for the next: a counter that none of them has to answer for.
class Queue {
public:
    /// Collective over `world`, and so is the end.
    Queue(std::int64_t n, Communicator& world, Communicator& group, Stopwatch& watch);
    /// Nullopt when there is none left. Collective over the group, as the next.
    std::optional<std::int64_t> next();
    /// Nobody gets another, and those in the middle of a batch are told.
    void stop();
    bool is_stopped();

private:
    std::int64_t add(std::int64_t n); ///< on the first of the group, to all of it

    std::int64_t n_;
    Communicator& group_;
    Stopwatch& watch_;
    std::unique_ptr<SharedCounter> counter_;
};

/// The batches of a run; the same on every rank.
struct Queues {
    std::vector<Batch> together; ///< by all ranks, one after the other
    std::vector<Batch> apart;    ///< by groups
    int ranks = 1;               ///< of a group
    std::int64_t star_bytes = 0; ///< of the stars that the cubes ask for, each row once; rank 0's
};

/// Decides what is made with what, and brings rank 0's list into that order. Collective.
Queues plan_queues(const CatalogConfig& config, Start& start, const SharedInputs& shared, Communicator& world);

/// Rows that a rank may read ahead: an eighth of its memory, at most 1 GB. Collective.
std::int64_t bytes_ahead(Communicator& world);

} // namespace tessera::catalog
