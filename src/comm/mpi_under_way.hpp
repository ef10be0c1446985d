// Collectives made of messages that go on while the rank does other work.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "comm/mpi_handle.hpp"

namespace tessera {

/// Which ranks share a node's memory, the same on every rank.
struct NodeMap {
    std::vector<std::vector<int>> ranks; ///< [node] its ranks, ascending; nodes by their first rank
    std::vector<int> node;               ///< [rank]
    std::vector<int> place;              ///< [rank] its number among those of its node

    /// The rank of a node that has the node's sum of what `rank` receives.
    int helper(int node_number, int rank) const {
        const auto& own = ranks[static_cast<std::size_t>(node_number)];
        return own[static_cast<std::size_t>(place[static_cast<std::size_t>(rank)]) % own.size()];
    }
    /// Elements that `rank` sends to other nodes in a sum of which rank r receives counts[r].
    std::int64_t sent_between(int rank, std::span<const std::int64_t> counts) const;
};

/// Collective. Where TESSERA_RANKS_PER_NODE is set, a node's ranks are taken apart into groups of so many, in their order, as if each group
/// were a node.
/// @throws Error(Kind::config)  TESSERA_RANKS_PER_NODE is not a positive number
NodeMap find_nodes(MPI_Comm comm);

/// Sum over ranks of float32 in the host's memory; as Communicator::start_reduce_scatter.
std::unique_ptr<UnderWay> start_summing(MPI_Comm comm, const NodeMap& nodes, Buffer send, Buffer receive,
                                        std::span<const std::int64_t> counts, std::vector<float>& room);

/// As Communicator::start_all_to_all.
std::unique_ptr<UnderWay> start_exchange(MPI_Comm comm, Buffer send, std::span<const std::int64_t> send_counts,
                                         Buffer receive, std::span<const std::int64_t> receive_counts);

} // namespace tessera
