// Which method makes a spaxel: by cost, and by the bound on its error. And the survey that the choice rests on.
#include "synthesis/method_choice.hpp"

#include "synthesis/velocity_rows.hpp"
#include "tests/synthesis/stars.hpp"

namespace tessera {
namespace {

constexpr double tolerance = 1e-3;

/// One spaxel of n stars within ± 300 km/s, and what is known of it.
struct OneSpaxel {
    std::int64_t n_star = 100;
    double light = 5, step_error = 0.1e-3, compression_error = 0.2e-3; ///< errors relative to the light
    std::int64_t rank = 20;                                            ///< of the compression; 0: none

    SpaxelChoices choose(Method asked, bool keep_bounds = true) const {
        Survey survey;
        survey.n_star = {n_star};
        survey.light = {light};
        survey.step_error = {light * step_error};
        survey.compression_error = {light * compression_error};
        VelocityRanges velocities;
        velocities.slowest = {-300};
        velocities.fastest = {300};
        MethodCosts costs;
        costs.cost_of_single = 2;
        costs.nodes_per_star = 4;
        costs.n_node_used = 100;
        costs.exact_step = 1e-5; // 204 rows of 100 nodes
        costs.bin_step = 1e-4;   // 24 rows of 100 nodes, or of 20 basis spectra
        costs.rank = rank;
        return choose_methods(asked, tolerance, survey, velocities, Doppler::linear, costs, keep_bounds);
    }
    SpaxelMethod method(Method asked, bool keep_bounds = true) const { return choose(asked, keep_bounds).method[0]; }
};

TEST(MethodChoice, FewStarsAreExactAndManyAreCompressed) {
    EXPECT_EQ(OneSpaxel{.n_star = 1}.method(Method::automatic), SpaxelMethod::exact);
    EXPECT_EQ(OneSpaxel{.n_star = 10}.method(Method::automatic), SpaxelMethod::exact); // 10 stars: 2·4·4·10 < 24·20
    EXPECT_EQ(OneSpaxel{.n_star = 20}.method(Method::automatic), SpaxelMethod::compressed);
    EXPECT_EQ(OneSpaxel{.n_star = 1000000}.method(Method::automatic), SpaxelMethod::compressed);
}

TEST(MethodChoice, WithoutACompressionManyStarsAreBinned) {
    EXPECT_EQ((OneSpaxel{.n_star = 20, .rank = 0}).method(Method::automatic), SpaxelMethod::exact);
    EXPECT_EQ((OneSpaxel{.n_star = 1000, .rank = 0}).method(Method::automatic), SpaxelMethod::binned);
    EXPECT_EQ((OneSpaxel{.n_star = 1000, .rank = 0}).method(Method::compressed), SpaxelMethod::exact);
}

TEST(MethodChoice, AMethodWhoseBoundIsAboveTheToleranceIsNotTaken) {
    const OneSpaxel compressed_badly{.n_star = 100000, .compression_error = 0.9e-3}; // 0.1 + 0.9 of 1e-3
    EXPECT_EQ(compressed_badly.method(Method::automatic), SpaxelMethod::binned);
    EXPECT_EQ(compressed_badly.method(Method::compressed), SpaxelMethod::exact);
    const OneSpaxel binned_badly{.n_star = 100000, .step_error = 0.95e-3, .compression_error = 0};
    for (const Method asked : {Method::automatic, Method::binned, Method::compressed}) {
        EXPECT_EQ(binned_badly.method(asked), SpaxelMethod::exact);
        EXPECT_EQ(binned_badly.choose(asked).bound[0], 0);
    }
    // Unless bounds are not to be kept.
    EXPECT_EQ(binned_badly.method(Method::automatic, false), SpaxelMethod::compressed);
    EXPECT_NEAR(binned_badly.choose(Method::automatic, false).bound[0], 0.95e-3, 1e-12);
}

TEST(MethodChoice, TheBoundIsTheSumOfTheErrorsOfWhatIsDone) {
    const OneSpaxel many{.n_star = 100000};
    EXPECT_NEAR(many.choose(Method::automatic).bound[0], 0.3e-3, 1e-12);
    EXPECT_NEAR(many.choose(Method::compressed).bound[0], 0.3e-3, 1e-12);
    EXPECT_NEAR(many.choose(Method::binned).bound[0], 0.1e-3, 1e-12);
    EXPECT_EQ(many.choose(Method::exact).bound[0], 0);
}

TEST(MethodChoice, WhatIsAskedForIsTakenWhateverItCosts) {
    const OneSpaxel single{.n_star = 1};
    EXPECT_EQ(single.method(Method::exact), SpaxelMethod::exact);
    EXPECT_EQ(single.method(Method::binned), SpaxelMethod::binned);
    EXPECT_EQ(single.method(Method::compressed), SpaxelMethod::compressed);
    EXPECT_EQ(OneSpaxel{.n_star = 1000000}.method(Method::exact), SpaxelMethod::exact);
}

TEST(MethodChoice, WithoutStarsASpaxelIsDarkAndWithoutLightItIsExact) {
    for (const Method asked : {Method::automatic, Method::exact, Method::binned, Method::compressed}) {
        EXPECT_EQ((OneSpaxel{.n_star = 0, .light = 0}).method(asked), SpaxelMethod::dark);
        EXPECT_EQ((OneSpaxel{.n_star = 50, .light = 0}).method(asked), SpaxelMethod::exact);
    }
}

TEST(MethodCosts, OfKnownKindsOfStarsAreBelowThoseOfAllPairsAndGrow) {
    MethodCosts costs{
        .cost_of_single = 2, .nodes_per_star = 4, .n_node_used = 100, .exact_step = 1e-5, .bin_step = 1e-4, .rank = 20};
    costs.classes = {{.share = 0.5, .n_node = 4},
                     {.share = 2.0 / 96, .n_node = 96}}; // four nodes hold half of the light
    double before = 0;
    for (const std::int64_t n : {1, 10, 100, 1000, 10000, 100000}) {
        const double now = costs.exact(n, 2e-3);
        EXPECT_GT(now, before);
        EXPECT_LE(now, 2 * 4 * 4 * static_cast<double>(n));
        EXPECT_LE(now, 2 * 204 * 100);
        EXPECT_LE(costs.binned(n, 2e-3), now);
        before = now;
    }
}

TEST(NodeClasses, SharesOfNodesAreCountedTheSameOnAnyNumberOfRanks) {
    const ssp::Library library = ssp::demo_library();
    const ssp::Interpolator interpolator(library, ssp::Interpolation::linear, ssp::Outside::clamp);
    SpaxelStars
        stars; // exactly on one node, which then has all of them; its neighbours count as touched with weight 0 or not at all
    const std::int64_t n = 200000;
    const auto metallicity = static_cast<float>(library.metallicity[1]);
    const auto age = static_cast<float>(library.age[2]);
    for (std::int64_t i = 0; i < n; ++i) {
        stars.los_velocity.push_back(static_cast<float>(i % 977) - 488);
        stars.metallicity.push_back(metallicity);
        stars.age.push_back(age);
    }
    stars.initial_mass.assign(static_cast<std::size_t>(n), 1.0F);
    stars.mass = stars.initial_mass;
    stars.start = {0, n};
    const auto classes = node_classes(stars, interpolator, library.n_node(), {3}, test::world());
    ASSERT_EQ(classes.size(), 1U);
    EXPECT_DOUBLE_EQ(classes[0].share, 1.0);
    EXPECT_DOUBLE_EQ(classes[0].n_node, 1.0);
}

TEST(MethodCosts, GrowWithTheStarsUntilAllRowsAreTouched) {
    MethodCosts costs{
        .cost_of_single = 2, .nodes_per_star = 4, .n_node_used = 100, .exact_step = 1e-5, .bin_step = 1e-4, .rank = 20};
    EXPECT_DOUBLE_EQ(costs.exact(3, 2e-3), 2 * 4 * 4 * 3);
    EXPECT_DOUBLE_EQ(costs.exact(1000000, 2e-3), 204 * 100);
    EXPECT_DOUBLE_EQ(costs.binned(1000000, 2e-3), 24 * 100);
    EXPECT_DOUBLE_EQ(costs.compressed(2e-3), 24 * 20);
    EXPECT_DOUBLE_EQ(costs.compressed(0), 4 * 20); // one velocity touches four rows
}

class Steps : public testing::TestWithParam<double> {};

TEST_P(Steps, KeepTheErrorsTheyAreChosenFor) {
    const ssp::Library library = ssp::demo_library();
    const WavelengthGrid pixels = make_linear_wavelengths(4700, 5700, 1.25);
    const PointRange points = points_read(library.wavelength, pixels, 0.01, 0.01);
    std::vector<std::int32_t> all(static_cast<std::size_t>(library.n_node()));
    std::iota(all.begin(), all.end(), 0);
    const Spectra nodes = Spectra::of_nodes(library, all, points, 0);
    const std::vector<double> prior = ssp::population_prior(library, {points.first, points.end});
    const std::vector<bool> covered(static_cast<std::size_t>(pixels.size()), true);
    const VelocitySteps steps =
        choose_steps(nodes, {pixels, covered, 1}, 0.01, prior, GetParam(), 0.25 * GetParam(), {1});
    EXPECT_GE(steps.bin, steps.exact);
    EXPECT_LE(steps.exact_errors.worst_rms(), 0.1 * GetParam());
    EXPECT_LE(std::inner_product(prior.begin(), prior.end(), steps.bin_errors.rms.begin(), 0.0), 0.25 * GetParam());
    // By the slow formula: every node half-way between two rows of exact.
    const Lagrange4 half = Lagrange4::at(0.5);
    for (std::int32_t k = 0; k < library.n_node(); k += 7) {
        const ssp::NodeWeights node{.count = 1, .node = {k}, .weight = {1.0F}};
        const auto at = [&](double rows) {
            return direct_spectrum(library, node, 1, 1.01 * std::exp(rows * steps.exact), pixels);
        };
        const auto truth = at(0.5);
        std::vector<double> made(truth.size(), 0.0);
        for (int m = 0; m < 4; ++m) {
            const auto row = at(m - 1);
            for (std::size_t i = 0; i < row.size(); ++i) { made[i] += half.weight[m] * row[i]; }
        }
        // 1e-7: differences of floats.
        EXPECT_NEAR(steps.exact_errors.rms[static_cast<std::size_t>(k)], test::rms_error(made, truth), 1e-7) << k;
        EXPECT_NEAR(steps.exact_errors.mean[static_cast<std::size_t>(k)], test::mean(truth), 1e-5 * test::mean(truth));
    }
}

INSTANTIATE_TEST_SUITE_P(Tolerances, Steps, testing::Values(1e-2, 1e-3, 1e-4));

TEST(Survey, CountsStarsNodesAndLight) {
    const ssp::Library library = ssp::demo_library();
    test::StarField field;
    field.n_spaxel = 40; // more than a thread looks at in one go
    for (std::int32_t s = 0; s < 40; s += 3) {
        test::add_stars(field, s, {10 + s, test::Population::mixed, 5.0 * s, 100}, library, 8);
    }
    field.add(0, 1e5, 100, 0.02, 0);  // too old
    field.add(0, 1e5, 1, 0.9, 0);     // too metal-rich
    field.add(3, 1e5, 1e-9, 1e-9, 0); // both
    field.add(-1, 1e5, 100, 0.9, 0);  // not in the field
    for (const auto kind : {ssp::Interpolation::linear, ssp::Interpolation::cubic}) {
        for (const auto outside : {ssp::Outside::clamp, ssp::Outside::zero}) {
            const ssp::Interpolator interpolator(library, kind, outside);
            std::vector<NodeLight> nodes(static_cast<std::size_t>(library.n_node()));
            for (std::size_t k = 0; k < nodes.size(); ++k) {
                const auto x = static_cast<double>(k);
                nodes[k] = {
                    .in_band = 2 + x, .mean = 1 + x, .step_error = 1e-3 * x, .compression_error = 1e-2 / (1 + x)};
            }
            const Survey survey = survey_stars(field.all(), interpolator, library, outside, nodes, {2}, test::world());
            Survey truth;
            truth.n_star.assign(40, 0);
            truth.light.assign(40, 0.0);
            truth.step_error = truth.compression_error = truth.light;
            truth.node_used.assign(nodes.size(), 0);
            for (std::size_t i = 0; i < field.size(); ++i) {
                if (field.spaxel[i] < 0) { continue; }
                const auto s = static_cast<std::size_t>(field.spaxel[i]);
                const auto weights = interpolator.at(field.metallicity[i], field.age[i]);
                if (weights.count > 0) {
                    ++truth.n_star[s];
                    ++truth.n_synthesised;
                }
                for (int k = 0; k < weights.count; ++k) {
                    const auto node = static_cast<std::size_t>(weights.node[k]);
                    const double weight = static_cast<double>(field.initial_mass[i]) * weights.weight[k];
                    truth.node_used[node] |= weight != 0 ? 1 : 0;
                    truth.light[s] += weight * nodes[node].mean;
                    truth.step_error[s] += std::abs(weight) * nodes[node].step_error;
                    truth.compression_error[s] += std::abs(weight) * nodes[node].compression_error;
                }
            }
            EXPECT_EQ(survey.n_star, truth.n_star);
            for (std::size_t k = 0; k < nodes.size(); ++k) { // those next to a star count too, at no weight
                EXPECT_GE(survey.node_used[k], truth.node_used[k]);
            }
            EXPECT_EQ(survey.n_synthesised, truth.n_synthesised);
            EXPECT_EQ(survey.n_age_outside, 2);
            EXPECT_EQ(survey.n_metallicity_outside, 2);
            EXPECT_EQ(survey.n_outside, 3);
            for (std::size_t s = 0; s < 40; ++s) {
                // The same sums in double, in another order.
                EXPECT_NEAR(survey.light[s], truth.light[s], 1e-6 * truth.light[s]);
                EXPECT_NEAR(survey.step_error[s], truth.step_error[s], 1e-6 * truth.step_error[s]);
                EXPECT_NEAR(survey.compression_error[s], truth.compression_error[s], 1e-6 * truth.compression_error[s]);
            }
        }
    }
}

TEST(VelocityRanges, AreTheSlowestAndFastestStarOfEachSpaxel) {
    test::StarField field;
    field.n_spaxel = 4;
    field.add(0, 1, 1, 0.02, -50);
    field.add(0, 1, 1, 0.02, 70);
    field.add(2, 1, 1, 0.02, -310);
    field.add(-1, 1, 1, 0.02, 9000); // outside the field
    const VelocityRanges ranges = velocity_ranges(field.all(), {2}, test::world());
    EXPECT_EQ(ranges.slowest[0], -50);
    EXPECT_EQ(ranges.fastest[0], 70);
    EXPECT_EQ(ranges.slowest[2], ranges.fastest[2]);
    EXPECT_FALSE(ranges.has_stars(1));
    EXPECT_TRUE(ranges.has_stars(2));
    EXPECT_EQ(ranges.largest_speed(), 310);
}

} // namespace
} // namespace tessera
