#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tessera/device/device.hpp"

namespace tessera::device {

/// join(…join(join(first, part(0, grain)), part(grain, 2 grain))…) over [0, n): parts side by side, joined in order, so that the
/// result does not depend on the number of threads.
/// @param part   T(first, last)   @param join  void(T& sum, const T& part)
template <class T, class Part, class Join>
T reduce_blocks(const Host& where, std::int64_t n, std::int64_t grain, T first, const Part& part, const Join& join) {
    const std::int64_t n_block = (n + grain - 1) / grain;
    std::vector<T> parts(static_cast<std::size_t>(n_block), first);
    run_blocks(where, n_block, [&](std::int64_t i) {
        parts[static_cast<std::size_t>(i)] = part(i * grain, std::min(n, (i + 1) * grain));
    });
    for (const T& one : parts) { join(first, one); }
    return first;
}

} // namespace tessera::device
