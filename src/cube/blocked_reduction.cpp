#include <algorithm>

#include "tessera/comm/communicator.hpp"
#include "tessera/comm/device_communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/cube/device_cube.hpp"

namespace tessera {

namespace {

/// A GPU makes so many elements of a product at a time: 132 multiprocessors with tiles of 128 x 128. Smaller blocks leave some idle.
constexpr std::int64_t elements_at_once = std::int64_t{132} * 128 * 128;
constexpr std::int64_t most_blocks = 8;

} // namespace

BlockedReduction::BlockedReduction(device::Accelerator& accelerator, const DevicePartial& partial, std::int64_t n_y,
                                   std::int64_t n_x, Communicator& comm, std::int64_t n_block)
    : accelerator_(accelerator), partial_(partial), comm_(comm),
      slab_(accelerator, slab_of(partial.n_wave, comm.rank(), comm.size()), n_y, n_x) {
    if (n_block == 0) {
        n_block = std::clamp<std::int64_t>(partial.n_wave * partial.n_spaxel / elements_at_once, 1, most_blocks);
    }
    const auto n = static_cast<int>(std::clamp<std::int64_t>(n_block, 1, std::max<std::int64_t>(1, partial.n_wave)));
    for (int i = 0; i < n; ++i) { blocks_.push_back(slab_of(partial.n_wave, i, n)); }
    accelerator.exchange().wait_for(accelerator.compute()); // the slab is there
}

void BlockedReduction::done(WaveRange block) {
    if (n_done_ >= blocks_.size() || block.first != blocks_[n_done_].first || block.count != blocks_[n_done_].count) {
        throw Error(
            {.where = "blocked reduction", .found = "a block out of turn", .expected = "blocks in their order"});
    }
    ++n_done_;
    const device::MarkPointer complete = accelerator_.compute().mark();
    send();
    waiting_ = block;
    complete_ = complete;
}

void BlockedReduction::send() {
    if (!complete_) { return; }
    device::Queue& queue = accelerator_.exchange();
    queue.wait_for(complete_);
    complete_.reset();
    std::vector<std::int64_t> counts;
    for (int r = 0; r < comm_.size(); ++r) {
        counts.push_back(common(waiting_, slab_of(partial_.n_wave, r, comm_.size())).count * partial_.n_spaxel);
    }
    const WaveRange own = common(waiting_, slab_.range);
    const std::int64_t n = partial_.n_spaxel;
    const Buffer planes{const_cast<float*>(partial_.flux.data()) + waiting_.first * n, waiting_.count * n,
                        ElementType::float32, &queue};
    const Buffer into{slab_.flux.data() + (own.count > 0 ? own.first - slab_.range.first : 0) * n, own.count * n,
                      ElementType::float32, &queue};
    comm_.reduce_scatter(planes, into, counts);
}

DeviceSlab BlockedReduction::finish() {
    send();
    accelerator_.compute().wait_for(accelerator_.exchange());
    return std::move(slab_);
}

} // namespace tessera
