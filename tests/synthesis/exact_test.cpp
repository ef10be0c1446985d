// `exact` against the slow formula: every star's shifted spectrum integrated over each pixel, in double.
#include <cmath>
#include <numeric>

#include "tessera/core/constants.hpp"
#include "tessera/core/random.hpp"
#include "tessera/synthesis/synthesis.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

constexpr std::int64_t n_spaxel = 7;

struct Scene {
    Stars stars;
    std::vector<std::int32_t> spaxel;
    std::vector<float> los_velocity;
    SpaxelStars input(std::int64_t n = n_spaxel) const {
        Stars copy = stars;
        copy.vz = los_velocity;
        copy.mass = stars.initial_mass;
        return order_by_spaxel({1}, std::move(copy), spaxel, n);
    }
};

/// Stars of mixed age, metallicity and velocity; spaxel 3 stays empty, some stars are outside the field. With several ranks,
/// star i belongs to rank i mod P.
Scene random_scene(std::int64_t n_star, double sigma, int rank = 0, int n_rank = 1) {
    Scene scene;
    for (std::int64_t i = rank; i < n_star; i += n_rank) {
        const Philox a = Philox::at(11, 0, static_cast<std::uint64_t>(i));
        const Philox b = Philox::at(11, 1, static_cast<std::uint64_t>(i));
        scene.stars.initial_mass.push_back(static_cast<float>(1e5 * (0.5 + a.uniform(0))));
        scene.stars.age.push_back(static_cast<float>(std::pow(10.0, -2.0 + 3.1 * a.uniform(1))));
        scene.stars.metallicity.push_back(static_cast<float>(std::pow(10.0, -3.5 + 1.9 * b.uniform(0))));
        const auto place = static_cast<std::int32_t>(8 * b.uniform(1)) - 1;
        scene.spaxel.push_back(place == 3 ? 4 : place);
        scene.los_velocity.push_back(
            static_cast<float>(sigma * Philox::at(11, 2, static_cast<std::uint64_t>(i)).normal()));
    }
    return scene;
}

/// [spaxel][pixel] by the slow formula.
std::vector<std::vector<double>> slow_cube(const Scene& scene, const ssp::Library& library,
                                           const WavelengthGrid& pixels, double redshift,
                                           const SynthesisOptions& options) {
    const ssp::Interpolator interpolator(library, options.interpolation, ssp::Outside::clamp);
    std::vector<std::vector<double>> cube(n_spaxel, std::vector<double>(pixels.centres.size(), 0.0));
    for (std::size_t i = 0; i < scene.spaxel.size(); ++i) {
        if (scene.spaxel[i] < 0) { continue; }
        const auto spectrum = direct_spectrum(library, interpolator.at(scene.stars.metallicity[i], scene.stars.age[i]),
                                              scene.stars.initial_mass[i],
                                              doppler_factor(redshift, scene.los_velocity[i], options.doppler), pixels);
        auto& line = cube[static_cast<std::size_t>(scene.spaxel[i])];
        for (std::size_t k = 0; k < line.size(); ++k) { line[k] += spectrum[k]; }
    }
    return cube;
}

double mean(const std::vector<double>& line) {
    return std::accumulate(line.begin(), line.end(), 0.0) / static_cast<double>(line.size());
}

struct ExactTest : testing::TestWithParam<ssp::Interpolation> {
    ssp::Library library = ssp::demo_library();
    WavelengthGrid pixels = make_linear_wavelengths(4700.15, 5400, 1.25);
    double redshift = 0.03;
    SynthesisOptions options;
    SynthesisReport report;
    ExactTest() { options.interpolation = GetParam(); }
    PartialCube run(const Scene& scene, int threads = 1) {
        return synthesise(scene.input(), library, ssp::Outside::clamp, pixels, redshift, options, {threads},
                          test::world(), report);
    }
};

TEST_P(ExactTest, EverySpaxelIsTheDirectIntegralWithinTheTolerance) {
    const Scene scene = random_scene(300, 200);
    for (const double tolerance : {1e-2, 1e-3, 1e-4}) {
        options.tolerance = tolerance;
        const PartialCube cube = run(scene);
        const auto slow = slow_cube(scene, library, pixels, redshift, options);
        // The grid's step is chosen for a tenth of the tolerance on single stars; 1e-6 for sums in float.
        for (std::int64_t s = 0; s < n_spaxel; ++s) {
            double square = 0;
            for (std::int64_t k = 0; k < pixels.size(); ++k) {
                square +=
                    std::pow(cube.flux()(s, k) - slow[static_cast<std::size_t>(s)][static_cast<std::size_t>(k)], 2);
            }
            const double scale = mean(slow[static_cast<std::size_t>(s)]);
            EXPECT_LE(std::sqrt(square / static_cast<double>(pixels.size())), (tolerance / 10 + 1e-6) * scale)
                << "spaxel " << s;
        }
        EXPECT_LE(report.error_rms, tolerance / 10);
        EXPECT_GT(report.error_rms, 0);
    }
}

