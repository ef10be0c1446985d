#include "pipeline/convolution_choice.hpp"

#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/instrument/convolve.hpp"

namespace tessera {

ConvolutionTimes::ConvolutionTimes(const ConvolutionSizes& sizes, const Kernel2D& kernel, const MessageCosts& costs) {
    const PlaneCost plane(kernel, sizes.n_y, sizes.n_x);
    const auto share = [](std::int64_t n, int of) { return (n + of - 1) / of; };
    const double slower = MessageCosts::reference_product_rate / costs.product; // than what the cost is of
    const auto n_turn = static_cast<double>(share(share(sizes.n_plane, sizes.n_rank), sizes.n_thread));
    slab = slower * n_turn * plane.seconds;
    const double n_each = static_cast<double>(sizes.n_plane) / sizes.n_rank; // planes' worth of work of a rank
    distributed_work = slower * n_each * plane.shared_seconds / sizes.n_thread;
    const int n_other = sizes.n_rank - 1;
    const double bytes = n_each * plane.shared_bytes;
    const auto n_message =
        static_cast<double>(distributed_messages(kernel, sizes.n_y, sizes.n_x, sizes.n_plane, sizes.n_rank) * n_other);
    // Put into messages and taken out of them.
    distributed_bytes = 2 * bytes / (costs.memory * sizes.n_thread) + bytes * n_other / sizes.n_rank / costs.link +
                        n_message * costs.latency;
}

namespace {

/// Seconds that must be at stake for it to be worth measuring what messages cost.
constexpr double worth_asking = 0.02;

void refuse_on_accelerator(const Plan& plan) {
    if (!plan.accelerator || plan.config.parallel.convolution != ConvolutionLayout::distributed) { return; }
    throw Error({.kind = Kind::config,
                 .where = "parallel.convolution",
                 .found = fmt::format("distributed, on a GPU ({})", plan.accelerator->info().name),
                 .expected = "auto or slab there",
                 .cure = "Take parallel.convolution: slab, or parallel.device: cpu"});
}

/// Bytes that some rank needs.
std::int64_t bytes_needed(const Plan& plan, ConvolutionLayout layout, Communicator& comm) {
    // Where the stars decide about the reduction, memory will not stand against the one that needs less.
    const Reduction reduction = plan.reduction == Reduction::automatic ? Reduction::exchange : plan.reduction;
    const std::int64_t bytes = peak_memory(
        memory_plan(plan, {.n_rank = comm.size(), .mpi = true, .reduction = reduction, .convolution = layout}));
    return comm.all_reduce_value(bytes, Op::max);
}

std::pair<ConvolutionLayout, std::string> by_memory_and_time(const Plan& plan, Communicator& comm) {
    const auto available = available_memory(comm), whole = bytes_needed(plan, ConvolutionLayout::slab, comm),
               shared = bytes_needed(plan, ConvolutionLayout::distributed, comm);
    const auto gigabytes = [](std::int64_t bytes) { return static_cast<double>(bytes) * 1e-9; };
    if (whole > available && shared < whole) {
        return {ConvolutionLayout::distributed,
                fmt::format("with whole planes a rank would need {:.3g} GB, with shared ones {:.3g}; it may use {:.3g}",
                            gigabytes(whole), gigabytes(shared), gigabytes(available))};
    }
    const ConvolutionSizes sizes{.n_y = plan.field.n_y,
                                 .n_x = plan.field.n_x,
                                 .n_plane = plan.pixels.size(),
                                 .n_rank = comm.size(),
                                 .n_thread = comm.broadcast_value(plan.where.threads, 0)};
    const ConvolutionTimes at_best(sizes, plan.psf, {});
    if (at_best.slab - at_best.distributed_work < worth_asking) {
        return {ConvolutionLayout::slab, fmt::format("expected of a rank: {:.3g} s with whole planes, {:.3g} s and "
                                                     "messages with shared ones",
                                                     at_best.slab, at_best.distributed_work)};
    }
    const MessageCosts costs = message_costs(plan.config.parallel, comm);
    const ConvolutionTimes times(sizes, plan.psf, costs);
    return {times.distributed() < times.slab ? ConvolutionLayout::distributed : ConvolutionLayout::slab,
            fmt::format("expected of a rank: {:.3g} s with whole planes, with shared ones {:.3g} s of transforms and "
                        "{:.3g} s of messages and copies, by {}",
                        times.slab, times.distributed_work, times.distributed_bytes, costs.text())};
}

} // namespace

void choose_convolution(Plan& plan, Communicator& comm) {
    agree(comm, [&] { refuse_on_accelerator(plan); });
    plan.convolution = ConvolutionLayout::slab;
    if (plan.config.parallel.convolution != ConvolutionLayout::automatic) {
        plan.convolution = plan.config.parallel.convolution;
        plan.convolution_reason = "as configured";
    } else if (comm.size() == 1) {
        plan.convolution_reason = "one rank";
    } else if (plan.accelerator) {
        plan.convolution_reason = "on a GPU";
    } else if (plan.psf.is_identity()) {
        plan.convolution_reason = "no PSF";
    } else {
        std::tie(plan.convolution, plan.convolution_reason) = by_memory_and_time(plan, comm);
    }
    log::detail(fmt::format("convolution {} ({})", word(plan.convolution), plan.convolution_reason));
}

} // namespace tessera
