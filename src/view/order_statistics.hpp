#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "tessera/comm/communicator.hpp"

namespace tessera {

/// The value at which the running weight of all ranks' values, ascending, first exceeds `target`; exact, and the same however
/// the values are spread. With weight 1 and target k it is the k-th smallest, k from 0. Collective.
/// @param values  finite;  weight(i) >= 0 in integers, so that sums are exact; the sum over all ranks exceeds `target` >= 0
/// @par Cost      two passes over the values, three all_reduce of 16 KiB at most, whatever the number of values
float value_at_weight(std::span<const float> values, const std::function<std::int64_t(std::size_t)>& weight,
                      std::int64_t target, Communicator& comm);

/// Median of all ranks' values, of an even number the mean of the middle two. Collective; n_total > 0 values over all ranks.
double median_of(std::span<const float> values, std::int64_t n_total, Communicator& comm);

} // namespace tessera