TEST_P(ExactTest, TheSumOverPixelsIsKeptToFloatRounding) {
    const Scene scene = random_scene(300, 200);
    const PartialCube cube = run(scene);
    const auto slow = slow_cube(scene, library, pixels, redshift, options);
    for (std::int64_t s = 0; s < n_spaxel; ++s) {
        double sum = 0;
        for (std::int64_t k = 0; k < pixels.size(); ++k) { sum += cube.flux()(s, k); }
        const double expected = mean(slow[static_cast<std::size_t>(s)]) * static_cast<double>(pixels.size());
        EXPECT_NEAR(sum, expected, 1e-5 * expected) << "spaxel " << s;
    }
    EXPECT_EQ(mean(slow[3]), 0.0);
}

TEST_P(ExactTest, ThreadsDoNotChangeABit) {
    const Scene scene = random_scene(500, 150);
    const PartialCube one = run(scene, 1);
    const PartialCube three = run(scene, 3);
    for (std::int64_t i = 0; i < n_spaxel * pixels.size(); ++i) {
        ASSERT_EQ(one.flux().data()[i], three.flux().data()[i]);
    }
}

TEST_P(ExactTest, AStarMoreThanABatchHoldsGivesTheSameMean) {
    // More stars in one spaxel than are looked up at a time (65536), all alike: the sum is n times one star.
    Scene scene;
    const std::int64_t n = 70000;
    scene.stars.initial_mass.assign(n, 1e5F);
    scene.stars.age.assign(n, 3.0F);
    scene.stars.metallicity.assign(n, 0.01F);
    scene.spaxel.assign(n, 2);
    scene.los_velocity.assign(n, 77.0F);
    pixels = make_linear_wavelengths(5000, 5050, 1.25);
    const PartialCube many = run(scene);
    scene.spaxel.assign(n, -1);
    scene.spaxel[0] = 2;
    const PartialCube one = run(scene);
    for (std::int64_t k = 0; k < pixels.size(); ++k) {
        EXPECT_NEAR(many.flux()(2, k) / (n * static_cast<double>(one.flux()(2, k))), 1.0, 1e-6);
    }
}

INSTANTIATE_TEST_SUITE_P(Interpolations, ExactTest,
                         testing::Values(ssp::Interpolation::linear, ssp::Interpolation::cubic),
                         [](const auto& instance) { return std::string(word(instance.param)); });

/// A library of one spectrum: a Gaussian line of flux 1 at 5000 Angstrom, sigma 2 Angstrom, sampled finely.
ssp::Library line_library() {
    ssp::Library library;
    library.name = library.source = "line";
    library.metallicity = {0.01, 0.02};
    library.age = {1.0, 2.0};
    for (double l = 4800; l <= 5200; l += 0.25) { library.wavelength.push_back(l); }
    for (int node = 0; node < 4; ++node) {
        for (const double l : library.wavelength) {
            library.flux.push_back(
                static_cast<float>(std::exp(-0.5 * std::pow((l - 5000) / 2, 2)) / (2 * std::sqrt(2 * constants::pi))));
        }
    }
    return library;
}

