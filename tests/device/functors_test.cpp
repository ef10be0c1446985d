// Arithmetic is written once, for host and device: the same functors, compiled by nvcc, give the same numbers on a GPU.
#include <cmath>

#include "tessera/device/device.hpp"
#include "tests/device/every_functor.hpp"
#include "tests/support/test_support.hpp"

namespace tessera::test {

std::vector<double> functors_on_host(std::int64_t n) {
    const float knots[5] = {0.0F, 0.5F, 1.0F, 2.5F, 4.0F};
    std::vector<double> out(static_cast<std::size_t>(n * functor_columns));
    const EveryFunctor functor{{knots, 5}, out.data()};
    device::for_each(device::Host{2}, n, 64, functor);
    return out;
}

namespace {

TEST(Functors, AGpuGivesTheNumbersOfTheHost) {
    if (device::gpus().empty()) { GTEST_SKIP() << "no GPU here: the kernel was compiled, not run"; }
    const std::int64_t n = 100000;
    const auto host = functors_on_host(n);
    const auto gpu = functors_on_gpu(n);
    // Fused multiply-adds and the GPU's own log, sqrt and cos round differently: a few steps of double, of float for floats.
    for (std::size_t i = 0; i < host.size(); ++i) { ASSERT_NEAR(gpu[i], host[i], 1e-6 * (1 + std::abs(host[i]))) << i; }
}

TEST(Functors, TheSameStarGivesTheSameNumbersWhateverTheThread) {
    EXPECT_EQ(functors_on_host(5000), functors_on_host(5000));
    const auto numbers = functors_on_host(10);
    for (int star = 0; star < 10; ++star) {
        const double* row = numbers.data() + star * functor_columns;
        EXPECT_NEAR(row[3] + row[4] + row[5] + row[6], 1.0, 1e-12) << "interpolation weights";
    }
}

} // namespace
} // namespace tessera::test
