#include "tessera/cube/cube.hpp"

#include <fmt/format.h>

#include "cube/transpose.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

CubeSlab reduce_all(PartialCube&& partial, std::int64_t n_y, std::int64_t n_x, Communicator& comm,
                    const device::Host& where) {
    PartialCube own(std::move(partial)); // its memory goes with this call, whatever happens
    agree(comm, [&] {
        if (n_y * n_x == own.n_spaxel()) { return; }
        throw Error({.where = "reduce",
                     .found = fmt::format("{} x {} spaxels", n_y, n_x),
                     .expected = fmt::format("{}, those of the partial cube", own.n_spaxel()),
                     .cure = ""});
    });
    // The sum is element-wise, so the order of the axes does not matter to it: only the slab is transposed.
    comm.all_reduce(buffer(std::span<float>(own.flux().data(), static_cast<std::size_t>(own.flux().size()))), Op::sum);
    CubeSlab slab;
    agree(comm, [&] {
        slab = CubeSlab(slab_of(own.n_wave(), comm.rank(), comm.size()), n_y, n_x);
        transpose_planes(where, own.flux(), slab.range().first, slab.n_wave(), slab.data().data(), n_y * n_x);
    });
    return slab;
}

} // namespace tessera
