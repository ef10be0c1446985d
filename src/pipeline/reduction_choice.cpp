#include "pipeline/reduction_choice.hpp"

#include <algorithm>
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

ReductionTimes times_of_weights(const ReductionSizes& sizes, double work, const WeightCounts& counts,
                                const MessageCosts& costs) {
    constexpr double weight_bytes = 8;
    constexpr double to_group = 8e-9; // seconds a weight, for what every rank does with all of them
    const double passes = weight_bytes * (2 * counts.own + counts.all); // packed, summed; taken out
    const double sent = others(sizes) * weight_bytes * (counts.own + counts.all);
    const double n_few = 1 + counts.all / (static_cast<double>(WeightLimits().per_batch) / 4);
    const double n_message = 4 * n_few * (sizes.n_rank - 1); // lengths and weights, to and from who sums
    return {(work + to_group * counts.all) / sizes.n_thread,
            passes / sizes.n_thread / costs.memory + sent / costs.link + n_message * costs.latency};
}

namespace {

/// The ways that `auto` chooses from, and what they are expected to take.
struct Candidate {
    Reduction method;
    ReductionTimes times;
};

/// What the numbers of stars tell.
struct Expected {
    double of_sums = 0;  ///< seconds of a thread of every rank, when each has its share of every spaxel's stars
    double of_share = 0; ///< of every rank, when each has its share of every spaxel's work
    WeightCounts weights = {};

    Expected(const std::vector<std::int64_t>& n_star, const SpaxelWork& work, int n_rank) {
        for (const std::int64_t n : n_star) {
            const auto all = static_cast<double>(n), own = all / n_rank;
            of_sums += work(own);
            of_share += work(all) / n_rank;
            weights.own += work.pairs(own);
            weights.all += work.pairs(all);
        }
    }
};

std::vector<Candidate> candidates(const Plan& plan, const ReductionSizes& sizes, const Expected& expected,
                                  double largest_work, const MessageCosts& costs) {
    const double slower = MessageCosts::reference_product_rate / costs.product; // than what the estimate is of
    std::vector<Candidate> out{
        {Reduction::exchange, times_of_exchange(sizes, slower * largest_work, costs)},
        {Reduction::reduce_scatter, times_of_reduce_scatter(sizes, slower * expected.of_sums, costs)}};
    if (plan.has_weights()) {
        out.push_back(
            {Reduction::weights, times_of_weights(sizes, slower * expected.of_share, expected.weights, costs)});
    }
    return out;
}

void choose_from(const std::vector<Candidate>& candidates, const MessageCosts& costs, ReductionChoice& choice) {
    const auto& best = *std::min_element(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
        return a.times.total() < b.times.total();
    });
    choice.method = best.method;
    choice.reason = "expected of a rank, seconds of synthesis and of messages and copies:";
    for (const Candidate& one : candidates) {
        choice.reason += fmt::format(" {} {:.3g} and {:.3g},", word(one.method), one.times.work, one.times.bytes);
    }
    choice.reason += " by " + costs.text();
}

} // namespace

ReductionChoice choose_reduction(const Plan& plan, const std::function<std::vector<std::int64_t>()>& count,
                                 Communicator& comm) {
    ReductionChoice choice{.method = plan.reduction, .reason = plan.reduction_reason};
    if (comm.size() == 1 || (choice.method != Reduction::automatic && choice.method != Reduction::exchange)) {
        return choice;
    }
    const std::vector<std::int64_t> n_star = count();
    SpaxelWork work = spaxel_work(plan.library, plan.pixels, plan.config.synthesis);
    for (double* value : work.values()) { *value = comm.broadcast_value(*value, 0); }
    OwnerChoice made;
    agree(comm, [&] { made = choose_owners(n_star, comm.size(), work); });
    const ReductionSizes sizes{.n_star = std::accumulate(n_star.begin(), n_star.end(), std::int64_t{0}),
                               .cube_bytes = plan.field.n_padded() * plan.pixels.size() * 4,
                               .n_rank = comm.size(),
                               .n_thread = comm.broadcast_value(plan.where.threads, 0)};
    if (choice.method == Reduction::automatic) {
        const MessageCosts costs = message_costs(plan.config.parallel, comm);
        const Expected expected(n_star, work, comm.size());
        choose_from(candidates(plan, sizes, expected, made.largest_work, costs), costs, choice);
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
