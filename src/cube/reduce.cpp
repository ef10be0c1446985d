#include "tessera/cube/cube.hpp"

#include <fmt/format.h>

#include "cube/transpose.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

namespace {

View<float, 2> planes_of(CubeSlab& slab) {
    return View<float, 2>(slab.data().data(), slab.n_wave(), slab.n_y() * slab.n_x());
}

CubeSlab reduce_all(PartialCube&& partial, std::int64_t n_y, std::int64_t n_x, WaveRange range, Communicator& comm,
                    const device::Host& where) {
    // The sum is element-wise, so the order of the axes does not matter to it: only the slab is transposed.
    comm.all_reduce(buffer(std::span<float>(partial.flux().data(), static_cast<std::size_t>(partial.flux().size()))),
                    Op::sum);
    CubeSlab slab;
    agree(comm, [&] {
        slab = CubeSlab(range, n_y, n_x);
        transpose_planes(where, partial.flux(), range.first, planes_of(slab));
    });
    return slab;
}

CubeSlab reduce_scattered(PartialCube&& partial, std::int64_t n_y, std::int64_t n_x, WaveRange range,
                          Communicator& comm, const device::Host& where) {
    const std::int64_t n_spaxel = partial.n_spaxel();
    const std::int64_t n_wave = partial.n_wave();
    std::vector<float> planes;
    std::vector<std::int64_t> counts;
    CubeSlab slab;
    agree(comm, [&] {
        planes.resize(static_cast<std::size_t>(n_wave * n_spaxel));
        transpose_planes(where, partial.flux(), 0, View<float, 2>(planes.data(), n_wave, n_spaxel));
        { const PartialCube freed(std::move(partial)); } // before the slab is made
        slab = CubeSlab(range, n_y, n_x);
        for (int r = 0; r < comm.size(); ++r) { counts.push_back(slab_of(n_wave, r, comm.size()).count * n_spaxel); }
    });
    comm.reduce_scatter(buffer(std::span<float>(planes)), buffer(std::span<float>(slab.data())), counts);
    return slab;
}

} // namespace

CubeSlab reduce(PartialCube&& partial, std::int64_t n_y, std::int64_t n_x, Reduction method, Communicator& comm,
                const device::Host& where) {
    agree(comm, [&] {
        if (method == Reduction::exchange && comm.size() > 1) {
            throw Error({.where = "reduce",
                         .found = "exchange",
                         .expected = "a way to sum partial cubes; planes of spaxels that have owners are collected",
                         .cure = ""});
        }
        if (n_y * n_x == partial.n_spaxel()) { return; }
        throw Error({.where = "reduce",
                     .found = fmt::format("{} x {} spaxels", n_y, n_x),
                     .expected = fmt::format("{}, those of the partial cube", partial.n_spaxel()),
                     .cure = ""});
    });
    PartialCube own(std::move(partial)); // its memory goes with this call, whatever happens
    const WaveRange range = slab_of(own.n_wave(), comm.rank(), comm.size());
    if (comm.size() == 1) {
        CubeSlab slab(range, n_y, n_x);
        transpose_planes(where, own.flux(), 0, planes_of(slab));
        return slab;
    }
    switch (method) {
    case Reduction::allreduce: return reduce_all(std::move(own), n_y, n_x, range, comm, where);
    case Reduction::automatic:
    case Reduction::exchange: // refused above
    case Reduction::reduce_scatter: break;
    }
    return reduce_scattered(std::move(own), n_y, n_x, range, comm, where);
}

} // namespace tessera
