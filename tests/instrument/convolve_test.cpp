#include "tessera/instrument/convolve.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "instrument/fft_convolution.hpp"
#include "tessera/core/random.hpp"
#include "tests/instrument/random_kernel.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

using test::random_kernel;

CubeSlab random_slab(std::int64_t n_wave, std::int64_t n_y, std::int64_t n_x) {
    CubeSlab slab({7, n_wave}, n_y, n_x);
    for (std::size_t i = 0; i < slab.data().size(); ++i) {
        slab.data()[i] = static_cast<float>(std::pow(Philox::at(3, 1, i).uniform(0), 4));
    }
    return slab;
}

/// The definition, in double: result(y, x) = sum_ab kernel(a, b) plane(y + margin + centre - a, …), zero outside the plane.
double slow(const CubeSlab& slab, const Kernel2D& kernel, std::int64_t margin, std::int64_t wave, std::int64_t y,
            std::int64_t x) {
    double sum = 0;
    for (std::int64_t a = 0; a < kernel.n_y; ++a) {
        for (std::int64_t b = 0; b < kernel.n_x; ++b) {
            const std::int64_t from_y = y + margin + kernel.centre_y - a, from_x = x + margin + kernel.centre_x - b;
            if (from_y < 0 || from_x < 0 || from_y >= slab.n_y() || from_x >= slab.n_x()) { continue; }
            sum += kernel.at(a, b) * static_cast<double>(slab.flux()(wave, from_y, from_x));
        }
    }
    return sum;
}

struct Case {
    std::int64_t n_y, n_x, margin;
    Kernel2D kernel;
};

std::vector<Case> cases() {
    return {{9, 11, 0, random_kernel(5, 3)},          {9, 11, 0, random_kernel(4, 6)},
            {8, 8, 3, random_kernel(7, 7)},           {8, 13, 1, random_kernel(7, 5)},
            {10, 9, 6, random_kernel(5, 5)},          {3, 4, 0, random_kernel(15, 12)}, // larger than the image
            {1, 1, 0, random_kernel(3, 3)},           {25, 25, 0, gaussian_kernel(0.8, 5)},
            {12, 14, 5, gaussian_kernel(1.7, 11)},    {12, 10, 0, sampled_gaussian_kernel(0.9, 4)},
            {20, 20, 10, moffat_kernel(2.0, 2.5, 21)}};
}

TEST(Convolve, EveryMethodIsTheDefinition) {
    for (const Case& c : cases()) {
        const CubeSlab slab = random_slab(3, c.n_y + 2 * c.margin, c.n_x + 2 * c.margin);
        for (const Convolution method : {Convolution::direct, Convolution::fft, Convolution::automatic}) {
            const CubeSlab result = convolve(slab, c.kernel, c.margin, method, 2);
            ASSERT_EQ(result.n_y(), c.n_y);
            ASSERT_EQ(result.n_x(), c.n_x);
            EXPECT_EQ(result.range().first, 7);
            for (std::int64_t wave = 0; wave < 3; ++wave) {
                for (std::int64_t y = 0; y < c.n_y; ++y) {
                    for (std::int64_t x = 0; x < c.n_x; ++x) {
                        // The input is at most 1 and the kernel sums to 1: float sums of some hundred terms are good to 1e-6.
                        EXPECT_NEAR(result.flux()(wave, y, x), slow(slab, c.kernel, c.margin, wave, y, x), 1e-6)
                            << word(method) << " kernel " << c.kernel.n_y << "x" << c.kernel.n_x;
                    }
                }
            }
        }
    }
}

TEST(Convolve, SeparableKernelsAreTheOuterProductOfTheirFactors) {
    const CubeSlab slab = random_slab(2, 15, 15);
    Kernel2D kernel = gaussian_kernel(1.3, 7);
    const CubeSlab two_passes = convolve(slab, kernel, 0, Convolution::direct);
    kernel.row.clear();
    kernel.column.clear();
    const CubeSlab one_sum = convolve(slab, kernel, 0, Convolution::direct);
    for (std::size_t i = 0; i < one_sum.data().size(); ++i) {
        EXPECT_NEAR(two_passes.data()[i], one_sum.data()[i], 5e-7);
    }
}

TEST(Convolve, WithTheKernelsReachAsMarginAllLightIsKept) {
    const Kernel2D kernel = gaussian_kernel(1.7, 13);
    CubeSlab slab({0, 1}, 13 + 12, 13 + 12); // a field of 13, a margin of 6 = reach
    slab.flux()(0, 12, 12) = 1;              // a star in its middle: the kernel just fits
    for (const Convolution method : {Convolution::direct, Convolution::fft}) {
        const CubeSlab result = convolve(slab, kernel, 6, method);
        for (std::int64_t y = 0; y < 13; ++y) {
            for (std::int64_t x = 0; x < 13; ++x) { EXPECT_NEAR(result.flux()(0, y, x), kernel.at(y, x), 1e-8); }
        }
        EXPECT_NEAR(std::accumulate(result.data().begin(), result.data().end(), 0.0), 1, 1e-6);
    }
}

