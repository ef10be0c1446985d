#include "tessera/instrument/lsf.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gmock/gmock.h>

#include "tessera/core/constants.hpp"
#include "tessera/core/log.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

using testing::HasSubstr;

/// One spaxel with this spectrum.
CubeSlab one_spaxel(const std::vector<double>& spectrum, std::int64_t first = 0) {
    CubeSlab slab({first, std::ssize(spectrum)}, 1, 1);
    std::copy(spectrum.begin(), spectrum.end(), slab.data().begin());
    return slab;
}

/// The whole cube on one rank.
CubeSlab applied(CubeSlab cube, const Lsf& lsf, int n_thread = 0) {
    const auto self = make_self_communicator();
    apply_lsf(cube, lsf, *self, n_thread);
    return cube;
}

std::vector<double> gaussian(const std::vector<double>& x, double centre, double sigma) {
    std::vector<double> out;
    for (const double position : x) {
        const double u = (position - centre) / sigma;
        out.push_back(std::exp(-0.5 * u * u) / (sigma * std::sqrt(2 * constants::pi)));
    }
    return out;
}

/// Sum, mean and variance of a sampled profile.
struct Moments {
    double sum = 0, mean = 0, variance = 0;
    template <class Profile>
    explicit Moments(const Profile& profile) {
        for (std::size_t i = 0; i < profile.size(); ++i) {
            sum += profile[i];
            mean += profile[i] * static_cast<double>(i);
        }
        mean /= sum;
        for (std::size_t i = 0; i < profile.size(); ++i) {
            variance += profile[i] * std::pow(static_cast<double>(i) - mean, 2) / sum;
        }
    }
};

std::vector<double> convolved(const std::vector<double>& spectrum, const std::vector<double>& kernel) {
    const std::int64_t half = std::ssize(kernel) / 2, n = std::ssize(spectrum);
    std::vector<double> out(spectrum.size());
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = std::max<std::int64_t>(0, i - half); j <= std::min(n - 1, i + half); ++j) {
            out[static_cast<std::size_t>(i)] +=
                spectrum[static_cast<std::size_t>(j)] * kernel[static_cast<std::size_t>(j - i + half)];
        }
    }
    return out;
}

std::vector<double> pixels(std::int64_t n) {
    std::vector<double> x(static_cast<std::size_t>(n));
    std::iota(x.begin(), x.end(), 0.0);
    return x;
}

LsfOptions with_fwhm(double fwhm) {
    LsfOptions options;
    options.fwhm = fwhm;
    return options;
}

void expect_config_error(const LsfOptions& options, const std::vector<std::string>& words) {
    const auto error =
        test::error_of([&] { make_lsf(options, make_linear_wavelengths(5000, 5100, 1.25), 2.51, {}, 0); });
    ASSERT_TRUE(error) << "no error naming " << words.front();
    EXPECT_EQ(error->kind(), Kind::config) << error->what();
    for (const auto& text : words) { EXPECT_THAT(error->what(), HasSubstr(text)); }
}

