#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "tessera/comm/communicator.hpp"

namespace tessera {

/// `count` elements of a buffer from element `first`.
inline Buffer part_of(const Buffer& buffer, std::int64_t first, std::int64_t count) {
    // Null stays null: an empty buffer has no address to add to.
    char* data = static_cast<char*>(buffer.data);
    return {data == nullptr ? nullptr : data + first * size_of(buffer.type), count, buffer.type, buffer.queue};
}

/// A ragged exchange in pieces: in step s every rank sends to rank + s and receives from rank - s, at most `piece` elements at
/// a time, so that buffers are bounded and counts fit. Step 0 is the rank's own part.
/// @param own       void(Buffer from, Buffer to)
/// @param exchange  void(Buffer send, int to, Buffer receive, int from), where either buffer, but not both, may be empty
template <class Own, class Exchange>
void exchange_pairwise(int rank, int size, const Buffer& send, std::span<const std::int64_t> send_counts,
                       const Buffer& receive, std::span<const std::int64_t> receive_counts, std::int64_t piece,
                       const Own& own, const Exchange& exchange) {
    const auto range_of = [](const Buffer& buffer, std::span<const std::int64_t> counts, int r) {
        std::int64_t first = 0;
        for (int i = 0; i < r; ++i) { first += counts[static_cast<std::size_t>(i)]; }
        return part_of(buffer, first, counts[static_cast<std::size_t>(r)]);
    };
    for (int step = 0; step < size; ++step) {
        const int to = (rank + step) % size, from = (rank - step + size) % size;
        const Buffer source = range_of(send, send_counts, to), target = range_of(receive, receive_counts, from);
        if (step == 0) {
            if (source.count > 0) { own(source, target); }
            continue;
        }
        // The k-th piece sent is the k-th received; the side with fewer pieces goes on with empty ones.
        for (std::int64_t done = 0; done < std::max(source.count, target.count); done += piece) {
            const auto now = [&](const Buffer& whole) {
                return part_of(whole, std::min(done, whole.count),
                               std::clamp<std::int64_t>(whole.count - done, 0, piece));
            };
            exchange(now(source), to, now(target), from);
        }
    }
}

} // namespace tessera
