#pragma once

#include "pipeline/message_costs.hpp"
#include "pipeline/plan.hpp"

namespace tessera {

/// What decides how planes are convolved.
struct ConvolutionSizes {
    std::int64_t n_y = 0, n_x = 0; ///< field without margin
    std::int64_t n_plane = 0;
    int n_rank = 1;
    int n_thread = 1; ///< of a rank
};

/// Seconds of the rank that has most to do: with whole planes on their owners; with the transform of each plane over all ranks, its work
/// and its messages and copies.
struct ConvolutionTimes {
    double slab = 0, distributed_work = 0, distributed_bytes = 0;
    ConvolutionTimes(const ConvolutionSizes& sizes, const Kernel2D& kernel, const MessageCosts& costs);
    double distributed() const { return distributed_work + distributed_bytes; }
};

/// Sets plan.convolution and its reason: as configured; for `auto` slabs, unless only the other way fits into memory, or there are so few
/// planes that it should be faster. Says so in the log. The same on every rank. Collective.
/// @throws Error(Kind::config)  distributed on an accelerator
void choose_convolution(Plan& plan, Communicator& comm);

} // namespace tessera