TEST(LsfKernel, AGaussianLineAnywhereBecomesTheGaussianOfAddedVariances) {
    for (const double line : {0.8, 1.0, 1.6, 4.0}) {
        // What a line's samples hold beyond the Nyquist frequency, exp(-pi² line² / 2) of its spectrum at it, cannot be told
        // from what lies below: a filter of samples is that much off, for 6 % of the band about the Nyquist frequency. The
        // other 1e-4 is what the kernel gives up by its finite length.
        const double tolerance = 1e-4 + 0.06 * std::exp(-0.5 * std::pow(constants::pi * line, 2));
        for (const double sigma : {0.02, 0.1, 0.3, 0.5, 0.8527, 1.2, 1.7, 1.99, 2.0, 3.3}) {
            const auto kernel = lsf_kernel(sigma);
            const double wanted = line * line + sigma * sigma;
            const double peak = 1 / std::sqrt(2 * constants::pi * wanted);
            for (const double centre : {60.0, 60.13, 60.5, 60.77}) {
                const auto before = gaussian(pixels(121), centre, line);
                const auto after = convolved(before, kernel);
                EXPECT_NEAR(Moments(after).sum / Moments(before).sum, 1, 1e-7);
                EXPECT_NEAR(Moments(after).mean, Moments(before).mean, 1e-9);
                EXPECT_NEAR((Moments(after).variance - Moments(before).variance) / (sigma * sigma), 1, 1e-6);
                const auto exact = gaussian(pixels(121), centre, std::sqrt(wanted));
                double worst = 0;
                for (std::size_t i = 0; i < exact.size(); ++i) {
                    worst = std::max(worst, std::abs(after[i] - exact[i]) / peak);
                }
                EXPECT_LT(worst, tolerance) << "line " << line << " sigma " << sigma << " at " << centre;
            }
        }
    }
}

TEST(LsfKernel, SumIsOneVarianceIsSigmaSquaredAndItIsSymmetric) {
    for (const double sigma : {0.01, 0.3, 0.8527, 1.5, 2.0, 5.0, 40.0}) {
        const auto kernel = lsf_kernel(sigma);
        ASSERT_EQ(kernel.size() % 2, 1U);
        const Moments moments(kernel);
        EXPECT_NEAR(moments.sum, 1, 1e-12);
        EXPECT_NEAR(moments.variance / (sigma * sigma), 1, 1e-6); // tails beyond 5.7 sigma hold 1e-8
        for (std::size_t i = 0; i < kernel.size(); ++i) { EXPECT_DOUBLE_EQ(kernel[i], kernel[kernel.size() - 1 - i]); }
    }
}

TEST(Lsf, TelescopesWidthIsUsedUnlessTheOptionsGiveOne) {
    const auto grid = make_linear_wavelengths(5000, 5500, 1.25);
    EXPECT_NEAR(make_lsf({}, grid, 2.51, {}, 0).sigma[17], 2.51 / constants::fwhm_per_sigma / 1.25, 1e-9);
    EXPECT_NEAR(make_lsf(with_fwhm(4.0), grid, 2.51, {}, 0).sigma[17], 4.0 / constants::fwhm_per_sigma / 1.25, 1e-9);
    LsfOptions options;
    options.sigma = 1.5;
    EXPECT_NEAR(make_lsf(options, grid, 2.51, {}, 0).sigma[17], 1.5 / 1.25, 1e-9);
    EXPECT_EQ(make_lsf({}, grid, 2.51, {}, 0).kernels.size(), 1U);
    options = {};
    options.profile = LsfProfile::none;
    EXPECT_TRUE(make_lsf(options, grid, 2.51, {}, 0).is_identity());
    EXPECT_EQ(make_lsf(options, grid, 2.51, {}, 0).half_width(), 0);
    EXPECT_TRUE(make_lsf({}, grid, 0.0, {}, 0).is_identity());
}

TEST(Lsf, TemplateResolutionIsTakenOffInQuadratureInTheObservedFrame) {
    const auto grid = make_linear_wavelengths(5000, 5500, 1.25);
    const double expected = std::sqrt(4.0 * 4.0 - std::pow(2.5 * 1.1, 2)) / constants::fwhm_per_sigma / 1.25;
    EXPECT_NEAR(make_lsf(with_fwhm(4.0), grid, 2.51, 2.5, 0.1).sigma[0], expected, 1e-9);
    LsfOptions options = with_fwhm(4.0);
    options.template_fwhm = 2.5; // wins over the library's own
    EXPECT_NEAR(make_lsf(options, grid, 2.51, 3.9, 0.1).sigma[0], expected, 1e-9);
    options.template_fwhm = 0.0;
    EXPECT_NEAR(make_lsf(options, grid, 2.51, 3.9, 0.1).sigma[0], 4.0 / constants::fwhm_per_sigma / 1.25, 1e-9);
    EXPECT_NEAR(make_lsf(with_fwhm(4.0), grid, 2.51, 2.5, 0.1).instrument_fwhm[0], 4.0, 1e-12);
}

