// The look-up against a slow formula in double (slopes computed explicitly) and RUBIX's own spectra.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "tessera/io/hdf5.hpp"
#include "tessera/ssp/interpolation.hpp"
#include "tests/support/test_support.hpp"

using namespace tessera;
using ssp::Interpolation;
using ssp::Outside;
using ssp::Placement;

namespace {

/// Random spectra on uneven axes; a single wavelength is enough for the weights.
ssp::Library random_library(std::vector<double> metallicity, std::vector<double> age) {
    ssp::Library library;
    library.metallicity = std::move(metallicity);
    library.age = std::move(age);
    library.wavelength = {5000};
    std::mt19937 random(7);
    for (std::int64_t i = 0; i < library.n_node(); ++i) {
        library.flux.push_back(0.5f + static_cast<float>(random() % 1000) / 1000);
    }
    return library;
}

ssp::Library uneven_library() {
    return random_library({0.0001, 0.0004, 0.004, 0.008, 0.02, 0.05},
                          {0.001, 0.0015, 0.01, 0.02, 0.3, 1.0, 1.1, 5.0, 13.5});
}

double hermite(const std::vector<double>& x, const std::vector<double>& f, double q) {
    const std::size_t n = x.size();
    std::vector<double> secant(n - 1), slope(n);
    for (std::size_t k = 0; k + 1 < n; ++k) { secant[k] = (f[k + 1] - f[k]) / (x[k + 1] - x[k]); }
    slope[0] = secant[0];
    slope[n - 1] = secant[n - 2];
    for (std::size_t k = 1; k + 1 < n; ++k) { slope[k] = (secant[k - 1] + secant[k]) / 2; }
    std::size_t i = 1;
    while (i < n - 1 && x[i] <= q) { ++i; }
    const double h = x[i] - x[i - 1], t = (q - x[i - 1]) / h, t2 = t * t, t3 = t2 * t;
    return (2 * t3 - 3 * t2 + 1) * f[i - 1] + (t3 - 2 * t2 + t) * h * slope[i - 1] + (-2 * t3 + 3 * t2) * f[i] +
           (t3 - t2) * h * slope[i];
}

double straight(const std::vector<double>& x, const std::vector<double>& f, double q) {
    std::size_t i = 1;
    while (i < x.size() - 1 && x[i] <= q) { ++i; }
    return f[i - 1] + (f[i] - f[i - 1]) * (q - x[i - 1]) / (x[i] - x[i - 1]);
}

std::vector<double> as_float(const std::vector<double>& values) {
    std::vector<double> out;
    for (const double value : values) { out.push_back(static_cast<float>(value)); }
    return out;
}

/// First along age at every metallicity, then along metallicity.
double slow(const ssp::Library& library, Interpolation kind, double metallicity, double age) {
    const auto along = kind == Interpolation::linear ? straight : hermite;
    const std::vector<double> metallicities = as_float(library.metallicity), ages = as_float(library.age);
    std::vector<double> column;
    for (std::size_t z = 0; z < metallicities.size(); ++z) {
        std::vector<double> row;
        for (std::size_t a = 0; a < ages.size(); ++a) { row.push_back(library.flux[z * ages.size() + a]); }
        column.push_back(along(ages, row, age));
    }
    return along(metallicities, column, metallicity);
}

double sum(const ssp::Library& library, const ssp::NodeWeights& weights) {
    double total = 0;
    for (std::int32_t i = 0; i < weights.count; ++i) {
        total += double(weights.weight[i]) * library.flux[static_cast<std::size_t>(weights.node[i])];
    }
    return total;
}

double total_weight(const ssp::NodeWeights& weights) {
    double total = 0;
    for (std::int32_t i = 0; i < weights.count; ++i) { total += weights.weight[i]; }
    return total;
}

} // namespace

class InterpolationOfEachKind : public testing::TestWithParam<Interpolation> {};
INSTANTIATE_TEST_SUITE_P(Kinds, InterpolationOfEachKind, testing::Values(Interpolation::linear, Interpolation::cubic),
                         [](const auto& which) { return std::string(word(which.param)); });

