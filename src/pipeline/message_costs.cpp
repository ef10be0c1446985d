#include "pipeline/message_costs.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "cube/transpose.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/region.hpp"
#include "tessera/cube/cube.hpp"
#include "tessera/synthesis/work_estimate.hpp"

namespace tessera {

namespace {

/// The fastest of some tries: what is in the way of the others is not what is measured.
double fastest(int n_try, const std::function<void()>& work) {
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < n_try; ++i) {
        const auto start = std::chrono::steady_clock::now();
        work();
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
}

/// Seconds in which every rank sends `n` values to each other rank. Collective.
double exchange_seconds(std::int64_t n, int n_try, Communicator& comm) {
    std::vector<std::int64_t> counts;
    std::vector<float> send, received;
    agree(comm, [&] {
        counts.assign(static_cast<std::size_t>(comm.size()), n);
        counts[static_cast<std::size_t>(comm.rank())] = 0;
        send.resize(static_cast<std::size_t>(n * (comm.size() - 1)));
        received.resize(send.size());
    });
    return fastest(n_try, [&] {
        comm.all_to_all(buffer(std::span<float>(send)), counts, buffer(std::span<float>(received)), counts);
    });
}

/// Seconds in which a thread turns a piece of a cube of n spaxels and n wavelengths, into new memory, as the stages do.
double turn_seconds(std::int64_t n) {
    const PartialCube from(n, n);
    return fastest(7, [&] {
        PartialCube to(n, n);
        transpose_planes({1}, from.flux(), 0, n, to.flux().data(), n);
    });
}

} // namespace

std::string MessageCosts::text() const {
    return fmt::format(
        "{:.2g} us a message, {:.2g} GB/s a rank's link, {:.2g} GB/s of copies and {:.2g} G multiply-adds/s "
        "a thread",
        latency * 1e6, link * 1e-9, memory * 1e-9, product * 1e-9);
}

MessageCosts message_costs(const ParallelOptions& options, Communicator& comm) {
    const Region region("costs");
    MessageCosts costs;
    const auto slowest = [&comm](double seconds) { return comm.all_reduce_value(seconds, Op::max); };
    const int n_other = std::max(comm.size() - 1, 1);
    constexpr std::int64_t n_float = std::int64_t{1} << 18; // 1 MiB: past the sizes that messages are buffered at
    if (options.message_latency || comm.size() == 1) {
        costs.latency = options.message_latency.value_or(costs.latency);
    } else {
        costs.latency = slowest(exchange_seconds(1, 5, comm)) / n_other;
    }
    if (options.link_rate || comm.size() == 1) {
        costs.link = options.link_rate.value_or(costs.link);
    } else {
        const std::int64_t each = std::max<std::int64_t>(1, n_float / n_other);
        const double seconds = slowest(exchange_seconds(each, 7, comm)) - costs.latency * n_other;
        const double bytes = static_cast<double>(each * n_other) * sizeof(float);
        costs.link = bytes / std::max(seconds, 1e-3 * bytes / costs.link); // a thousand times the default at most
    }
    constexpr std::int64_t n_side = 761; // no power of two: those meet in few lines of the cache
    costs.memory = options.copy_rate
                       ? *options.copy_rate
                       : static_cast<double>(n_side * n_side) * sizeof(float) / slowest(turn_seconds(n_side));
    costs.product = options.product_rate ? *options.product_rate : 1 / slowest(1 / measured_product_rate());
    return costs;
}

} // namespace tessera
