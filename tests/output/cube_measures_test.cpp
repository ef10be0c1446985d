// Magnitudes, sizes and spins of cubes against closed forms and slow sums.
#include "tessera/output/cube_measures.hpp"

#include <cmath>
#include <fstream>
#include <random>

#include <gtest/gtest.h>

#include "tessera/core/error.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

std::vector<double> linear_edges(double first, double last, double step) {
    std::vector<double> out;
    for (double at = first; at < last + 0.5 * step; at += step) { out.push_back(at); }
    return out;
}

double at(const Band& band, double wavelength) {
    const std::vector<double>&x = band.wavelength, &t = band.transmission;
    if (wavelength < x.front() || wavelength > x.back()) { return 0; }
    std::size_t i = 1;
    while (x[i] < wavelength) { ++i; }
    return t[i - 1] + (t[i] - t[i - 1]) * (wavelength - x[i - 1]) / (x[i] - x[i - 1]);
}

TEST(ABMagnitude, OfASourceOfThreeThousandSixHundredJanskyIsZero) {
    const auto edges = linear_edges(3900, 9000, 0.5);
    for (const Band& band : top_hat_bands()) {
        const auto weights = band_weights(band, edges);
        ASSERT_EQ(weights.size() + 1, edges.size()) << band.name;
        double density = 0;
        for (std::size_t i = 0; i < weights.size(); ++i) { // f_lambda = f_nu c / lambda²: its mean in a pixel
            density += weights[i] * 3.630780548e-20 * 2.99792458e18 / (edges[i] * edges[i + 1]);
        }
        EXPECT_NEAR(ab_magnitude(density), 0, 1e-6) << band.name;
    }
    EXPECT_TRUE(std::isnan(ab_magnitude(0)));
    EXPECT_TRUE(std::isnan(ab_magnitude(-1)));
}

TEST(ABMagnitude, IsTheIntegralOfAnyCurveOverAnySpectrum) {
    std::mt19937 random(3);
    std::uniform_real_distribution<double> uniform(0, 1);
    Band band{.name = "any", .wavelength = {5000}, .transmission = {0.2}};
    for (int i = 0; i < 12; ++i) {
        band.wavelength.push_back(band.wavelength.back() + 1 + 80 * uniform(random));
        band.transmission.push_back(uniform(random));
    }
    std::vector<double> edges{4900}, flux;
    while (edges.back() < 6200) {
        edges.push_back(edges.back() + 0.5 + 30 * uniform(random));
        flux.push_back(uniform(random));
    }
    const auto weights = band_weights(band, edges);
    ASSERT_EQ(weights.size(), flux.size());
    double density = 0;
    for (std::size_t i = 0; i < flux.size(); ++i) { density += weights[i] * flux[i]; }

    constexpr int n = 1'000'000;
    const double step = (6200.0 - 4900.0) / n;
    double light = 0, all = 0;
    std::size_t pixel = 0;
    for (int i = 0; i < n; ++i) {
        const double wavelength = 4900 + (i + 0.5) * step;
        while (pixel + 1 < flux.size() && edges[pixel + 1] < wavelength) { ++pixel; }
        const double transmission = at(band, wavelength);
        light += flux[pixel] * transmission * wavelength;
        all += transmission / wavelength;
    }
    EXPECT_NEAR(density * 2.99792458e18 * all / light, 1, 1e-5);
}

TEST(ABMagnitude, NeedsTheWholeBand) {
    const Band band{.name = "b", .wavelength = {4000, 4100, 5000, 5100}, .transmission = {1e-4, 1, 1, 1e-4}};
    EXPECT_FALSE(band_weights(band, linear_edges(4000, 5100, 10)).empty());
    EXPECT_TRUE(band_weights(band, linear_edges(4200, 5200, 10)).empty());
    EXPECT_TRUE(band_weights(band, linear_edges(3900, 4900, 10)).empty());
    const Band wings{
        .name = "w", .wavelength = {3000, 3990, 4000, 5000, 5010, 9000}, .transmission = {5e-4, 5e-4, 1, 1, 5e-4, 0}};
    EXPECT_FALSE(band_weights(wings, linear_edges(3900, 5100, 10)).empty()) << "faint wings do not count";
}

TEST(Bands, AreReadFromTextAndRefusedWhereTheyAreNoCurves) {
    const auto folder = test::scratch("bands");
    const auto write = [&](const std::string& name, const std::string& text) {
        std::ofstream(folder / name) << text;
        return (folder / name).string();
    };
    const auto bands = read_bands(write("narrow.dat", "# Angstrom  photons\n5000 0\n5001 0.5   # here\n\n5003 0\n"));
    ASSERT_EQ(bands.size(), 1U);
    EXPECT_EQ(bands[0].name, "narrow");
    EXPECT_EQ(bands[0].wavelength, (std::vector<double>{5000, 5001, 5003}));
    EXPECT_EQ(bands[0].transmission, (std::vector<double>{0, 0.5, 0}));
    for (const char* text : {"", "5000 1\n", "5000 1\n4000 1\n", "5000 1\n5001\n", "5000 0\n6000 0\n", "a b\n",
                             "5000 1 2\n6000 1 2\n", "5000 1\n6000 -1\n"}) {
        const auto error = test::error_of([&] { read_bands(write("bad.dat", text)); });
        ASSERT_TRUE(error.has_value()) << text;
        EXPECT_EQ(error->kind(), Kind::config);
        EXPECT_NE(std::string(error->what()).find("bad.dat"), std::string::npos) << error->what();
    }
    EXPECT_TRUE(test::error_of([] { read_bands("nowhere.dat"); }).has_value());
}

