#pragma once

#include <cstdint>
#include <vector>

#include "tessera/cube/cube.hpp"
#include "tessera/device/accelerator.hpp"

namespace tessera {

class SpaxelOwners;

/// PartialCube in an accelerator's memory, as planes: flux [wave, spaxel], the layout of the slabs that come next. It belongs to the
/// compute queue. Zero when made. Of several fields, each with a galaxy of its own, the cubes stand one after the other: flux
/// [field, wave, spaxel].
struct DevicePartial {
    std::int64_t n_wave = 0, n_spaxel = 0, n_field = 1;
    device::Buffer<float> flux;

    DevicePartial() = default;
    DevicePartial(device::Accelerator& accelerator, std::int64_t waves, std::int64_t spaxels, std::int64_t fields = 1);
};

/// CubeSlab in an accelerator's memory: flux [wave, y, x]. Contents undefined when made.
struct DeviceSlab {
    WaveRange range; ///< global wavelength indices
    std::int64_t n_y = 0, n_x = 0;
    device::Buffer<float> flux;

    DeviceSlab() = default;
    DeviceSlab(device::Accelerator& accelerator, WaveRange waves, std::int64_t y, std::int64_t x);
    std::int64_t n_wave() const { return range.count; }
    std::int64_t plane() const { return n_y * n_x; }
};

/// As for the host: the sum over ranks, this rank's slab. Consumes the partial cube. Collective.
DeviceSlab reduce(device::Accelerator& accelerator, DevicePartial&& partial, std::int64_t n_y, std::int64_t n_x,
                  Reduction method, Communicator& comm);

/// The planes of one of the fields of a partial cube that one rank alone made.
DeviceSlab planes_of_field(device::Accelerator& accelerator, const DevicePartial& partial, std::int64_t field,
                           std::int64_t n_y, std::int64_t n_x);

/// As for the host: planes of spaxels that have owners, brought to slabs. Parts of shared spaxels are added in the order of the ranks.
/// @param own   [wave, own spaxel], as owners.of_rank(rank); consumed
/// @param host  agreement; @param devices  the same ranks, for the accelerators' memory
/// @par Memory  the part and twice the slab. Collective.
DeviceSlab collect_planes(device::Accelerator& accelerator, DevicePartial&& own, const SpaxelOwners& owners,
                          std::int64_t n_y, std::int64_t n_x, Communicator& host, Communicator& devices);

/// Reduce-scatter in blocks of wavelengths: one travels while the next is being made. All ranks give the same blocks in the same order.
class BlockedReduction {
public:
    /// @param n_block  0: as many as leave each enough work for a GPU, at most 8
    /// @param partial  of this rank; must outlive finish()
    BlockedReduction(device::Accelerator& accelerator, const DevicePartial& partial, std::int64_t n_y, std::int64_t n_x,
                     Communicator& comm, std::int64_t n_block = 0);
    const std::vector<WaveRange>& blocks() const { return blocks_; }
    /// The planes of the next block are complete after what the compute queue was given so far. Collective; the block given before
    /// starts to travel: what makes this one is in the queue by now.
    void done(WaveRange block);
    /// Collective, after all blocks. This rank's slab, for the compute queue.
    DeviceSlab finish();

private:
    void send();
    device::Accelerator& accelerator_;
    const DevicePartial& partial_;
    Communicator& comm_;
    std::vector<WaveRange> blocks_;
    std::size_t n_done_ = 0;
    WaveRange waiting_; ///< block that is complete and does not travel yet
    device::MarkPointer complete_;
    DeviceSlab slab_;
};

/// As for the host. Collective.
DeviceSlab with_ghosts(device::Accelerator& accelerator, const DeviceSlab& slab, std::int64_t n_ghost,
                       std::int64_t n_wave, Communicator& comm);

/// Multiplies all of the slab.
void scale(device::Accelerator& accelerator, DeviceSlab& slab, double factor);

/// Planes [first, first + count) of the slab (global indices), `margin` spaxels cut off on every side; plane `renumber` becomes number 0.
/// @throws Error(Kind::internal)  planes that the slab does not have, or a margin wider than it
DeviceSlab cut_out(device::Accelerator& accelerator, const DeviceSlab& slab, WaveRange planes, std::int64_t margin,
                   std::int64_t renumber);

/// To and from the host; returns when it is there.
CubeSlab to_host(device::Accelerator& accelerator, const DeviceSlab& slab);
DeviceSlab to_device(device::Accelerator& accelerator, const CubeSlab& slab);

} // namespace tessera
