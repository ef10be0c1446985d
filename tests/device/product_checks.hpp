#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tessera/core/random.hpp"
#include "tessera/device/accelerator.hpp"

namespace tessera::test {

/// Sizes of a product; `pad` more floats stand between rows than are used, and between batches.
struct ProductCase {
    std::int64_t n_i, n_j, n_k, n_batch, pad;
    bool accumulate;
    bool one_left = false; ///< all batches use the same left matrix
};

inline std::vector<float> random_floats(std::int64_t n, std::uint64_t seed) {
    std::vector<float> values(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<float>(Philox::at(seed, 1, i).uniform(0)) - 0.5F;
    }
    return values;
}

inline void product(device::Accelerator& gpu, const ProductCase& size) {
    const std::string text = "i " + std::to_string(size.n_i) + " j " + std::to_string(size.n_j) + " k " +
                             std::to_string(size.n_k) + " batch " + std::to_string(size.n_batch);
    device::Product p{.n_i = size.n_i, .n_j = size.n_j, .n_k = size.n_k};
    p.left_row = size.n_i + size.pad;
    p.right_row = size.n_j + size.pad;
    p.out_row = size.n_j + 2 * size.pad;
    p.accumulate = size.accumulate;
    p.n_batch = size.n_batch;
    p.left_stride = size.one_left ? 0 : size.n_k * p.left_row + size.pad;
    p.right_stride = size.n_k * p.right_row + size.pad;
    p.out_stride = size.n_i * p.out_row + size.pad;
    const auto left = random_floats(size.n_batch * (size.n_k * p.left_row + size.pad), 1);
    const auto right = random_floats(size.n_batch * p.right_stride, 2);
    const auto before = random_floats(size.n_batch * p.out_stride, 3);
    device::Queue& queue = gpu.compute();
    const device::Buffer<float> left_there(queue, left, "left"), right_there(queue, right, "right");
    device::Buffer<float> out_there(queue, before, "out");
    p.left = left_there.data();
    p.right = right_there.data();
    p.out = out_there.data();
    queue.multiply(p);
    std::vector<float> out(before.size());
    queue.download(out_there, std::span(out));
    queue.finish();
    std::vector<bool> written(out.size(), false);
    for (std::int64_t b = 0; b < size.n_batch; ++b) {
        for (std::int64_t i = 0; i < size.n_i; ++i) {
            for (std::int64_t j = 0; j < size.n_j; ++j) {
                const auto at = static_cast<std::size_t>(b * p.out_stride + i * p.out_row + j);
                double sum = size.accumulate ? before[at] : 0.0;
                double scale = std::abs(sum);
                for (std::int64_t k = 0; k < size.n_k; ++k) {
                    const double term =
                        static_cast<double>(left[static_cast<std::size_t>(b * p.left_stride + k * p.left_row + i)]) *
                        right[static_cast<std::size_t>(b * p.right_stride + k * p.right_row + j)];
                    sum += term;
                    scale += std::abs(term);
                }
                // Each of n_k sums in single precision rounds by half a step: 2^-24 of at most `scale`.
                ASSERT_NEAR(out[at], sum, 0x1.0p-24 * static_cast<double>(size.n_k + 2) * scale) << text;
                written[at] = true;
            }
        }
    }
    for (std::size_t at = 0; at < out.size(); ++at) {
        if (!written[at]) { ASSERT_EQ(out[at], before[at]) << text << ": between the rows, at " << at; }
    }
}

inline void products(device::Accelerator& gpu) {
    product(gpu, {1, 1, 1, 1, 0, false});
    product(gpu, {3, 5, 7, 1, 0, false});
    product(gpu, {3, 5, 7, 1, 2, true});
    product(gpu, {65, 33, 40, 1, 1, false});
    product(gpu, {1, 129, 17, 1, 3, true});
    product(gpu, {129, 1, 17, 1, 0, false});
    product(gpu, {8, 12, 0, 2, 1, false}); // a sum of nothing is zero
    product(gpu, {8, 12, 0, 2, 1, true});
    product(gpu, {4, 9, 11, 5, 1, false});
    product(gpu, {4, 9, 11, 5, 0, true});
    product(gpu, {16, 24, 32, 3, 0, false, true});
    product(gpu, {0, 4, 4, 1, 0, false});
    product(gpu, {4, 4, 4, 0, 0, false});
}

} // namespace tessera::test
