#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tessera/cube/grid.hpp"

namespace tessera {

/// Who gives whom which planes, so that every rank has its slab with ghosts.
struct GhostExchange {
    WaveRange own, wide;                                   ///< this rank's slab, and with its ghosts
    std::vector<WaveRange> give;                           ///< [rank] planes of `own` that it needs; none for this rank
    std::vector<std::int64_t> send_counts, receive_counts; ///< [rank] elements

    /// @param plane  elements of a plane
    GhostExchange(std::int64_t n_ghost, std::int64_t n_wave, std::int64_t plane, int rank, int size)
        : own(slab_of(n_wave, rank, size)), wide(widened(own, n_ghost, n_wave)) {
        for (int r = 0; r < size; ++r) {
            const WaveRange other = slab_of(n_wave, r, size);
            const bool self = r == rank; // own planes stay
            give.push_back(self ? WaveRange{own.first, 0} : common(own, widened(other, n_ghost, n_wave)));
            send_counts.push_back(give.back().count * plane);
            receive_counts.push_back(self ? 0 : common(wide, other).count * plane);
        }
    }

    bool is_slab_of(WaveRange range) const { return range.first == own.first && range.count == own.count; }
    /// Slabs lie in rank order, so what arrives from lower ranks is the lower border in ascending wavelength, and so on up.
    std::int64_t n_below() const { return own.first - wide.first; }
    std::int64_t n_above() const { return wide.end() - own.end(); }

private:
    /// The planes that the owner of `slab` works with; nothing where there is nothing to work on.
    static WaveRange widened(WaveRange slab, std::int64_t n_ghost, std::int64_t n_wave) {
        if (slab.count == 0) { return slab; }
        const std::int64_t first = std::max<std::int64_t>(0, slab.first - n_ghost);
        return {first, std::min(n_wave, slab.end() + n_ghost) - first};
    }
};

} // namespace tessera
