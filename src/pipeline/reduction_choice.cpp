#include "pipeline/reduction_choice.hpp"

#include <numeric>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/log.hpp"
#include "tessera/synthesis/work_estimate.hpp"

namespace tessera {

namespace {

double others(const ReductionSizes& sizes) { return static_cast<double>(sizes.n_rank - 1) / sizes.n_rank; }

} // namespace

ReductionTimes times_of_reduce_scatter(const ReductionSizes& sizes, double work, const MessageCosts& costs) {
    const auto cube = static_cast<double>(sizes.cube_bytes);
    // Cleared, turned, and added up as it arrives.
    const double copies = 3 * cube / (costs.memory * sizes.n_thread);
    return {work / sizes.n_thread, copies + others(sizes) * cube / costs.link + (sizes.n_rank - 1) * costs.latency};
}

ReductionTimes times_of_exchange(const ReductionSizes& sizes, double work, const MessageCosts& costs) {
    constexpr double star_bytes = 20; // five properties
    const double stars = star_bytes * static_cast<double>(sizes.n_star) / sizes.n_rank;
    const double part = static_cast<double>(sizes.cube_bytes) / sizes.n_rank;
    // Counts, five properties, planes.
    const auto n_message =
        static_cast<double>((6 + blocks_collected(sizes.cube_bytes, sizes.n_rank)) * (sizes.n_rank - 1));
    // Stars are picked out and strung together, which is copying in long pieces; the cube's part as above.
    const double copies = (stars / sizes.n_thread + 3 * part / sizes.n_thread) / costs.memory;
    return {work / sizes.n_thread, copies + others(sizes) * (stars + part) / costs.link + n_message * costs.latency};
}

ReductionChoice choose_reduction(const Plan& plan, const std::function<std::vector<std::int64_t>()>& count,
                                 Communicator& comm) {
    ReductionChoice choice{.method = plan.reduction, .reason = plan.reduction_reason};
    if (comm.size() == 1 || (choice.method != Reduction::automatic && choice.method != Reduction::exchange)) {
        return choice;
    }
    const std::vector<std::int64_t> n_star = count();
    SpaxelWork work = spaxel_work(plan.library, plan.pixels, plan.config.synthesis);
    for (double* value : work.values()) { *value = comm.broadcast_value(*value, 0); }
    double of_sums = 0; // of every rank, when each has its share of every spaxel's stars
    for (const std::int64_t n : n_star) { of_sums += work(static_cast<double>(n) / comm.size()); }
    OwnerChoice made;
    agree(comm, [&] { made = choose_owners(n_star, comm.size(), work); });
    const ReductionSizes sizes{.n_star = std::accumulate(n_star.begin(), n_star.end(), std::int64_t{0}),
                               .cube_bytes = plan.field.n_padded() * plan.pixels.size() * 4,
                               .n_rank = comm.size(),
                               .n_thread = comm.broadcast_value(plan.where.threads, 0)};
    if (choice.method == Reduction::automatic) {
        const MessageCosts costs = message_costs(plan.config.parallel, comm);
        const double slower = MessageCosts::reference_product_rate / costs.product; // than what the estimate is of
        const ReductionTimes sums = times_of_reduce_scatter(sizes, slower * of_sums, costs);
        const ReductionTimes exchange = times_of_exchange(sizes, slower * made.largest_work, costs);
        choice.method = exchange.total() < sums.total() ? Reduction::exchange : Reduction::reduce_scatter;
        choice.reason =
            fmt::format("expected of a rank: exchange {:.3g} s of synthesis and {:.3g} s of messages and copies, "
                        "reduce-scatter {:.3g} and {:.3g}, by {}",
                        exchange.work, exchange.bytes, sums.work, sums.bytes, costs.text());
    }
    log::detail(fmt::format("reduction {} ({})", word(choice.method), choice.reason));
    if (choice.method == Reduction::exchange) {
        log::detail(fmt::format(
            "spaxels are dealt out to {} ranks, the heaviest has {:.2f} of the mean work; {} are shared", comm.size(),
            made.mean_work > 0 ? made.largest_work / made.mean_work : 1.0, made.owners.n_shared()));
        choice.owners = std::move(made.owners);
    }
    return choice;
}

} // namespace tessera
