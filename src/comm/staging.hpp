// Collectives on an accelerator's memory where MPI reads host memory only: by way of pinned host memory, in pieces, so that
// it does not grow with the data. The work itself is left to the same collective on host memory.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "tessera/comm/communicator.hpp"

namespace tessera {

/// Host memory of one piece.
inline constexpr std::int64_t staging_bytes = std::int64_t{1} << 22;

enum class Way { down, up, both };

/// Brings `data` to the host, a piece at a time, calls work(piece on the host), takes the result back up; the next piece comes down
/// meanwhile. Returns when all is done.
void through_host(const Buffer& data, Way way, const std::function<void(Buffer)>& work);

/// @param work  the collective on host memory, with the counts of the piece
void reduce_scatter_through_host(const Buffer& send, const Buffer& receive, std::span<const std::int64_t> counts,
                                 const std::function<void(Buffer, Buffer, std::span<const std::int64_t>)>& work);

/// @param exchange  as in exchange_pairwise, on host memory
void all_to_all_through_host(int rank, int size, const Buffer& send, std::span<const std::int64_t> send_counts,
                             const Buffer& receive, std::span<const std::int64_t> receive_counts,
                             const std::function<void(Buffer, int, Buffer, int)>& exchange);

} // namespace tessera
