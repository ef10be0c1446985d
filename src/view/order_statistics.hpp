#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tessera/comm/communicator.hpp"
#include "tessera/device/device.hpp"

namespace tessera {

/// Values of a rank with weights: `fill(first, last, values, weights)` writes those of items [first, last), at most `most_items`
/// at a time. Values are finite; weights are integers >= 0, so that their sums are exact.
struct WeightedValues {
    static constexpr std::int64_t most_items = 4096;
    std::int64_t n = 0;
    std::function<void(std::int64_t first, std::int64_t last, float* values, std::int64_t* weights)> fill;
};

/// The value at which the running weight of all ranks' values, ascending, first exceeds `target`; exact, and the same however
/// the values are spread. With weight 1 and target k it is the k-th smallest, k from 0. Collective.
/// @param values  the sum of weights over all ranks exceeds `target` >= 0
/// @par Cost      three passes over the values and no list of them, three all_reduce of 16 KiB at most
float value_at_weight(const device::Host& where, const WeightedValues& values, std::int64_t target, Communicator& comm);

/// Median of all ranks' values, of an even number the mean of the middle two. Collective; n_total > 0 values over all ranks.
/// @param chosen  [value] 0: does not count; empty: all do
double median_of(const device::Host& where, std::span<const float> values, std::int64_t n_total, Communicator& comm,
                 std::span<const std::uint8_t> chosen = {});

} // namespace tessera
