#include <vector>

#include "tessera/comm/communicator.hpp"
#include "tessera/comm/device_communicator.hpp"
#include "tessera/view/device_stars.hpp"
#include "view/exchange_kernels.hpp"
#include "view/star_routes.hpp"

namespace tessera {

namespace {

/// Pieces of some length, none empty, in the accelerator's memory.
class DevicePieces {
public:
    void add(std::int64_t from, std::int64_t count) {
        if (count == 0) { return; }
        from_.push_back(from);
        at_.push_back(at_.back() + count);
    }
    /// After the last one. The lists stay as long as this does.
    void upload(device::Queue& queue, const char* what) {
        device_at_ = device::Buffer<std::int64_t>(queue, at_, what);
        device_from_ = device::Buffer<std::int64_t>(queue, from_, what);
        queue.finish();
    }
    Pieces pieces() const { return {static_cast<std::int64_t>(from_.size()), device_at_.data(), device_from_.data()}; }

private:
    std::vector<std::int64_t> at_{0}, from_;
    device::Buffer<std::int64_t> device_at_, device_from_;
};

} // namespace

DeviceSpaxelStars exchange_by_spaxel(device::Accelerator& accelerator, DeviceSpaxelStars&& stars,
                                     const SpaxelOwners& owners, Communicator& host, Communicator& devices) {
    device::Queue& queue = accelerator.compute();
    const StarRoutes routes = star_routes(stars.start, owners, host);
    DeviceSpaxelStars sky(std::move(stars));
    DevicePieces leaving, together;
    device::Buffer<float> send, received;
    agree(host, [&] {
        for (const auto& [run, at] : routes.leaving) { leaving.add(run.first, run.count); }
        const auto n_rank = static_cast<std::size_t>(host.size());
        for (std::size_t i = 0; i < routes.arriving.size(); ++i) {
            const StarRun& run = routes.arriving[i];
            const bool was_here = i % n_rank == static_cast<std::size_t>(host.rank());
            together.add(was_here ? -1 - run.first : run.first, run.count);
        }
        leaving.upload(queue, "stars that leave");
        together.upload(queue, "stars that are here afterwards");
        send = device::Buffer<float>(queue, routes.n_sent, "stars that leave");
        received = device::Buffer<float>(queue, routes.n_received, "stars that arrive");
    });
    for (device::Buffer<float>* values :
         {&sky.los_velocity, &sky.initial_mass, &sky.mass, &sky.metallicity, &sky.age}) {
        agree(host, [&] {
            if (routes.n_sent > 0) {
                queue.for_each(routes.n_sent, PickOut{leaving.pieces(), values->data(), send.data()});
            }
        });
        devices.all_to_all(buffer(queue, send), routes.send_counts, buffer(queue, received), routes.receive_counts);
        agree(host, [&] {
            device::Buffer<float> joined(queue, routes.start.back(), "stars of this rank's spaxels");
            if (joined.size() > 0) {
                queue.for_each(joined.size(),
                               StringTogether{together.pieces(), values->data(), received.data(), joined.data()});
            }
            *values = std::move(joined);
        });
    }
    agree(host, [&] {
        sky.start = routes.start;
        sky.starts = device::Buffer<std::int64_t>(queue, sky.start, "first stars of spaxels");
        queue.finish(); // before the lists go
    });
    return sky;
}

} // namespace tessera
