#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pipeline/message_costs.hpp"
#include "pipeline/plan.hpp"
#include "tessera/cube/spaxel_owners.hpp"

namespace tessera {

/// Seconds of one rank in what the two ways do differently: `work` in synthesis, the heaviest rank's, `bytes` in messages and copies.
struct ReductionTimes {
    double work = 0, bytes = 0;
    double total() const { return work + bytes; }
};

/// What decides between the two ways.
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

/// What was chosen, the same on every rank, and for `exchange` who makes what.
struct ReductionChoice {
    Reduction method = Reduction::reduce_scatter;
    std::string reason;
    SpaxelOwners owners = {};
};

/// The reduction that the plan names; for `auto` the cheaper one of reduce-scatter and exchange (allreduce sends more than reduce-scatter
/// and gains nothing). Says so in the log. Collective.
/// @param count  stars of all ranks in each spaxel of the padded field; called, collectively, where it matters
ReductionChoice choose_reduction(const Plan& plan, const std::function<std::vector<std::int64_t>()>& count,
                                 Communicator& comm);

} // namespace tessera