TEST(Lsf, TemplatesBroaderThanTheInstrumentAreLeftAloneWithAWarning) {
    const auto grid = make_linear_wavelengths(5000, 5500, 1.25);
    const int before = log::warning_count();
    const Lsf lsf = make_lsf(with_fwhm(2.6), grid, 2.51, 2.5, 0.1); // 2.75 Angstrom observed
    EXPECT_TRUE(lsf.is_identity());
    EXPECT_EQ(log::warning_count(), before + 1);
    make_lsf(with_fwhm(2.8), grid, 2.51, 2.5, 0.1);
    EXPECT_EQ(log::warning_count(), before + 1);
}

TEST(Lsf, OnALogarithmicGridTheLineHasItsWidthInAngstromEverywhere) {
    const auto grid = make_logarithmic_wavelengths(3621.596, 10355, 1e-4 * std::log(10.0));
    const double fwhm = 5.0;
    const Lsf lsf = make_lsf(with_fwhm(fwhm), grid, 2.51, {}, 0);
    for (const double centre : {3800.0, 5555.5, 10100.0}) {
        // An intrinsic line of 3 Angstrom: 1.2 to 3.5 pixels.
        const auto spectrum = gaussian(grid.centres, centre, 3.0);
        const CubeSlab result = applied(one_spaxel(spectrum), lsf);
        const double sigma = fwhm / constants::fwhm_per_sigma;
        double flux = 0, mean = 0, variance = 0;
        for (std::int64_t i = 0; i < grid.size(); ++i) {
            const double light = static_cast<double>(result.data()[static_cast<std::size_t>(i)]) * grid.width(i);
            flux += light;
            mean += light * grid.centres[static_cast<std::size_t>(i)];
        }
        mean /= flux;
        for (std::int64_t i = 0; i < grid.size(); ++i) {
            variance += static_cast<double>(result.data()[static_cast<std::size_t>(i)]) * grid.width(i) *
                        std::pow(grid.centres[static_cast<std::size_t>(i)] - mean, 2) / flux;
        }
        // The pixel grows by 2.3e-4 from one to the next: over the line's width that is a skewness of order (sigma / lambda).
        EXPECT_NEAR(flux, 1, 2e-6);
        EXPECT_NEAR(mean, centre, 5e-3);
        EXPECT_NEAR(variance / (9 + sigma * sigma), 1, 1e-4) << centre;
    }
}

TEST(Lsf, TheTableOfKernelsHasTheExactVarianceBetweenItsNodes) {
    const auto grid = make_logarithmic_wavelengths(4000, 9000, 5e-3);
    const Lsf lsf = make_lsf(with_fwhm(40.0), grid, 2.51, {}, 0);
    ASSERT_EQ(std::ssize(lsf.kernel_of), grid.size());
    EXPECT_GT(lsf.kernels.size(), 100U);
    for (std::size_t i = 0; i < lsf.sigma.size(); ++i) {
        const Moments moments(lsf.kernels[static_cast<std::size_t>(lsf.kernel_of[i])]);
        EXPECT_NEAR(moments.sum, 1, 1e-12);
        EXPECT_NEAR(moments.variance / (lsf.sigma[i] * lsf.sigma[i]), 1, 1e-9);
        EXPECT_NEAR(lsf.sigma[i] * grid.width(static_cast<std::int64_t>(i)) * constants::fwhm_per_sigma, 40.0, 1e-9);
    }
}

