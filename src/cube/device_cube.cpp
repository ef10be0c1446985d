#include "tessera/cube/device_cube.hpp"

#include <vector>

#include <fmt/format.h>

#include "cube/slab_kernels.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/comm/device_communicator.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

namespace {

DeviceSlab reduce_all(device::Accelerator& accelerator, const DevicePartial& partial, std::int64_t n_y,
                      std::int64_t n_x, WaveRange range, Communicator& comm) {
    device::Queue& queue = accelerator.compute();
    comm.all_reduce(buffer(queue, partial.flux), Op::sum);
    DeviceSlab slab;
    agree(comm, [&] { slab = DeviceSlab(accelerator, range, n_y, n_x); });
    if (slab.flux.size() > 0) {
        queue.copy(slab.flux.data(), partial.flux.data() + range.first * partial.n_spaxel, slab.flux.bytes());
    }
    return slab;
}

DeviceSlab reduce_scattered(device::Accelerator& accelerator, const DevicePartial& partial, std::int64_t n_y,
                            std::int64_t n_x, WaveRange range, Communicator& comm) {
    device::Queue& queue = accelerator.compute();
    DeviceSlab slab;
    std::vector<std::int64_t> counts;
    agree(comm, [&] {
        slab = DeviceSlab(accelerator, range, n_y, n_x);
        for (int r = 0; r < comm.size(); ++r) {
            counts.push_back(slab_of(partial.n_wave, r, comm.size()).count * partial.n_spaxel);
        }
    });
    comm.reduce_scatter(buffer(queue, partial.flux), buffer(queue, slab.flux), counts);
    return slab;
}

} // namespace

DevicePartial::DevicePartial(device::Accelerator& accelerator, std::int64_t waves, std::int64_t spaxels,
                             std::int64_t fields)
    : n_wave(waves), n_spaxel(spaxels), n_field(fields),
      flux(accelerator.compute(), fields * waves * spaxels, "the partial cube") {
    if (flux.size() > 0) { accelerator.compute().zero(flux); }
}

DeviceSlab::DeviceSlab(device::Accelerator& accelerator, WaveRange waves, std::int64_t y, std::int64_t x)
    : range(waves), n_y(y), n_x(x), flux(accelerator.compute(), waves.count * y * x, "a slab of the cube") {}

DeviceSlab reduce(device::Accelerator& accelerator, DevicePartial&& partial, std::int64_t n_y, std::int64_t n_x,
                  Reduction method, Communicator& comm) {
    agree(comm, [&] {
        if (n_y * n_x == partial.n_spaxel) { return; }
        throw Error({.where = "reduce",
                     .found = fmt::format("{} x {} spaxels", n_y, n_x),
                     .expected = fmt::format("{}, those of the partial cube", partial.n_spaxel),
                     .cure = ""});
    });
    DevicePartial own(std::move(partial)); // its memory goes with this call, whatever happens
    const WaveRange range = slab_of(own.n_wave, comm.rank(), comm.size());
    if (comm.size() == 1) { // planes of all wavelengths are the slab
        DeviceSlab slab;
        slab.range = range;
        slab.n_y = n_y;
        slab.n_x = n_x;
        slab.flux = std::move(own.flux);
        return slab;
    }
    switch (method) {
    case Reduction::allreduce: return reduce_all(accelerator, own, n_y, n_x, range, comm);
    case Reduction::automatic:
    case Reduction::exchange: // collect_planes: nothing is summed
    case Reduction::weights:  // not on accelerators
    case Reduction::reduce_scatter: break;
    }
    return reduce_scattered(accelerator, own, n_y, n_x, range, comm);
}

DeviceSlab planes_of_field(device::Accelerator& accelerator, const DevicePartial& partial, std::int64_t field,
                           std::int64_t n_y, std::int64_t n_x) {
    if (n_y * n_x != partial.n_spaxel || field < 0 || field >= partial.n_field) {
        throw Error({.where = "planes_of_field",
                     .found = fmt::format("field {}, {} x {} spaxels", field, n_y, n_x),
                     .expected = fmt::format("one of {} fields, of {} spaxels", partial.n_field, partial.n_spaxel)});
    }
    DeviceSlab slab(accelerator, {0, partial.n_wave}, n_y, n_x);
    if (slab.flux.size() > 0) {
        accelerator.compute().copy(slab.flux.data(), partial.flux.data() + field * slab.flux.size(), slab.flux.bytes());
    }
    return slab;
}

void scale(device::Accelerator& accelerator, DeviceSlab& slab, double factor) {
    accelerator.compute().for_each(slab.flux.size(), ScaleFlux{slab.flux.data(), factor});
}

DeviceSlab cut_out(device::Accelerator& accelerator, const DeviceSlab& slab, WaveRange planes, std::int64_t margin,
                   std::int64_t renumber) {
    const bool inside = planes.count == 0 || (planes.first >= slab.range.first && planes.end() <= slab.range.end());
    const std::int64_t n_y = slab.n_y - 2 * margin, n_x = slab.n_x - 2 * margin;
    if (!inside || planes.count < 0 || margin < 0 || n_y < 0 || n_x < 0) {
        throw Error(
            {.where = "cut_out",
             .found = fmt::format("planes {} to {}, margin {}", planes.first, planes.end(), margin),
             .expected = fmt::format("planes between {} and {}, a margin that leaves something of {} x {} spaxels",
                                     slab.range.first, slab.range.end(), slab.n_y, slab.n_x),
             .cure = ""});
    }
    DeviceSlab out(accelerator, {planes.first - renumber, planes.count}, n_y, n_x);
    accelerator.compute().for_each(out.flux.size(),
                                   CutOut{View<const float, 3>(slab.flux.data(), slab.n_wave(), slab.n_y, slab.n_x),
                                          View<float, 3>(out.flux.data(), planes.count, n_y, n_x),
                                          planes.first - slab.range.first, margin});
    return out;
}

CubeSlab to_host(device::Accelerator& accelerator, const DeviceSlab& slab) {
    device::Queue& queue = accelerator.compute();
    CubeSlab out(slab.range, slab.n_y, slab.n_x);
    queue.download(slab.flux, std::span<float>(out.data()));
    queue.finish();
    return out;
}

DeviceSlab to_device(device::Accelerator& accelerator, const CubeSlab& slab) {
    device::Queue& queue = accelerator.compute();
    DeviceSlab out(accelerator, slab.range(), slab.n_y(), slab.n_x());
    queue.upload(out.flux, slab.data());
    queue.finish();
    return out;
}

} // namespace tessera
