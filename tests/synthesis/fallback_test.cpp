// When the sample that is compared with exact is off by more than the tolerance, finer settings are taken until it is not.
#include "synthesis/conserving.hpp"

#include "tessera/core/log.hpp"
#include "tests/synthesis/stars.hpp"

namespace tessera {
namespace {

class Fallback : public testing::TestWithParam<std::tuple<Method, ToleranceShares>> {};

TEST_P(Fallback, FinerSettingsAreTakenUntilTheSampleKeepsTheTolerance) {
    auto& world = test::world();
    const auto& [method, shares] = GetParam();
    const ssp::Library library = test::cut(ssp::demo_library(), 4500, 5600);
    const WavelengthGrid pixels = make_linear_wavelengths(4800, 5400, 1.25);
    test::StarField field;
    field.n_spaxel = 30;
    for (std::int32_t s = 0; s < 28; ++s) {
        test::add_stars(field, s, {200 + 20 * s, static_cast<test::Population>(s % 4), 10.0 * s, 0.5 * s}, library,
                        static_cast<std::uint64_t>(s));
    }
    SynthesisOptions options;
    options.method = method;
    options.tolerance = 1e-4;
    const double redshift = 0.02;
    const ssp::Interpolator interpolator(library, options.interpolation, ssp::Outside::clamp);
    const SpaxelStars stars = field.of_rank(world.rank(), world.size());
    const RowInput input{library, interpolator, pixels, redshift, options.doppler, velocity_ranges(stars, {1}, world),
                         {1}};
    const std::vector<double> band(static_cast<std::size_t>(library.n_node()), 1.0);
    const int warnings = log::warning_count();

    PartialCube cube(field.n_spaxel, pixels.size());
    SynthesisReport report;
    WholeCube whole(cube);
    HostStarLight light(stars, input, ssp::Outside::clamp, 2, whole, {}, world);
    Conserving synthesis(light, input, options, band, world, shares);
    synthesis.decide(report);
    light.sum(synthesis.light(), [](std::int64_t) {});

    options.method = Method::exact;
    SynthesisReport exact;
    PartialCube truth(field.n_spaxel, pixels.size());
    WholeCube whole_truth(truth);
    HostStarLight exact_light(stars, input, ssp::Outside::clamp, 2, whole_truth, {}, world);
    Conserving exactly(exact_light, input, options, band, world);
    exactly.decide(exact);
    exact_light.sum(exactly.light(), [](std::int64_t) {});
    EXPECT_GT(report.n_refined, 0);
    EXPECT_GT(log::warning_count(), warnings); // and said so
    EXPECT_LE(report.error_rms, options.tolerance);
    EXPECT_LE(test::worst_rms_error(test::summed(cube, world), test::summed(truth, world)), options.tolerance);
    EXPECT_EQ(report.n_spaxel_exact + report.n_spaxel_binned + report.n_spaxel_compressed, 28);
    EXPECT_EQ(exact.n_refined, 0);
}

// Steps and basis so coarse that they cannot do, and bounds that are not looked at.
INSTANTIATE_TEST_SUITE_P(Settings, Fallback,
                         testing::Values(std::tuple{Method::binned, ToleranceShares{1e6, 0.5, false}},
                                         std::tuple{Method::binned,
                                                    ToleranceShares{8, 0.5, false}}, // once finer is enough
                                         std::tuple{Method::compressed, ToleranceShares{0.25, 1e6, false}},
                                         std::tuple{Method::compressed, ToleranceShares{1e6, 1e6, false}}));

} // namespace
} // namespace tessera
