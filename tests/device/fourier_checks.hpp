#pragma once

#include <cmath>
#include <complex>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tessera/device/accelerator.hpp"
#include "tests/device/product_checks.hpp"

namespace tessera::test {

/// One coefficient of a plane [y, x], by the sum that defines it.
inline std::complex<double> slow_coefficient(const float* plane, std::int64_t n_y, std::int64_t n_x, std::int64_t v,
                                             std::int64_t u) {
    std::complex<double> sum = 0;
    for (std::int64_t y = 0; y < n_y; ++y) {
        for (std::int64_t x = 0; x < n_x; ++x) {
            const double turns = static_cast<double>(v * y) / static_cast<double>(n_y) +
                                 static_cast<double>(u * x) / static_cast<double>(n_x);
            sum += static_cast<double>(plane[y * n_x + x]) * std::polar(1.0, -2 * 3.14159265358979323846 * turns);
        }
    }
    return sum;
}

/// @param offset  of the planes in their buffer: 1 leaves them aligned as single floats only
inline void fourier_transform(device::Accelerator& gpu, std::int64_t n_batch, std::int64_t n_y, std::int64_t n_x,
                              std::int64_t offset) {
    device::Queue& queue = gpu.compute();
    const std::int64_t n = n_y * n_x;
    const std::int64_t n_half = n_y * (n_x / 2 + 1);
    const auto host = random_floats(n_batch * n + offset, 5);
    const auto plan = gpu.plan_fft(queue, n_batch, n_y, n_x);
    device::Buffer<float> planes(queue, host, "planes");
    device::Buffer<float> spectrum(queue, 2 * n_batch * n_half, "spectrum");
    device::Buffer<float> again(queue, host, "planes again");
    std::vector<float> coefficients(static_cast<std::size_t>(2 * n_batch * n_half)), back(host.size()),
        same(host.size());
    plan->forward(planes.data() + offset, spectrum.data());
    queue.download(spectrum, std::span(coefficients));
    plan->inverse(spectrum.data(), again.data() + offset);
    queue.download(again, std::span(back));
    queue.download(planes, std::span(same));
    queue.finish();
    EXPECT_EQ(same, host) << "the input is left alone";
    // Rounding grows with the logarithm of the size: a few steps of the largest sum, which random planes of 0.5 stay below.
    const double tolerance = 1e-6 * std::sqrt(static_cast<double>(n));
    for (std::int64_t b = 0; b < n_batch; ++b) {
        for (std::int64_t v = 0; v < n_y; ++v) {
            for (std::int64_t u = 0; u <= n_x / 2; ++u) {
                const auto at = static_cast<std::size_t>(2 * (b * n_half + v * (n_x / 2 + 1) + u));
                const auto expected = slow_coefficient(host.data() + offset + b * n, n_y, n_x, v, u);
                ASSERT_NEAR(coefficients[at], expected.real(), tolerance) << b << " " << v << " " << u;
                ASSERT_NEAR(coefficients[at + 1], expected.imag(), tolerance) << b << " " << v << " " << u;
            }
        }
    }
    for (std::size_t i = 0; i < host.size(); ++i) {
        const bool touched = i >= static_cast<std::size_t>(offset);
        ASSERT_NEAR(back[i], touched ? static_cast<float>(n) * host[i] : host[i], tolerance * std::sqrt(n)) << i;
    }
}

inline void fourier_transforms(device::Accelerator& gpu) {
    fourier_transform(gpu, 1, 8, 8, 0);
    fourier_transform(gpu, 3, 5, 7, 0); // the second plane is aligned as a float only
    fourier_transform(gpu, 3, 5, 7, 1);
    fourier_transform(gpu, 2, 25, 26, 0);
    fourier_transform(gpu, 2, 1, 9, 1);
    fourier_transform(gpu, 65, 32, 30, 0);
}

} // namespace tessera::test