TEST(Convolve, LightFromTheMarginEntersAndNothingWrapsAround) {
    const Kernel2D kernel = random_kernel(5, 5);
    CubeSlab slab({0, 1}, 10 + 4, 10 + 4);
    slab.flux()(0, 7, 1) = 1; // one spaxel left of the field, in its row 5
    for (const Convolution method : {Convolution::direct, Convolution::fft}) {
        const CubeSlab result = convolve(slab, kernel, 2, method);
        EXPECT_NEAR(result.flux()(0, 5, 0), kernel.at(2, 3), 1e-7);
        EXPECT_NEAR(result.flux()(0, 5, 1), kernel.at(2, 4), 1e-7);
        for (std::int64_t y = 0; y < 10; ++y) {
            for (std::int64_t x = 2; x < 10; ++x) {
                EXPECT_EQ(result.flux()(0, y, x), 0.0F) << word(method) << y << " " << x;
            }
        }
    }
}

TEST(Convolve, NoNegativeFluxAndZeroWhereNoLightReaches) {
    const Kernel2D kernel = gaussian_kernel(1.5, 11);
    CubeSlab slab({0, 2}, 40, 40);
    slab.flux()(0, 8, 9) = 1e12F;
    slab.flux()(1, 30, 9) = 1e-12F;
    for (const Convolution method : {Convolution::direct, Convolution::fft}) {
        const CubeSlab result = convolve(slab, kernel, 0, method);
        for (std::int64_t wave = 0; wave < 2; ++wave) {
            const std::int64_t star_y = wave == 0 ? 8 : 30;
            for (std::int64_t y = 0; y < 40; ++y) {
                for (std::int64_t x = 0; x < 40; ++x) {
                    const bool reached = std::abs(y - star_y) <= 5 && std::abs(x - 9) <= 5;
                    const float flux = result.flux()(wave, y, x);
                    if (reached) {
                        EXPECT_GT(flux, 0.0F) << word(method);
                    } else {
                        EXPECT_EQ(flux, 0.0F) << word(method);
                    }
                }
            }
        }
    }
}

TEST(Convolve, TheIdentityCrops) {
    const CubeSlab slab = random_slab(2, 9, 8);
    const CubeSlab result = convolve(slab, Kernel2D{}, 2);
    ASSERT_EQ(result.n_y(), 5);
    ASSERT_EQ(result.n_x(), 4);
    for (std::int64_t y = 0; y < 5; ++y) {
        for (std::int64_t x = 0; x < 4; ++x) { EXPECT_EQ(result.flux()(1, y, x), slab.flux()(1, y + 2, x + 2)); }
    }
}

TEST(Convolve, ASlabWithoutPlanesStaysSo) {
    const CubeSlab result = convolve(CubeSlab({5, 0}, 9, 9), gaussian_kernel(1, 5), 1);
    EXPECT_EQ(result.n_wave(), 0);
    EXPECT_EQ(result.n_y(), 7);
}

TEST(Convolve, APlaneIsTheSameInAnySlab) {
    const CubeSlab whole = random_slab(5, 20, 20);
    CubeSlab part({9, 2}, 20, 20);
    std::copy_n(whole.flux().row(2), 800, part.data().begin());
    for (const Convolution method : {Convolution::direct, Convolution::fft}) {
        const CubeSlab a = convolve(whole, random_kernel(7, 7), 3, method),
                       b = convolve(part, random_kernel(7, 7), 3, method);
        for (std::int64_t i = 0; i < 2 * 14 * 14; ++i) {
            EXPECT_EQ(a.flux().row(2)[i], b.data()[static_cast<std::size_t>(i)]);
        }
    }
}

TEST(Convolve, InPlaceItIsTheSameOnAnyNumberOfThreads) {
    for (const std::int64_t margin : {0, 3}) {
        const CubeSlab slab = random_slab(11, 12 + 2 * margin, 9 + 2 * margin);
        for (const Kernel2D& kernel : {random_kernel(7, 7), gaussian_kernel(1.3, 7)}) {
            for (const Convolution method : {Convolution::direct, Convolution::fft}) {
                const CubeSlab expected = convolve(slab, kernel, margin, method, 1);
                for (const int n_thread : {1, 2, 3, 5, 16}) {
                    CubeSlab given = slab;
                    const float* memory = given.data().data();
                    const CubeSlab result = convolve(std::move(given), kernel, margin, method, n_thread);
                    EXPECT_EQ(result.data().data(), memory);
                    EXPECT_EQ(result.data(), expected.data()) << n_thread << " threads, margin " << margin;
                }
            }
        }
    }
}

TEST(Convolve, SmallKernelsAreSummedAndWideOnesTransformed) {
    EXPECT_EQ(cheaper_convolution(sampled_gaussian_kernel(0.6, 5), 25, 25), Convolution::direct);
    EXPECT_EQ(cheaper_convolution(moffat_kernel(3.5, 2.5, 71), 300, 300), Convolution::fft);
}

TEST(Convolve, FastLengthsHaveSmallPrimeFactors) {
    EXPECT_EQ(FftConvolution::fast_length(1), 1);
    EXPECT_EQ(FftConvolution::fast_length(11), 12);
    EXPECT_EQ(FftConvolution::fast_length(97), 98);
    EXPECT_EQ(FftConvolution::fast_length(1021), 1024);
}

TEST(Convolve, AMarginWiderThanTheSlabIsADefectThatIsNamed) {
    const auto error = test::error_of([] { convolve(CubeSlab({0, 1}, 5, 5), Kernel2D{}, 3); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_NE(std::string(error->what()).find("margin of 3"), std::string::npos);
}

} // namespace
} // namespace tessera
