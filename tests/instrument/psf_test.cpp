#include "tessera/instrument/psf.hpp"

#include <cmath>
#include <numeric>

#include <gmock/gmock.h>

#include "tessera/core/constants.hpp"
#include "tessera/core/log.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

using testing::HasSubstr;

double sum(const Kernel2D& kernel) { return std::accumulate(kernel.values.begin(), kernel.values.end(), 0.0); }

/// Mean of a profile over the unit pixel at (y, x) by n² midpoints: slow and simple. Its error falls as n^-2.
template <class Profile>
double pixel_mean(double y, double x, int n, const Profile& profile) {
    double total = 0;
    for (int i = 0; i < n; ++i) {
        for (int j = 0; j < n; ++j) { total += profile(y - 0.5 + (i + 0.5) / n, x - 0.5 + (j + 0.5) / n); }
    }
    return total / n / n;
}

PsfOptions moffat(double fwhm, double beta) {
    PsfOptions options;
    options.profile = PsfProfile::moffat;
    options.fwhm = fwhm;
    options.moffat_beta = beta;
    return options;
}

void expect_config_error(const PsfOptions& options, const std::vector<std::string>& words) {
    const auto error = test::error_of([&] { make_psf(options, 0.2); });
    ASSERT_TRUE(error) << "no error naming " << words.front();
    EXPECT_EQ(error->kind(), Kind::config) << error->what();
    for (const auto& text : words) { EXPECT_THAT(error->what(), HasSubstr(text)); }
}

TEST(Psf, NoneIsTheIdentity) {
    PsfOptions options;
    options.profile = PsfProfile::none;
    const Kernel2D kernel = make_psf(options, 0.2);
    EXPECT_TRUE(kernel.is_identity());
    EXPECT_EQ(kernel.reach(), 0);
    EXPECT_EQ(kernel.values, std::vector<double>{1.0});
}

TEST(Psf, DefaultIsAGaussianOf0Point8ArcsecThatHolds999PerMille) {
    const Kernel2D kernel = make_psf({}, 0.2);
    EXPECT_EQ(kernel.profile, PsfProfile::gaussian);
    EXPECT_EQ(kernel.fwhm, 0.8);
    const double sigma = 0.8 / 0.2 / constants::fwhm_per_sigma;
    EXPECT_EQ(kernel.n_x, 13);
    EXPECT_EQ(kernel.reach(), 6);
    EXPECT_GE(gaussian_flux_within(sigma, kernel.n_x), 0.999);
    EXPECT_LT(gaussian_flux_within(sigma, kernel.n_x - 2), 0.999);
}

TEST(Psf, GaussianIsTheMeanOverEachPixel) {
    const double sigma = 0.7;
    const Kernel2D kernel = gaussian_kernel(sigma, 9);
    EXPECT_NEAR(sum(kernel), 1, 1e-14);
    for (const auto& [y, x] : {std::pair{0, 0}, {0, 1}, {2, 1}, {3, 3}}) {
        const double expected = pixel_mean(y, x, 2000, [&](double v, double u) {
            return std::exp(-(u * u + v * v) / (2 * sigma * sigma)) / (2 * constants::pi * sigma * sigma);
        });
        // Midpoints in steps of 1/2000: relative error about (1/2000)² / 24 · (r² + …)/sigma² per dimension, below 1e-6.
        EXPECT_NEAR(kernel.at(4 + y, 4 - x) * gaussian_flux_within(sigma, 9), expected, 1e-6 * expected);
    }
}

TEST(Psf, MoffatIsTheMeanOverEachPixel) {
    for (const double alpha : {0.4, 1.3, 4.0}) {
        for (const double beta : {1.7, 2.5, 4.765}) {
            const Kernel2D kernel = moffat_kernel(alpha, beta, 31);
            EXPECT_NEAR(sum(kernel), 1, 1e-13);
            const auto profile = [&](double v, double u) {
                return (beta - 1) / (constants::pi * alpha * alpha) *
                       std::pow(1 + (u * u + v * v) / (alpha * alpha), -beta);
            };
            for (const auto& [y, x] : {std::pair{0, 0}, {0, 1}, {2, 1}, {7, 15}, {15, 15}}) {
                const double expected = pixel_mean(y, x, 400, profile);
                // Two independent ways: pixels by quadrature, the flux of the square by sectors of the closed form. The
                // midpoints' own error is (1/400)² beta / alpha² / 6, below 4e-5 for the narrowest.
                EXPECT_NEAR(kernel.at(15 + y, 15 + x) * moffat_flux_within(alpha, beta, 31) / expected, 1, 5e-5)
                    << alpha << " " << beta;
            }
        }
    }
}

TEST(Psf, MoffatOfHighIndexIsAGaussian) {
    const double sigma = 1.4, beta = 2e5;
    const double alpha = sigma * constants::fwhm_per_sigma / (2 * std::sqrt(std::exp2(1 / beta) - 1));
    const Kernel2D moffat_like = moffat_kernel(alpha, beta, 15), gaussian = gaussian_kernel(sigma, 15);
    for (std::size_t i = 0; i < gaussian.values.size(); ++i) {
        EXPECT_NEAR(moffat_like.values[i], gaussian.values[i], 1e-6); // differs by order 1/beta
    }
}

