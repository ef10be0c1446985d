#include "tessera/instrument/noise.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gmock/gmock.h>

#include "tessera/core/random.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

constexpr std::int64_t n_wave = 203, n_y = 7, n_x = 9; // 203 = 7 · 29: no rank count of 2 to 4 divides it

WavelengthGrid grid() { return make_linear_wavelengths(5000, 5000 + 1.25 * n_wave - 0.1, 1.25); }

/// Spaxel s has about (s + 1) / 10 in every voxel; the first has none.
float flux_at(std::int64_t wave, std::int64_t spaxel) {
    if (spaxel == 0) { return 0; }
    return static_cast<float>(0.1 * static_cast<double>(spaxel + 1) *
                              (1 + 0.3 * std::sin(0.1 * static_cast<double>(wave))));
}

CubeSlab my_slab() {
    CubeSlab slab(slab_of(n_wave, test::world().rank(), test::world().size()), n_y, n_x);
    for (std::int64_t i = 0; i < slab.n_wave(); ++i) {
        for (std::int64_t s = 0; s < n_y * n_x; ++s) { slab.flux().row(i)[s] = flux_at(slab.range().first + i, s); }
    }
    return slab;
}

NoiseOptions options_of(NoiseKind kind, NoiseDistribution distribution = NoiseDistribution::normal,
                        double signal_to_noise = 20) {
    NoiseOptions options;
    options.kind = kind;
    options.distribution = distribution;
    options.signal_to_noise = signal_to_noise;
    options.seed = 42;
    return options;
}

/// All ranks' planes, on every rank.
std::vector<float> whole(const CubeSlab& slab) { return test::world().all_gather(std::span<const float>(slab.data())); }

struct Noisy {
    std::vector<float> flux, variance;
};

Noisy noisy(const NoiseOptions& options, std::optional<double> flux_unit = std::nullopt) {
    const WavelengthGrid wavelengths = grid();
    EXPECT_EQ(wavelengths.size(), n_wave);
    CubeSlab cube = my_slab();
    const CubeSlab variance = add_noise(cube, options, {&wavelengths, 0.2, flux_unit, 2}, test::world());
    return {whole(cube), whole(variance)};
}

/// The same by one rank alone.
Noisy alone(const NoiseOptions& options, std::optional<double> flux_unit = std::nullopt) {
    const WavelengthGrid wavelengths = grid();
    CubeSlab cube({0, n_wave}, n_y, n_x);
    for (std::int64_t i = 0; i < n_wave; ++i) {
        for (std::int64_t s = 0; s < n_y * n_x; ++s) { cube.flux().row(i)[s] = flux_at(i, s); }
    }
    const auto self = make_self_communicator();
    const CubeSlab variance = add_noise(cube, options, {&wavelengths, 0.2, flux_unit, 2}, *self);
    return {cube.data(), variance.data()};
}

TEST(Noise, NoneChangesNothing) {
    const WavelengthGrid wavelengths = grid();
    CubeSlab cube = my_slab();
    const CubeSlab before = cube;
    const CubeSlab variance = add_noise(cube, {}, {&wavelengths, 0.2, std::nullopt, 2}, test::world());
    EXPECT_EQ(cube.data(), before.data());
    EXPECT_EQ(variance.n_wave(), 0);
}

TEST(Noise, IsTheSameBitForBitOnAnyNumberOfRanks) {
    for (const NoiseKind kind : {NoiseKind::signal_to_noise, NoiseKind::exposure}) {
        for (const NoiseDistribution distribution : {NoiseDistribution::normal, NoiseDistribution::uniform}) {
            const NoiseOptions options = options_of(kind, distribution);
            const Noisy together = noisy(options, 1e-17), single = alone(options, 1e-17);
            EXPECT_EQ(together.flux, single.flux);
            EXPECT_EQ(together.variance, single.variance);
        }
    }
}

TEST(Noise, VarianceFollowsRubixLaw) {
    // sigma = cube · sqrt(S / F_s) / SNR with F_s the spaxel's sum and S its median over the 62 lit spaxels.
    std::vector<double> sums;
    for (std::int64_t s = 0; s < n_y * n_x; ++s) {
        double sum = 0;
        for (std::int64_t i = 0; i < n_wave; ++i) { sum += static_cast<double>(flux_at(i, s)); }
        sums.push_back(sum);
    }
    std::vector<double> lit(sums.begin() + 1, sums.end());
    std::sort(lit.begin(), lit.end());
    const double median = 0.5 * (lit[30] + lit[31]);
    const Noisy result = noisy(options_of(NoiseKind::signal_to_noise));
    for (std::int64_t i = 0; i < n_wave; ++i) {
        for (std::int64_t s = 0; s < n_y * n_x; ++s) {
            const auto at = static_cast<std::size_t>(i * n_y * n_x + s);
            if (s == 0) {
                EXPECT_EQ(result.flux[at], 0.0F);
                EXPECT_EQ(result.variance[at], 0.0F);
                continue;
            }
            const double sigma =
                static_cast<double>(flux_at(i, s)) * std::sqrt(median / sums[static_cast<std::size_t>(s)]) / 20;
            ASSERT_NEAR(result.variance[at] / (sigma * sigma), 1, 1e-6);
        }
    }
}

