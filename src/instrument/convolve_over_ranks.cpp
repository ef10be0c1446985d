#include <memory>

#include <fmt/format.h>

#include "instrument/shared_convolution.hpp"
#include "tessera/core/error.hpp"
#include "tessera/instrument/convolve.hpp"

namespace tessera {

CubeSlab convolve_over_ranks(CubeSlab slab, const Kernel2D& kernel, std::int64_t margin, std::int64_t n_wave,
                             Communicator& comm, int n_thread) {
    std::unique_ptr<const SharedPlanes> shared;
    std::unique_ptr<SharedConvolution> convolution;
    agree(comm, [&] {
        const WaveRange own = slab_of(n_wave, comm.rank(), comm.size());
        if (slab.range().first != own.first || slab.n_wave() != own.count) {
            throw Error({.where = "convolve_over_ranks",
                         .found = fmt::format("a slab of {} planes from {}", slab.n_wave(), slab.range().first),
                         .expected = fmt::format("this rank's own {} planes from {}", own.count, own.first),
                         .cure = ""});
        }
        const auto [n_y, n_x] = field_within(slab.n_y(), slab.n_x(), margin);
        if (kernel.is_identity()) { return; }
        shared = std::make_unique<const SharedPlanes>(kernel, n_y, n_x, margin, n_wave, comm.size());
        convolution =
            std::make_unique<SharedConvolution>(kernel, *shared, comm.rank(), device::threads_for(n_thread, 1));
    });
    if (kernel.is_identity()) {
        agree(comm, [&] { slab = convolve(std::move(slab), kernel, margin, Convolution::direct, n_thread); });
        return slab;
    }
    for (std::int64_t round = 0; round < shared->n_round(); ++round) { convolution->round(round, slab, comm); }
    slab.shrink_planes(shared->n_y, shared->n_x);
    return slab;
}

std::int64_t distributed_scratch(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x, std::int64_t n_wave,
                                 int n_rank, int n_thread) {
    return SharedConvolution::bytes(SharedPlanes(kernel, n_y, n_x, 0, n_wave, n_rank), kernel.n_y, n_thread);
}

std::int64_t distributed_messages(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x, std::int64_t n_wave,
                                  int n_rank) {
    const SharedPlanes shared(kernel, n_y, n_x, 0, n_wave, n_rank);
    return shared.n_round() * (3 + 2 * shared.n_piece); // norms, two transposes; rows and results
}

} // namespace tessera