TEST(Psf, MoffatFluxOfASquareLiesBetweenItsCircles) {
    const double alpha = 3.5, beta = 2.5;
    const auto circle = [&](double r) { return 1 - std::pow(1 + r * r / alpha / alpha, 1 - beta); };
    for (const std::int64_t size : {1, 5, 21, 71}) {
        const double half = static_cast<double>(size) / 2;
        EXPECT_GT(moffat_flux_within(alpha, beta, size), circle(half));
        EXPECT_LT(moffat_flux_within(alpha, beta, size), circle(half * std::sqrt(2.0)));
    }
}

TEST(Psf, KernelsAreCentredAndSymmetric) {
    for (const Kernel2D& kernel :
         {gaussian_kernel(1.1, 11), moffat_kernel(1.5, 2.5, 21), sampled_gaussian_kernel(0.6, 5)}) {
        double mean_y = 0, mean_x = 0;
        for (std::int64_t y = 0; y < kernel.n_y; ++y) {
            for (std::int64_t x = 0; x < kernel.n_x; ++x) {
                mean_y += kernel.at(y, x) * static_cast<double>(y - kernel.centre_y);
                mean_x += kernel.at(y, x) * static_cast<double>(x - kernel.centre_x);
                EXPECT_DOUBLE_EQ(kernel.at(y, x), kernel.at(x, y));
                EXPECT_DOUBLE_EQ(kernel.at(y, x), kernel.at(kernel.n_y - 1 - y, x));
            }
        }
        EXPECT_NEAR(mean_y, 0, 1e-14);
        EXPECT_NEAR(mean_x, 0, 1e-14);
    }
}

TEST(Psf, DefaultMoffatHolds999PerMille) {
    const Kernel2D kernel = make_psf(moffat(0.8, 2.5), 0.2);
    const double alpha = 4.0 / (2 * std::sqrt(std::exp2(1 / 2.5) - 1));
    EXPECT_GE(moffat_flux_within(alpha, 2.5, kernel.n_x), 0.999);
    EXPECT_LT(moffat_flux_within(alpha, 2.5, kernel.n_x - 2), 0.999);
    EXPECT_EQ(kernel.moffat_beta, 2.5);
    // Half the central value at half the FWHM: between the pixels at 2 spaxels, averages over a pixel soften it slightly.
    EXPECT_NEAR(kernel.at(kernel.centre_y, kernel.centre_x + 2) / kernel.at(kernel.centre_y, kernel.centre_x), 0.5,
                0.02);
}

TEST(Psf, RubixKernelOfAnyParityIsSampledAtSpaxelCentres) {
    PsfOptions options;
    options.sigma = 0.8;
    options.size = 4;
    const Kernel2D kernel = make_psf(options, 0.2);
    ASSERT_EQ(kernel.n_y, 4);
    EXPECT_EQ(kernel.centre_x, 1); // floor((4 - 1) / 2)
    EXPECT_EQ(kernel.reach(), 2);
    EXPECT_NEAR(sum(kernel), 1, 1e-14);
    const double expected = std::exp(-(1.5 * 1.5 - 0.5 * 0.5) / (2 * 0.64)); // offsets -1.5, -0.5, 0.5, 1.5
    EXPECT_NEAR(kernel.at(1, 0) / kernel.at(1, 1), expected, 1e-14);
    EXPECT_NEAR(kernel.fwhm, 0.8 * 0.2 * constants::fwhm_per_sigma, 1e-12);
}

TEST(Psf, NarrowRubixKernelWarnsAndLargerOnesDoNot) {
    PsfOptions options;
    options.sigma = 0.9;
    options.size = 5; // erf(2.5 / (0.9 sqrt 2))² = 0.989
    const int before = log::warning_count();
    make_psf(options, 0.2);
    EXPECT_EQ(log::warning_count(), before + 1);
    options.size = 7;
    make_psf(options, 0.2);
    EXPECT_EQ(log::warning_count(), before + 1);
}

TEST(Psf, ErrorsNameKeyValueAndCure) {
    PsfOptions options;
    options.fwhm = 0.0;
    expect_config_error(options, {"psf.fwhm", "0 arcsec", "psf.profile: none"});
    options.fwhm = 0.8;
    options.sigma = 1.0;
    expect_config_error(options, {"psf.fwhm = 0.8", "psf.sigma = 1"});
    options.fwhm.reset();
    options.sigma = 0.0;
    expect_config_error(options, {"psf.sigma", "0 spaxel"});
    options.sigma = 1.0;
    options.profile = PsfProfile::moffat;
    expect_config_error(options, {"psf.sigma", "moffat"});
    expect_config_error(moffat(0.8, 1.0), {"psf.moffat_beta", "1", "infinite"});
    expect_config_error(moffat(0.8, 1.05), {"psf", "99.9 %", "psf.moffat_beta"});
    options = {};
    options.size = 8;
    expect_config_error(options, {"psf.size", "8", "odd", "Take 9"});
    options.size = 0;
    expect_config_error(options, {"psf.size", "0"});
}

TEST(Psf, ASizeThatHoldsTooLittleTellsTheOneThatHoldsEnough) {
    PsfOptions options;
    options.size = 5;
    const double sigma = 4.0 / constants::fwhm_per_sigma;
    std::int64_t enough = 1;
    while (gaussian_flux_within(sigma, enough) < 0.99) { enough += 2; }
    expect_config_error(options, {"psf.size", "5 spaxels", "99 %", "Take " + std::to_string(enough)});
    options.size = enough;
    EXPECT_EQ(make_psf(options, 0.2).n_x, enough);
}

} // namespace
} // namespace tessera
