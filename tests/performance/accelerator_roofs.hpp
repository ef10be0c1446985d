#pragma once

#include "tessera/device/accelerator.hpp"

namespace tessera::bench {

/// What an accelerator can do at most, measured: the best of a few, between marks of its queue.
struct Roofs {
    double copy = 0;                 ///< bytes/s read and written by a copy within its memory
    double up = 0, down = 0;         ///< bytes/s from and to pinned memory of the host
    double product = 0;              ///< multiply-adds/s of a large square product in single precision
    double product_of_synthesis = 0; ///< the same of the product in synthesis: 3721 pixels, 961 spaxels, sums of 2048
};
/// @param small  sizes that the emulation can do
Roofs measure_roofs(device::Accelerator& accelerator, bool small);

} // namespace tessera::bench