TEST_P(InterpolationOfEachKind, EqualsTheSlowFormulaEverywhere) {
    const ssp::Library library = uneven_library();
    const ssp::Interpolator interpolator(library, GetParam(), Outside::zero);
    std::mt19937 random(3);
    std::uniform_real_distribution<double> metallicity(0.0001, 0.05), lg_age(-3, std::log10(13.5));
    const int most = GetParam() == Interpolation::linear ? 4 : 16;
    for (int i = 0; i < 5000; ++i) {
        const auto q_metallicity = static_cast<float>(metallicity(random)),
                   q_age = static_cast<float>(std::pow(10, lg_age(random)));
        if (interpolator.placement(q_metallicity, q_age) != Placement::inside) { continue; }
        const ssp::NodeWeights weights = interpolator.at(q_metallicity, q_age);
        ASSERT_LE(weights.count, most);
        // Cubic weights can be large where knots are uneven: rounding to float costs |weight| * 6e-8 each.
        double size = 0;
        for (std::int32_t k = 0; k < weights.count; ++k) { size += std::abs(weights.weight[k]); }
        EXPECT_NEAR(sum(library, weights), slow(library, GetParam(), q_metallicity, q_age), 1.5 * size * 1.2e-7);
        EXPECT_NEAR(total_weight(weights), 1, size * 1.2e-7);
    }
}

TEST_P(InterpolationOfEachKind, AKnotIsItsNodeAlone) {
    const ssp::Library library = uneven_library();
    const ssp::Interpolator interpolator(library, GetParam(), Outside::zero);
    for (std::size_t z = 0; z < library.metallicity.size(); ++z) {
        for (std::size_t a = 0; a < library.age.size(); ++a) { // the end knots are inside
            const auto metallicity = static_cast<float>(library.metallicity[z]),
                       age = static_cast<float>(library.age[a]);
            EXPECT_EQ(interpolator.placement(metallicity, age), Placement::inside);
            const ssp::NodeWeights weights = interpolator.at(metallicity, age);
            ASSERT_EQ(weights.count, 1) << "zero weights are dropped, z " << z << " a " << a;
            EXPECT_EQ(weights.node[0], static_cast<std::int32_t>(z * library.age.size() + a));
            EXPECT_FLOAT_EQ(weights.weight[0], 1);
        }
    }
}

TEST_P(InterpolationOfEachKind, OutsideIsNothingOrTheNearestEdge) {
    const ssp::Library library = uneven_library();
    const ssp::Interpolator zero(library, GetParam(), Outside::zero), clamp(library, GetParam(), Outside::clamp);
    struct Case {
        float metallicity, age;
        Placement placement;
        float edge_metallicity, edge_age;
    };
    const float oldest = 13.5f, youngest = 0.001f, richest = 0.05f, poorest = 0.0001f;
    for (const Case& c : {Case{0.01f, std::nextafter(oldest, 20.0f), Placement::age_outside, 0.01f, oldest},
                          Case{0.01f, std::nextafter(youngest, 0.0f), Placement::age_outside, 0.01f, youngest},
                          Case{0.07f, 2.0f, Placement::metallicity_outside, richest, 2.0f},
                          Case{0.0f, 2.0f, Placement::metallicity_outside, poorest, 2.0f},
                          Case{0.0f, 14.0f, Placement::both_outside, poorest, oldest}}) {
        EXPECT_EQ(zero.placement(c.metallicity, c.age), c.placement);
        EXPECT_EQ(zero.at(c.metallicity, c.age).count, 0);
        EXPECT_EQ(clamp.placement(c.metallicity, c.age), c.placement) << "clamped stars are still counted as outside";
        const ssp::NodeWeights clamped = clamp.at(c.metallicity, c.age), edge = zero.at(c.edge_metallicity, c.edge_age);
        ASSERT_EQ(clamped.count, edge.count);
        for (std::int32_t i = 0; i < edge.count; ++i) {
            EXPECT_EQ(clamped.node[i], edge.node[i]);
            EXPECT_EQ(clamped.weight[i], edge.weight[i]);
        }
    }
}

