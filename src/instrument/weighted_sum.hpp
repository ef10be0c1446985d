#pragma once

#include <cstdint>
#include <span>

namespace tessera {

/// result[i] = sum over taps of weight[k] · from[offset[k] + i], taps in order: a convolution's innermost loop, with its sums in registers.
/// Products are rounded before they are added: the bits are those of a GPU.
/// @param result  [n], apart from what is read
void weighted_sum(const float* from, std::span<const std::int64_t> offset, std::span<const float> weight,
                  std::int64_t n, float* result);

} // namespace tessera