/// Light and motion of a field as functions of the place, arcsec from the centre.
template <class Light, class Velocity, class Dispersion>
CubeSums field(std::int64_t n, double size, Light&& light, Velocity&& velocity, Dispersion&& dispersion) {
    CubeSums out;
    out.n_y = out.n_x = n;
    out.spaxel_size = size;
    out.edges = {5000, 5001};
    out.flux_unit = 1e-20;
    for (std::int64_t iy = 0; iy < n; ++iy) {
        for (std::int64_t ix = 0; ix < n; ++ix) {
            const double y = (static_cast<double>(iy) + 0.5 - 0.5 * static_cast<double>(n)) * size;
            const double x = (static_cast<double>(ix) + 0.5 - 0.5 * static_cast<double>(n)) * size;
            out.white_light.push_back(light(y, x));
            out.light.push_back(light(y, x));
            out.velocity.push_back(velocity(y, x));
            out.dispersion.push_back(dispersion(y, x));
        }
    }
    out.spectrum = {0};
    return out;
}

TEST(HalfLightRadius, OfAnExponentialDiscIsThatOfTheFormula) {
    for (const double scale : {1.0, 2.0}) {
        const auto sums = field(
            161, 0.25, [&](double y, double x) { return std::exp(-std::hypot(y, x) / scale); },
            [](double, double) { return 0; }, [](double, double) { return 1; });
        const CubeMeasures measures = measure(sums, {});
        // 1.67835 scale lengths hold half; the pixels' centres overstate the peak a little.
        EXPECT_NEAR(measures.half_light_radius, 1.67835 * scale, 0.01 * scale);
        EXPECT_EQ(measures.lambda_r, 0);
        double total = 0;
        for (const double light : sums.white_light) { total += light; }
        EXPECT_NEAR(measures.flux, 1e-20 * total, 1e-9 * measures.flux);
    }
}

TEST(Spin, IsTheShareOfOrderedMotion) {
    const auto light = [](double y, double x) { return std::exp(-std::hypot(y, 2 * x)); };
    const auto constant = [](double value) { return [value](double, double) { return value; }; };
    EXPECT_NEAR(measure(field(40, 0.5, light, constant(-60), constant(80)), {}).lambda_r, 0.6, 1e-12);
    EXPECT_NEAR(measure(field(40, 0.5, light, constant(100), constant(0)), {}).lambda_r, 1, 1e-12);
    EXPECT_TRUE(std::isnan(measure(field(4, 0.5, constant(0), constant(1), constant(1)), {}).lambda_r)) << "no light";

    std::mt19937 random(7);
    std::normal_distribution<double> normal(0, 100);
    auto sums = field(
        31, 0.4, light, [&](double, double) { return normal(random); },
        [&](double, double) { return std::abs(normal(random)); });
    sums.velocity[5 * 31 + 15] = sums.dispersion[12 * 31 + 14] = std::nan(""); // spaxels without light have none
    const CubeMeasures measures = measure(sums, {});
    double ordered = 0, all = 0;
    for (int y = -15; y <= 15; ++y) {
        for (int x = -15; x <= 15; ++x) {
            const auto i = static_cast<std::size_t>((y + 15) * 31 + x + 15);
            const double radius = 0.4 * std::sqrt(y * y + x * x), v = sums.velocity[i], s = sums.dispersion[i];
            if (radius > measures.half_light_radius || std::isnan(v) || std::isnan(s)) { continue; }
            ordered += sums.light[i] * radius * std::abs(v);
            all += sums.light[i] * radius * std::sqrt(v * v + s * s);
        }
    }
    EXPECT_GT(all, 0);
    EXPECT_NEAR(measures.lambda_r, ordered / all, 1e-12);
}

TEST(SignalToNoise, IsTheMedianWithinTheHalfLightRadius) {
    auto sums = field(
        9, 1, [](double y, double x) { return std::hypot(y, x) < 1.2 ? 1.0 : 0.0; }, [](double, double) { return 0; },
        [](double, double) { return 1; });
    EXPECT_TRUE(std::isnan(measure(sums, {}).signal_to_noise)) << "no noise";
    sums.signal_to_noise.assign(81, 1000);
    // Half of the light of the cross of five spaxels is within 0.9: the middle alone; of four it would be their mean.
    sums.signal_to_noise[4 * 9 + 4] = 17;
    EXPECT_EQ(measure(sums, {}).signal_to_noise, 17);
}

} // namespace
} // namespace tessera
