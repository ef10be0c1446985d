#include <vector>

#include <fmt/format.h>

#include "cube/slab_kernels.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/comm/device_communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/cube/device_cube.hpp"
#include "tessera/cube/spaxel_owners.hpp"

namespace tessera {

DeviceSlab collect_planes(device::Accelerator& accelerator, DevicePartial&& own, const SpaxelOwners& owners,
                          std::int64_t n_y, std::int64_t n_x, Communicator& host, Communicator& devices) {
    device::Queue& queue = accelerator.compute();
    const DevicePartial part(std::move(own)); // its memory goes with this call, whatever happens
    DeviceSlab slab;
    device::Buffer<float> received;
    std::vector<std::vector<std::int64_t>> spaxels;
    std::vector<std::int64_t> send_counts, receive_counts;
    agree(host, [&] {
        spaxels = owners.by_rank(0, owners.n_spaxel());
        const auto n_own = std::ssize(spaxels[static_cast<std::size_t>(host.rank())]);
        if (n_y * n_x != owners.n_spaxel() || part.n_spaxel != n_own || owners.n_rank() != host.size()) {
            throw Error(
                {.where = "collect_planes",
                 .found = fmt::format("{} columns, {} x {} spaxels, {} ranks", part.n_spaxel, n_y, n_x, host.size()),
                 .expected = fmt::format("the {} spaxels that this rank owns of {}, {} ranks", n_own, owners.n_spaxel(),
                                         owners.n_rank()),
                 .cure = ""});
        }
        slab = DeviceSlab(accelerator, slab_of(part.n_wave, host.rank(), host.size()), n_y, n_x);
        std::int64_t n_received = 0;
        for (int r = 0; r < host.size(); ++r) { // the part is planes already: what a rank gets stands together
            send_counts.push_back(slab_of(part.n_wave, r, host.size()).count * n_own);
            receive_counts.push_back(slab.n_wave() * std::ssize(spaxels[static_cast<std::size_t>(r)]));
            n_received += receive_counts.back();
        }
        received = device::Buffer<float>(queue, n_received, "planes of all ranks' spaxels");
        if (slab.flux.size() > 0) { queue.zero(slab.flux); }
    });
    devices.all_to_all(buffer(queue, part.flux), send_counts, buffer(queue, received), receive_counts);
    agree(host, [&] {
        const float* from = received.data();
        for (std::size_t r = 0; r < spaxels.size(); ++r) {
            if (receive_counts[r] == 0) { continue; }
            const device::Buffer<std::int64_t> there(queue, spaxels[r], "spaxels of a rank");
            queue.for_each(receive_counts[r], AddOwnSpaxels{from, slab.flux.data(), there.data(),
                                                            std::ssize(spaxels[r]), owners.n_spaxel()});
            from += receive_counts[r];
        }
        queue.finish(); // before the lists go
    });
    return slab;
}

} // namespace tessera
