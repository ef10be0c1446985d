// Every method against the slow formula: the spectrum of every star, Doppler shifted and integrated over each pixel in double.
#include "tests/synthesis/stars.hpp"

namespace tessera {
namespace {

/// Spaxels of many kinds of stars; the fourth is dark, some stars are outside the field.
test::StarField spaxels_of_all_kinds(const ssp::Library& library) {
    using test::Population;
    test::StarField field;
    field.n_spaxel = 9;
    test::add_stars(field, 0, {3000, Population::mixed, 0, 200}, library, 1);
    test::add_stars(field, 1, {2000, Population::old, -150, 300}, library, 2);
    test::add_stars(field, 2, {1000, Population::young, 150, 60}, library, 3);
    test::add_stars(field, 4, {1000, Population::mixed, 700, 0}, library, 4); // one velocity
    test::add_stars(field, 5, {1, Population::mixed, 33, 0}, library, 5);     // one star
    test::add_stars(field, 6, {30, Population::young, 0, 1000}, library, 6);
    test::add_stars(field, 7, {500, Population::mixed, 0, 1000}, library, 7);
    test::add_stars(field, 8, {2000, Population::mixed, 0, 0}, library, 8); // all at rest
    test::add_stars(field, -1, {50, Population::mixed, 0, 200}, library, 9);
    return field;
}

class Methods : public testing::TestWithParam<ssp::Interpolation> {
protected:
    static constexpr double redshift = 0.03;
    ssp::Library library = test::cut(ssp::demo_library(), 4400, 5400);
    WavelengthGrid pixels = make_linear_wavelengths(4700.15, 5400, 1.25);
    test::StarField field = spaxels_of_all_kinds(library);
    SynthesisOptions options;

    Methods() { options.interpolation = GetParam(); }

