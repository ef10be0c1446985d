#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pipeline/message_costs.hpp"
#include "pipeline/plan.hpp"
#include "tessera/cube/spaxel_owners.hpp"

namespace tessera {

/// Seconds of one rank in what the ways do differently: `work` in synthesis, the heaviest rank's, `bytes` in messages and copies.
struct ReductionTimes {
    double work = 0, bytes = 0;
    double total() const { return work + bytes; }
};

/// What decides between the ways.
struct ReductionSizes {
    std::int64_t n_star = 0;     ///< on the field, all ranks
    std::int64_t cube_bytes = 0; ///< margin included
    int n_rank = 1;
    int n_thread = 1; ///< of a rank
};

/// Of the sum of partial cubes. @param work  seconds of one thread that a rank's stars take when every spaxel's stars are dealt out to all
ReductionTimes times_of_reduce_scatter(const ReductionSizes& sizes, double work, const MessageCosts& costs);
/// Of the exchange of stars. @param work  seconds of one thread of the heaviest rank
ReductionTimes times_of_exchange(const ReductionSizes& sizes, double work, const MessageCosts& costs);

/// Row weights, in numbers: those of a rank's own stars, and of the stars of all ranks together.
struct WeightCounts {
    double own = 0, all = 0;
};

/// Of the exchange of row weights. @param work  seconds of one thread when a rank has its share of every spaxel's work
ReductionTimes times_of_weights(const ReductionSizes& sizes, double work, const WeightCounts& counts,
                                const MessageCosts& costs);

/// What was chosen, the same on every rank, and for `exchange` who makes what.
struct ReductionChoice {
    Reduction method = Reduction::reduce_scatter;
    std::string reason;
    SpaxelOwners owners = {};
};

/// The reduction that the plan names; for `auto` the cheapest one of reduce-scatter, exchange and, where it is possible, weights (allreduce
/// sends more than reduce-scatter and gains nothing). Says so in the log. Collective.
/// @param count  stars of all ranks in each spaxel of the padded field; called, collectively, where it matters
ReductionChoice choose_reduction(const Plan& plan, const std::function<std::vector<std::int64_t>()>& count,
                                 Communicator& comm);

} // namespace tessera
