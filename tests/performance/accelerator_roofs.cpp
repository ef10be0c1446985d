#include "tests/performance/accelerator_roofs.hpp"

#include <algorithm>
#include <vector>

#include "tessera/core/random.hpp"

namespace tessera::bench {

namespace {

/// Least seconds of a call, between marks.
template <class Give>
double least_seconds(device::Queue& queue, int times, const Give& give) {
    give(); // what is made at the first use is made now
    double least = 1e9;
    for (int i = 0; i < times; ++i) {
        const auto begin = queue.mark();
        give();
        const auto end = queue.mark();
        queue.finish();
        least = std::min(least, queue.seconds_between(begin, end));
    }
    return least;
}

/// Random numbers: a processor that multiplies zeros draws less power and runs faster.
device::Buffer<float> noise(device::Queue& queue, std::int64_t n, std::uint64_t stream) {
    std::vector<float> host(static_cast<std::size_t>(std::min<std::int64_t>(n, 1 << 20)));
    for (std::size_t i = 0; i < host.size(); ++i) {
        host[i] = static_cast<float>(Philox::at(1, stream, i).uniform(0)) - 0.5F;
    }
    device::Buffer<float> out(queue, n, "random numbers");
    for (std::int64_t first = 0; first < n; first += std::ssize(host)) {
        const auto part = static_cast<std::size_t>(std::min<std::int64_t>(n - first, std::ssize(host)));
        queue.upload(out, std::span<const float>(host.data(), part), first);
    }
    queue.finish();
    return out;
}

double product_rate(device::Queue& queue, std::int64_t n_i, std::int64_t n_j, std::int64_t n_k, int times) {
    const device::Buffer<float> left = noise(queue, n_k * n_i, 1), right = noise(queue, n_k * n_j, 2);
    device::Buffer<float> out(queue, n_i * n_j, "a product");
    const device::Product product{.left = left.data(),
                                  .right = right.data(),
                                  .out = out.data(),
                                  .n_i = n_i,
                                  .n_j = n_j,
                                  .n_k = n_k,
                                  .left_row = n_i,
                                  .right_row = n_j,
                                  .out_row = n_j};
    const double seconds = least_seconds(queue, times, [&] { queue.multiply(product); });
    return static_cast<double>(n_i) * static_cast<double>(n_j) * static_cast<double>(n_k) / seconds;
}

} // namespace

Roofs measure_roofs(device::Accelerator& accelerator, bool small) {
    device::Queue& queue = accelerator.compute();
    const int times = small ? 2 : 10;
    Roofs roofs;
    {
        const std::int64_t bytes = small ? std::int64_t{1} << 22 : std::int64_t{1} << 30;
        device::Buffer<char> from(queue, bytes, "a copy's source"), to(queue, bytes, "a copy's target");
        queue.zero(from);
        roofs.copy = 2.0 * static_cast<double>(bytes) /
                     least_seconds(queue, times, [&] { queue.copy(to.data(), from.data(), bytes); });
    }
    {
        const std::int64_t bytes = small ? std::int64_t{1} << 22 : std::int64_t{1} << 28;
        device::Buffer<char> there(queue, bytes, "copies of the host");
        device::Pinned<char> here(accelerator, bytes);
        std::fill_n(here.data(), bytes, 'x');
        roofs.up = static_cast<double>(bytes) /
                   least_seconds(queue, times, [&] { queue.copy_in(there.data(), here.data(), bytes); });
        roofs.down = static_cast<double>(bytes) /
                     least_seconds(queue, times, [&] { queue.copy_out(here.data(), there.data(), bytes); });
    }
    const std::int64_t n = small ? 128 : 8192;
    roofs.product = product_rate(queue, n, n, n, times);
    roofs.product_of_synthesis =
        small ? product_rate(queue, 121, 49, 64, times) : product_rate(queue, 3721, 961, 2048, times);
    return roofs;
}

} // namespace tessera::bench
