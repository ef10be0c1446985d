#include <numeric>

#include <fmt/format.h>

#include "cube/ghost_exchange.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/comm/device_communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/cube/cube.hpp"
#include "tessera/cube/device_cube.hpp"

namespace tessera {

namespace {

void require_own_slab(const GhostExchange& exchange, WaveRange range, std::int64_t n_ghost) {
    if (exchange.is_slab_of(range) && n_ghost >= 0) { return; }
    throw Error({.where = "ghost planes",
                 .found = fmt::format("a slab of {} planes from {}, {} ghosts", range.count, range.first, n_ghost),
                 .expected = fmt::format("this rank's own {} planes from {}, ghosts >= 0", exchange.own.count,
                                         exchange.own.first),
                 .cure = ""});
}

} // namespace

GhostPlanes exchange_ghosts(const CubeSlab& slab, std::int64_t first, std::int64_t n_spaxel, std::int64_t n_ghost,
                            std::int64_t n_wave, Communicator& comm) {
    const GhostExchange exchange(n_ghost, n_wave, n_spaxel, comm.rank(), comm.size());
    std::vector<float> sent;
    GhostPlanes ghosts;
    agree(comm, [&] {
        require_own_slab(exchange, slab.range(), n_ghost);
        sent.reserve(static_cast<std::size_t>(std::reduce(exchange.send_counts.begin(), exchange.send_counts.end())));
        for (const WaveRange& give : exchange.give) {
            for (std::int64_t wave = give.first; wave < give.end(); ++wave) {
                const float* spaxels = slab.flux().row(wave - exchange.own.first) + first;
                sent.insert(sent.end(), spaxels, spaxels + n_spaxel);
            }
        }
        ghosts.below = {exchange.wide.first, exchange.n_below()};
        ghosts.above = {exchange.own.end(), exchange.n_above()};
        ghosts.n_spaxel = n_spaxel;
        ghosts.flux.resize(static_cast<std::size_t>((ghosts.below.count + ghosts.above.count) * n_spaxel));
    });
    comm.all_to_all(buffer(std::span<float>(sent)), exchange.send_counts, buffer(std::span<float>(ghosts.flux)),
                    exchange.receive_counts);
    return ghosts;
}

DeviceSlab with_ghosts(device::Accelerator& accelerator, const DeviceSlab& slab, std::int64_t n_ghost,
                       std::int64_t n_wave, Communicator& comm) {
    device::Queue& queue = accelerator.compute();
    const std::int64_t plane = slab.plane();
    const GhostExchange exchange(n_ghost, n_wave, plane, comm.rank(), comm.size());
    device::Buffer<float> sent, received;
    DeviceSlab out;
    const auto copy = [&](float* to, const float* from, std::int64_t n) {
        if (n > 0) { queue.copy(to, from, n * static_cast<std::int64_t>(sizeof(float))); }
    };
    const std::int64_t n_below = exchange.n_below() * plane, n_above = exchange.n_above() * plane;
    agree(comm, [&] {
        require_own_slab(exchange, slab.range, n_ghost);
        std::int64_t n_sent = 0;
        for (const std::int64_t n : exchange.send_counts) { n_sent += n; }
        sent = device::Buffer<float>(queue, n_sent, "ghost planes to send");
        received = device::Buffer<float>(queue, n_below + n_above, "ghost planes");
        out = DeviceSlab(accelerator, exchange.wide, slab.n_y, slab.n_x);
        float* to = sent.data();
        for (const WaveRange& give : exchange.give) {
            copy(to, slab.flux.data() + (give.first - exchange.own.first) * plane, give.count * plane);
            to += give.count * plane;
        }
    });
    comm.all_to_all(buffer(queue, sent), exchange.send_counts, buffer(queue, received), exchange.receive_counts);
    copy(out.flux.data(), received.data(), n_below);
    copy(out.flux.data() + n_below, slab.flux.data(), slab.flux.size());
    copy(out.flux.data() + n_below + slab.flux.size(), received.data() + n_below, n_above);
    return out;
}

} // namespace tessera
