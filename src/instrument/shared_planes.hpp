#pragma once

#include <cstdint>
#include <vector>

#include "instrument/convolution_window.hpp"
#include "tessera/cube/grid.hpp"

namespace tessera {

/// How much a rank sends and receives at a time, bytes: enough for latencies not to matter.
struct MessageSizes {
    std::int64_t round = std::int64_t{64} << 20; ///< all messages of a round
    std::int64_t piece = std::int64_t{16} << 20; ///< rows that an owner sends
};

/// How ranks share the transforms of planes: who has which planes, rows and columns, and how messages are laid out. Rows and columns
/// are dealt out in runs, as wavelengths are to slabs; a rank may have none.
struct SharedPlanes {
    ConvolutionWindow window;
    std::int64_t n_y, n_x;           ///< result
    std::int64_t length_y, length_x; ///< transform
    std::int64_t n_wave;
    std::int64_t at_once; ///< planes of a round, at most
    std::int64_t
        n_piece; ///< in which rows go from and to the owner of a plane, which else needed another plane's memory for them
    int n_rank;

    SharedPlanes(const Kernel2D& kernel, std::int64_t result_y, std::int64_t result_x, std::int64_t margin,
                 std::int64_t waves, int ranks, const MessageSizes& most = {});

    std::int64_t n_column() const { return length_x / 2 + 1; } ///< of the transformed rows
    WaveRange rows(int rank) const { return slab_of(window.n_y, rank, n_rank); }
    WaveRange columns(int rank) const { return slab_of(n_column(), rank, n_rank); }
    WaveRange result_rows(int rank) const { return slab_of(n_y, rank, n_rank); }
    std::int64_t skip_y() const { return window.n_y - n_y; } ///< elements of the circular result before its valid part
    std::int64_t skip_x() const { return window.n_x - n_x; }
    std::int64_t n_round() const { return (n_wave + at_once - 1) / at_once; }

    /// Planes of a rank, counted from its first, in round `round`. Rounds go over the first planes of all ranks, then over the second,
    /// and so on, so that all send and receive as much.
    WaveRange planes(std::int64_t round, int rank) const {
        const std::int64_t begin = round * at_once, end = begin + at_once < n_wave ? begin + at_once : n_wave;
        const auto before = [&](std::int64_t n) {
            return (n - rank + n_rank - 1) / n_rank;
        }; // the n-th plane is of rank n mod P
        return {before(begin), before(end) - before(begin)};
    }
    /// The k-th piece of a rank's rows.
    WaveRange piece(const WaveRange& rows, std::int64_t k) const {
        const WaveRange part = slab_of(rows.count, static_cast<int>(k), static_cast<int>(n_piece));
        return {rows.first + part.first, part.count};
    }
    std::int64_t n_plane(std::int64_t round) const;
    std::int64_t most_planes_of_a_rank() const { return (at_once + n_rank - 1) / n_rank; }

    /// Numbers of a rank's messages: rows and results, to send and received; of the transposes, to send and received.
    struct Sizes {
        std::int64_t real_sent, real_received, sent, received;
        std::int64_t bytes() const { return (real_sent + real_received) * 4 + (sent + received) * 16; }
    };
    /// At most, of any rank, in a round of so many planes.
    Sizes sizes(std::int64_t n_plane_at_once) const;
};

} // namespace tessera