    /// Worst rms error over the spaxels; the report tells what was done.
    double error_of(Method method, double tolerance, const std::vector<test::Spectrum>& truth,
                    SynthesisReport& report) {
        options.method = method;
        options.tolerance = tolerance;
        const PartialCube cube = synthesise(field.all(), library, ssp::Outside::clamp, pixels, redshift, options, {1},
                                            test::world(), report);
        return test::worst_rms_error(test::summed(cube, test::world()), truth);
    }
};

TEST_P(Methods, EverySpaxelIsTheDirectIntegralWithinTheTolerance) {
    const auto truth = test::slow_cube(field, library, pixels, redshift, options);
    for (const double tolerance : {1e-2, 1e-3, 1e-4}) {
        SynthesisReport exact;
        SynthesisReport binned;
        SynthesisReport compressed;
        SynthesisReport automatic;
        // Rows of exact are chosen for a tenth of the tolerance; weights and templates are floats.
        EXPECT_LE(error_of(Method::exact, tolerance, truth, exact), tolerance / 10 + 1e-6) << tolerance;
        // The others keep the tolerance against exact, which may be a tenth of it off.
        EXPECT_LE(error_of(Method::binned, tolerance, truth, binned), 1.1 * tolerance) << tolerance;
        EXPECT_LE(error_of(Method::compressed, tolerance, truth, compressed), 1.1 * tolerance) << tolerance;
        EXPECT_LE(error_of(Method::automatic, tolerance, truth, automatic), 1.1 * tolerance) << tolerance;

        EXPECT_EQ(exact.n_spaxel_exact, 8);
        EXPECT_EQ(exact.error_bound, 0);
        for (const SynthesisReport* report : {&exact, &binned, &compressed, &automatic}) {
            EXPECT_EQ(report->n_spaxel_exact + report->n_spaxel_binned + report->n_spaxel_compressed, 8);
            EXPECT_EQ(report->n_synthesised, 9531);
            EXPECT_EQ(report->n_refined, 0);
            EXPECT_LE(report->exact_error_rms, tolerance / 10);
            EXPECT_LE(report->error_rms, tolerance);
            EXPECT_LE(report->error_bound, tolerance);
            EXPECT_LE(report->error_rms_median, report->error_rms);
        }
        // Not by doing all exactly: the bound of most spaxels allows what was asked for.
        EXPECT_GE(binned.n_spaxel_binned, 4) << tolerance;
        EXPECT_GT(binned.bin_step, binned.velocity_step);
        EXPECT_EQ(binned.n_spaxel_compressed, 0);
        EXPECT_GE(compressed.n_spaxel_compressed, 4) << tolerance;
        EXPECT_GT(compressed.rank, 0);
        EXPECT_LE(compressed.rank, library.n_node());
        EXPECT_EQ(compressed.n_spaxel_binned, 0);
        EXPECT_EQ(exact.rank, 0);
    }
}

TEST_P(Methods, AFinerToleranceGivesASmallerError) {
    const auto truth = test::slow_cube(field, library, pixels, redshift, options);
    for (const Method method : {Method::exact, Method::binned, Method::compressed, Method::automatic}) {
        SynthesisReport report;
        const double coarse = error_of(method, 1e-2, truth, report);
        const double fine = error_of(method, 1e-4, truth, report);
        EXPECT_LT(fine, coarse / 10) << word(method);
    }
}

TEST_P(Methods, TheExponentialDopplerFactorIsFollowedToo) {
    options.doppler = Doppler::exponential;
    library = test::cut(ssp::demo_library(), 4000, 6000);
    for (float& velocity : field.los_velocity) { velocity *= 10; } // the two factors differ by v^2 / 2 c^2
    pixels = make_linear_wavelengths(4950, 5150, 1.25);
    const auto truth = test::slow_cube(field, library, pixels, redshift, options);
    for (const Method method : {Method::exact, Method::binned, Method::compressed, Method::automatic}) {
        SynthesisReport report;
        EXPECT_LE(error_of(method, 1e-3, truth, report), 1.1e-3) << word(method);
    }
}

INSTANTIATE_TEST_SUITE_P(Interpolations, Methods,
                         testing::Values(ssp::Interpolation::linear, ssp::Interpolation::cubic),
                         [](const auto& instance) { return std::string(word(instance.param)); });

TEST(MethodsBeyondTheLibrary, ThePixelsThatItCoversKeepTheTolerance) {
    // The library ends inside the band, at either end; stars of the second spaxel are faster than the others.
    const ssp::Library library = test::cut(ssp::demo_library(), 4800, 5400);
    const double redshift = 0.01;
    const WavelengthGrid pixels = make_linear_wavelengths(4700, 5600, 1.25);
    test::StarField field;
    field.n_spaxel = 2;
    test::add_stars(field, 0, {500, test::Population::mixed, 0, 100}, library, 1);
    test::add_stars(field, 1, {500, test::Population::mixed, 200, 400}, library, 2);
    double fastest = 0;
    for (const float velocity : field.los_velocity) { fastest = std::max(fastest, std::abs(double(velocity))); }
    const auto covered = covered_pixels(library, pixels, redshift, fastest);
    ASSERT_FALSE(covered.front() || covered.back());
    const auto keep_covered = [&](std::vector<test::Spectrum> cube) {
        for (auto& spectrum : cube) {
            std::size_t n = 0;
            for (std::size_t k = 0; k < spectrum.size(); ++k) {
                if (covered[k]) { spectrum[n++] = spectrum[k]; }
            }
            spectrum.resize(n);
        }
        return cube;
    };
    SynthesisOptions options;
    options.uncovered = Uncovered::flag;
    const auto truth = keep_covered(test::slow_cube(field, library, pixels, redshift, options));
    for (const double tolerance : {1e-2, 1e-3, 1e-4}) {
        options.tolerance = tolerance;
        for (const Method method : {Method::exact, Method::binned, Method::compressed, Method::automatic}) {
            options.method = method;
            SynthesisReport report;
            const PartialCube cube = synthesise(field.all(), library, ssp::Outside::clamp, pixels, redshift, options,
                                                {1}, test::world(), report);
            const double allowed = method == Method::exact ? tolerance / 10 + 1e-6 : 1.1 * tolerance;
            EXPECT_LE(test::worst_rms_error(keep_covered(test::summed(cube, test::world())), truth), allowed)
                << word(method) << " at " << tolerance;
            EXPECT_EQ(report.n_refined, 0) << word(method) << " at " << tolerance;
        }
    }
}

TEST(MethodsOnAFewPixels, OnePixelAndOneSpaxelAreEnough) {
    const ssp::Library library = ssp::demo_library();
    test::StarField field;
    test::add_stars(field, 0, {200, test::Population::mixed, 0, 100}, library, 1);
    for (const double last : {5001.0, 5002.0, 5129.0}) { // 1, 2 and 129 pixels: one more than a tile
        const WavelengthGrid pixels = make_linear_wavelengths(5000, last, 1);
        SynthesisOptions options;
        const auto truth = test::slow_cube(field, library, pixels, 0.01, options);
        for (const Method method : {Method::exact, Method::binned, Method::compressed, Method::automatic}) {
            options.method = method;
            SynthesisReport report;
            const PartialCube cube = synthesise(field.all(), library, ssp::Outside::clamp, pixels, 0.01, options, {2},
                                                test::world(), report);
            EXPECT_LE(test::worst_rms_error(test::summed(cube, test::world()), truth), 1.1e-3) << word(method);
        }
    }
}

} // namespace
} // namespace tessera