TEST_P(InterpolationOfEachKind, ANaNIsOutsideAndGivesNothing) {
    const ssp::Library library = uneven_library();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const ssp::Interpolator clamp(library, GetParam(), Outside::clamp);
    EXPECT_EQ(clamp.placement(nan, 1), Placement::metallicity_outside);
    EXPECT_EQ(clamp.at(nan, 1).count, 0);
    EXPECT_EQ(clamp.at(0.01f, nan).count, 0);
}

TEST_P(InterpolationOfEachKind, AxesOfOneTwoAndThreeKnotsWork) {
    for (std::size_t n = 1; n <= 3; ++n) {
        const std::vector<double> all{0.01, 0.02, 0.05},
            axis(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
        const ssp::Library library = random_library(axis, {1, 2, 5, 10});
        const ssp::Interpolator interpolator(library, GetParam(), Outside::clamp);
        EXPECT_NEAR(total_weight(interpolator.at(0.013f, 3)), 1, 1e-6);
        if (n > 1) {
            EXPECT_NEAR(sum(library, interpolator.at(0.013f, 3)), slow(library, GetParam(), 0.013f, 3), 1e-6);
        }
        if (n == 1) { EXPECT_EQ(interpolator.placement(0.013f, 3), Placement::metallicity_outside); }
    }
}

// RUBIX's own interpolated spectra. Limit: 1e-5 of the maximum; RUBIX computes in float32, whose rounding is 5e-6 there.
class LookUpAgainstRubix : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Files, LookUpAgainstRubix,
                         testing::Values("tng_muse", "tng_wide", "synthetic_disc", "synthetic_disc_linear",
                                         "dust_disc"),
                         [](const auto& which) { return std::string(which.param); });

TEST_P(LookUpAgainstRubix, SpectraOfTheSampleStarsAgree) {
    const std::string relative = std::string("reference/rubix/") + GetParam() + ".h5";
    const auto path = test::shared(relative);
    const auto library_path = test::shared("data/ssp/bc03_miles_rubix.h5");
    if (!path || !library_path) { GTEST_SKIP() << test::absent(path ? "data/ssp/bc03_miles_rubix.h5" : relative); }
    const auto self = make_self_communicator();
    ssp::LibraryOptions options;
    options.path = library_path->string();
    const ssp::Library library = read_library(options, *self);
    const io::Hdf5Group file = io::Hdf5File::open(path->string());
    const auto metallicity = file.dataset("inputs/metallicity").read_all<float>(),
               age = file.dataset("inputs/age").read_all<float>();
    int compared = 0;
    for (const Interpolation kind : {Interpolation::linear, Interpolation::cubic}) {
        const std::string stage = "stages/method_" + std::string(word(kind)) + "/4_sample_particles";
        if (!file.has(stage)) { continue; }
        const ssp::Interpolator interpolator(library, kind, Outside::zero);
        const auto index = file.dataset(stage + "/index").read_all<std::int32_t>();
        const auto golden = file.dataset(stage + "/ssp_interpolated").read_all<float>();
        const std::size_t n_wave = library.wavelength.size();
        ASSERT_EQ(golden.size(), index.size() * n_wave);
        for (std::size_t i = 0; i < index.size(); ++i) {
            const auto star = static_cast<std::size_t>(index[i]);
            const ssp::NodeWeights weights = interpolator.at(metallicity[star], age[star]);
            double most = 0, worst = 0;
            for (std::size_t w = 0; w < n_wave; ++w) {
                double value = 0;
                for (std::int32_t k = 0; k < weights.count; ++k) {
                    value += double(weights.weight[k]) * library.nodes()(weights.node[k], w);
                }
                worst = std::max(worst, std::abs(value - golden[i * n_wave + w]));
                most = std::max(most, std::abs(double(golden[i * n_wave + w])));
            }
            EXPECT_LE(worst, 1e-5 * most) << "star " << star << ", " << word(kind);
            ++compared;
        }
    }
    EXPECT_GT(compared, 0);
}