TEST(Lsf, FluxIsConservedAndAFlatSpectrumStaysFlat) {
    const auto grid = make_linear_wavelengths(5000, 5250, 1.25);
    const Lsf lsf = make_lsf({}, grid, 2.51, {}, 0);
    const CubeSlab flat = applied(one_spaxel(std::vector<double>(200, 3.0)), lsf);
    for (const float value : flat.data()) {
        EXPECT_NEAR(value, 3.0, 3e-6);
    } // beyond the ends the last plane is repeated
    std::vector<double> spike(200);
    spike[77] = 1;
    const CubeSlab line = applied(one_spaxel(spike), lsf);
    EXPECT_NEAR(std::accumulate(line.data().begin(), line.data().end(), 0.0), 1, 1e-6);
}

TEST(Lsf, BeyondTheBandTheLastPlaneOrNothing) {
    const auto grid = make_linear_wavelengths(5000, 5250, 1.25);
    LsfOptions options;
    options.sigma = 2.0;
    options.taps = 25;
    const Lsf rubix = make_lsf(options, grid, 2.51, 2.5, 0.1);
    EXPECT_EQ(rubix.edge, Lsf::Edge::zero);
    EXPECT_EQ(rubix.half_width(), 12);
    EXPECT_NEAR(rubix.sigma[0], 2.0 / 1.25, 1e-9); // nothing subtracted
    const CubeSlab flat = applied(one_spaxel(std::vector<double>(200, 1.0)), rubix);
    const auto& kernel = rubix.kernels.front();
    EXPECT_NEAR(flat.data()[0], 0.5 + kernel[12] / 2, 1e-6);
    EXPECT_NEAR(flat.data()[100], 1.0, 1e-6);
}

TEST(Lsf, AnyNumberOfThreadsGivesTheSameBits) {
    const auto grid = make_logarithmic_wavelengths(5000, 5200, 2e-4);
    const Lsf lsf = make_lsf(with_fwhm(3.0), grid, 2.51, {}, 0);
    CubeSlab whole({0, grid.size()}, 3, 500); // more than a thread takes at a time
    for (std::size_t i = 0; i < whole.data().size(); ++i) {
        whole.data()[i] = static_cast<float>(std::fmod(static_cast<double>(i) * 0.6180339887, 1.0));
    }
    const CubeSlab expected = applied(whole, lsf, 1);
    for (const int n_thread : {2, 3, 7}) { EXPECT_EQ(applied(whole, lsf, n_thread).data(), expected.data()); }
}

TEST(Lsf, TheIdentityLeavesTheCube) {
    const CubeSlab result = applied(one_spaxel({1, 2, 3, 4, 5}, 10), Lsf{});
    EXPECT_EQ(result.range().first, 10);
    EXPECT_THAT(result.data(), testing::ElementsAre(1.0F, 2.0F, 3.0F, 4.0F, 5.0F));
}

TEST(Lsf, ErrorsNameKeyValueAndCure) {
    expect_config_error(with_fwhm(0.0), {"lsf.fwhm", "0 Angstrom", "lsf.profile: none"});
    LsfOptions options = with_fwhm(2.0);
    options.sigma = 1.0;
    expect_config_error(options, {"lsf.fwhm = 2", "lsf.sigma = 1"});
    options = {};
    options.sigma = -1.0;
    expect_config_error(options, {"lsf.sigma", "-1"});
    options = {};
    options.taps = 24;
    expect_config_error(options, {"lsf.taps", "24", "odd"});
    options = {};
    options.template_fwhm = -2.0;
    expect_config_error(options, {"lsf.template_fwhm", "-2"});
    expect_config_error(with_fwhm(5000.0), {"lsf.fwhm", "5000", "80 pixels"});
}

TEST(Lsf, ASlabOfAnotherCubeIsADefectThatIsNamed) {
    const Lsf lsf = make_lsf({}, make_linear_wavelengths(5000, 5250, 1.25), 2.51, {}, 0);
    const auto error = test::error_of([&] { applied(one_spaxel({1, 2, 3}, 10), lsf); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_THAT(error->what(), HasSubstr("3 planes from 10"));
}

} // namespace
} // namespace tessera