TEST(ExactLine, ASingleStarAtAKnownVelocityHasItsLineWhereItBelongs) {
    const ssp::Library library = line_library();
    const double redshift = 0.02;
    const WavelengthGrid pixels = make_linear_wavelengths(4950, 5250, 1.25);
    for (const double velocity : {0.0, 123.4, -512.0, 1500.0}) {
        Scene scene;
        scene.stars.initial_mass = {10.0F};
        scene.stars.age = {1.5F};
        scene.stars.metallicity = {0.015F};
        scene.spaxel = {0};
        scene.los_velocity = {static_cast<float>(velocity)};
        SynthesisOptions options;
        SynthesisReport report;
        const PartialCube cube = synthesise(scene.input(1), library, ssp::Outside::error, pixels, redshift, options,
                                            {1}, test::world(), report);
        double flux = 0;
        double first_moment = 0;
        double second_moment = 0;
        const double centre = 5000 * (1 + redshift) * (1 + velocity / constants::speed_of_light);
        for (std::int64_t k = 0; k < pixels.size(); ++k) {
            const double light = cube.flux()(0, k) * pixels.width(k);
            flux += light;
            first_moment += light * (pixels.centres[static_cast<std::size_t>(k)] - centre);
            second_moment += light * std::pow(pixels.centres[static_cast<std::size_t>(k)] - centre, 2);
        }
        EXPECT_NEAR(flux, 10.0, 1e-6 * 10);                 // the whole line: mass x unit flux
        EXPECT_NEAR(first_moment / flux, 0.0, 0.01 * 1.25); // a hundredth of a pixel
        // Stretched by the Doppler factor; the library's points are joined by straight lines (h^2/6), the pixel has a width.
        const double stretch = centre / 5000;
        EXPECT_NEAR(second_moment / flux, stretch * stretch * (4 + 0.25 * 0.25 / 6) + 1.25 * 1.25 / 12, 1e-3);
    }
}

TEST(ExactCoverage, ARangeTheLibraryDoesNotCoverIsAConfigErrorThatSaysWhich) {
    const ssp::Library library = line_library();
    Scene scene = random_scene(10, 100);
    SynthesisOptions options;
    SynthesisReport report;
    const WavelengthGrid pixels = make_linear_wavelengths(5100, 5400, 1);
    const auto error = test::error_of([&] {
        synthesise(scene.input(), library, ssp::Outside::clamp, pixels, 0.02, options, {1}, test::world(), report);
    });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), Kind::config);
    EXPECT_NE(std::string(error->what()).find("between 5302.00 and 5399.00 Angstrom, are not covered"),
              std::string::npos)
        << error->what();
    options.uncovered = Uncovered::flag;
    const PartialCube cube =
        synthesise(scene.input(), library, ssp::Outside::clamp, pixels, 0.02, options, {1}, test::world(), report);
    EXPECT_EQ(cube.flux()(4, 290), 0.0F);
}

TEST(ExactOutside, StarsOutsideTheLibraryAreCountedClampedDroppedOrRefused) {
    const ssp::Library library = line_library();
    Scene scene;
    scene.stars.initial_mass = {1, 1, 1, 1};
    scene.stars.age = {1.5F, 5.0F, 1.5F, 0.1F};
    scene.stars.metallicity = {0.015F, 0.015F, 0.05F, 0.001F};
    scene.spaxel = {0, 1, 2, 3};
    scene.los_velocity = {0, 0, 0, 0};
    SynthesisOptions options;
    const WavelengthGrid pixels = make_linear_wavelengths(5050, 5150, 1);
    SynthesisReport clamp;
    const PartialCube clamped =
        synthesise(scene.input(4), library, ssp::Outside::clamp, pixels, 0.02, options, {1}, test::world(), clamp);
    EXPECT_EQ(clamp.n_age_outside, 2);
    EXPECT_EQ(clamp.n_metallicity_outside, 2);
    EXPECT_EQ(clamp.n_outside_grid, 3); // the last star is outside in both
    EXPECT_EQ(clamp.n_synthesised, 4);
    EXPECT_GT(clamped.flux()(3, 50), 0.0F);
    SynthesisReport zero;
    const PartialCube dropped =
        synthesise(scene.input(4), library, ssp::Outside::zero, pixels, 0.02, options, {1}, test::world(), zero);
    EXPECT_EQ(zero.n_synthesised, 1);
    EXPECT_GT(dropped.flux()(0, 50), 0.0F);
    EXPECT_EQ(dropped.flux()(1, 50), 0.0F);
    const auto error = test::error_of([&] {
        SynthesisReport report;
        synthesise(scene.input(4), library, ssp::Outside::error, pixels, 0.02, options, {1}, test::world(), report);
    });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), Kind::data);
}

TEST(ExactVelocity, AStarFasterThanAnyStarIsADataErrorOnEveryRank) {
    Scene scene = random_scene(10, 100);
    scene.los_velocity[4] = 1e5F;
    scene.spaxel[4] = 1;
    SynthesisOptions options;
    SynthesisReport report;
    const auto error = test::error_of([&] {
        synthesise(scene.input(), ssp::demo_library(), ssp::Outside::clamp, make_linear_wavelengths(5000, 5100, 1),
                   0.02, options, {1}, test::world(), report);
    });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), Kind::data);
    EXPECT_NE(std::string(error->what()).find("100000 km/s"), std::string::npos) << error->what();
}

} // namespace
} // namespace tessera
