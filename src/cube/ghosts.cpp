#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/cube/cube.hpp"

namespace tessera {

namespace {

/// The planes that the owner of `own` works with; nothing where there is nothing to work on.
WaveRange widened(WaveRange own, std::int64_t n_ghost, std::int64_t n_wave) {
    if (own.count == 0) { return own; }
    const std::int64_t first = std::max<std::int64_t>(0, own.first - n_ghost);
    return {first, std::min(n_wave, own.end() + n_ghost) - first};
}

WaveRange common(WaveRange a, WaveRange b) {
    const std::int64_t first = std::max(a.first, b.first);
    return {first, std::max<std::int64_t>(0, std::min(a.end(), b.end()) - first)};
}

} // namespace

CubeSlab with_ghosts(const CubeSlab& slab, std::int64_t n_ghost, std::int64_t n_wave, Communicator& comm) {
    const int size = comm.size();
    const WaveRange own = slab_of(n_wave, comm.rank(), size);
    const WaveRange wide = widened(own, n_ghost, n_wave);
    const std::int64_t plane = slab.n_y() * slab.n_x();
    std::vector<std::int64_t> send_counts(static_cast<std::size_t>(size)),
        receive_counts(static_cast<std::size_t>(size));
    std::vector<float> sent, received;
    CubeSlab out;
    agree(comm, [&] {
        if (slab.range().first != own.first || slab.range().count != own.count || n_ghost < 0) {
            throw Error(
                {.where = "with_ghosts",
                 .found = fmt::format("a slab of {} planes from {}, {} ghosts", slab.range().count, slab.range().first,
                                      n_ghost),
                 .expected = fmt::format("this rank's own {} planes from {}, ghosts >= 0", own.count, own.first),
                 .cure = ""});
        }
        for (int r = 0; r < size; ++r) {
            if (r == comm.rank()) { continue; } // own planes are copied below
            const auto at = static_cast<std::size_t>(r);
            const WaveRange other = slab_of(n_wave, r, size);
            const WaveRange give = common(own, widened(other, n_ghost, n_wave));
            const float* planes = slab.data().data() + (give.first - own.first) * plane;
            if (give.count > 0) { sent.insert(sent.end(), planes, planes + give.count * plane); }
            send_counts[at] = give.count * plane;
            receive_counts[at] = common(wide, other).count * plane;
        }
        received.resize(
            static_cast<std::size_t>(std::accumulate(receive_counts.begin(), receive_counts.end(), std::int64_t{0})));
        out = CubeSlab(wide, slab.n_y(), slab.n_x());
    });
    comm.all_to_all(buffer(std::span<float>(sent)), send_counts, buffer(std::span<float>(received)), receive_counts);
    // Slabs lie in rank order, so what arrives from lower ranks is the lower border in ascending wavelength, and so on up.
    const std::int64_t n_below = (own.first - wide.first) * plane;
    auto to = std::copy(received.begin(), received.begin() + n_below, out.data().begin());
    to = std::copy(slab.data().begin(), slab.data().end(), to);
    std::copy(received.begin() + n_below, received.end(), to);
    return out;
}

} // namespace tessera