/// Mean and variance of (noisy - clean) / sigma, and its largest size.
struct Scatter {
    double mean = 0, variance = 0, largest = 0, n = 0;
    explicit Scatter(const Noisy& result) {
        for (std::size_t at = 0; at < result.flux.size(); ++at) {
            const auto wave = static_cast<std::int64_t>(at) / (n_y * n_x),
                       spaxel = static_cast<std::int64_t>(at) % (n_y * n_x);
            if (!(result.variance[at] > 0)) { continue; }
            const double deviate = (static_cast<double>(result.flux[at]) - static_cast<double>(flux_at(wave, spaxel))) /
                                   std::sqrt(static_cast<double>(result.variance[at]));
            n += 1;
            mean += deviate;
            variance += deviate * deviate;
            largest = std::max(largest, std::abs(deviate));
        }
        mean /= n;
        variance = variance / n - mean * mean;
    }
};

TEST(Noise, DeviatesHaveMeanZeroAndVarianceOne) {
    for (const NoiseKind kind : {NoiseKind::signal_to_noise, NoiseKind::exposure}) {
        for (const NoiseDistribution distribution : {NoiseDistribution::normal, NoiseDistribution::uniform}) {
            const Scatter scatter(noisy(options_of(kind, distribution), 1e-17));
            const double limit = 5 / std::sqrt(scatter.n); // five standard errors of the mean; the seed is fixed
            EXPECT_GT(scatter.n, 12000);
            EXPECT_NEAR(scatter.mean, 0, limit);
            EXPECT_NEAR(scatter.variance, 1,
                        1.5 * limit); // standard error of the variance: sqrt(2 / n) normal, less uniform
            if (distribution == NoiseDistribution::uniform) {
                EXPECT_LT(scatter.largest, std::sqrt(3.0) + 1e-3); // two-sided, unlike RUBIX's
            } else {
                EXPECT_GT(scatter.largest, 3.0);
            }
        }
    }
}

TEST(Noise, MedianSpaxelHasTheRatioAsked) {
    const Noisy result = noisy(options_of(NoiseKind::signal_to_noise, NoiseDistribution::normal, 50));
    // Spaxels 31 and 32 of 0 … 62 straddle the median of the lit ones.
    for (const std::int64_t spaxel : {31, 32}) {
        const auto at = static_cast<std::size_t>(100 * n_y * n_x + spaxel);
        EXPECT_NEAR(static_cast<double>(flux_at(100, spaxel)) / std::sqrt(static_cast<double>(result.variance[at])), 50,
                    0.5);
    }
}

TEST(Noise, AnotherSeedGivesOtherNoise) {
    NoiseOptions options = options_of(NoiseKind::signal_to_noise);
    const Noisy first = noisy(options);
    options.seed = 43;
    const Noisy second = noisy(options);
    EXPECT_EQ(first.variance, second.variance);
    std::int64_t n_equal = 0;
    for (std::size_t i = 0; i < first.flux.size(); ++i) {
        n_equal += first.flux[i] == second.flux[i] && first.variance[i] > 0;
    }
    EXPECT_LT(n_equal, 5);
}

TEST(Noise, ACubeWithoutLightGetsNone) {
    const WavelengthGrid wavelengths = grid();
    CubeSlab cube(slab_of(n_wave, test::world().rank(), test::world().size()), n_y, n_x);
    const CubeSlab variance =
        add_noise(cube, options_of(NoiseKind::signal_to_noise), {&wavelengths, 0.2, std::nullopt, 2}, test::world());
    EXPECT_TRUE(std::all_of(cube.data().begin(), cube.data().end(), [](float flux) { return flux == 0; }));
    EXPECT_TRUE(std::all_of(variance.data().begin(), variance.data().end(), [](float square) { return square == 0; }));
}

TEST(Noise, ExposureCountsPhotonsOfObjectAndSkyAndReadNoise) {
    NoiseOptions options = options_of(NoiseKind::exposure);
    options.exposure_time = 1000;
    options.collecting_area = 50;
    options.throughput = 0.3;
    options.sky_brightness = 8;
    options.read_noise = 4;
    options.n_exposure = 3;
    const Noisy result = noisy(options, 1e-17);
    const WavelengthGrid wavelengths = grid();
    for (const std::int64_t wave : {0, 100, 202}) {
        for (const std::int64_t spaxel : {0, 1, 50}) {
            // Photons of 5000 Angstrom: h c / lambda = 3.9728917e-12 erg.
            const double photon = 3.9728917e-12 * 5000 / wavelengths.centres[static_cast<std::size_t>(wave)];
            const double per_flux = 50e4 * 1000 * 0.3 * 1.25 / photon; // electrons per erg/s/cm2/Angstrom
            const double object = static_cast<double>(flux_at(wave, spaxel)) * 1e-17 * per_flux;
            const double sky = 8e-18 * 0.2 * 0.2 * per_flux;
            const double electrons = object + sky + 3 * 16;
            const double expected = electrons / std::pow(per_flux * 1e-17, 2);
            EXPECT_NEAR(result.variance[static_cast<std::size_t>(wave * n_y * n_x + spaxel)] / expected, 1, 1e-6);
        }
    }
}

TEST(Noise, ExposureNeedsAPhysicalFlux) {
    const WavelengthGrid wavelengths = grid();
    CubeSlab cube = my_slab();
    const auto error = test::error_of(
        [&] { add_noise(cube, options_of(NoiseKind::exposure), {&wavelengths, 0.2, std::nullopt, 2}, test::world()); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::config);
    EXPECT_THAT(error->what(), testing::HasSubstr("noise.kind"));
    EXPECT_THAT(error->what(), testing::HasSubstr("output.flux_unit"));
}

} // namespace
} // namespace tessera
