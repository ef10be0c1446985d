// Methods, report and cube on any number of ranks and threads: each run is compared with one rank and one thread, within 1e-6 of
// the cube's maximum (float32 partial sums in another order).
#include "tests/synthesis/stars.hpp"

namespace tessera {
namespace {

using Case = std::tuple<Method, ssp::Interpolation>;

/// Few and many stars, narrow and broad: `auto` makes some spaxels exactly, others not.
test::StarField spaxels_of_all_kinds(const ssp::Library& library) {
    using test::Population;
    test::StarField field;
    field.n_spaxel = 204;
    for (std::int32_t s = 0; s < 200;
         ++s) { // a disc, moving from -200 to 200 km/s; many spaxels, or auto has no use for bins
        test::add_stars(field, s, {400, Population::mixed, 2.0 * s - 200, 100}, library, 1);
    }
    test::add_stars(field, 200, {3, Population::mixed, 40, 100}, library, 2);
    test::add_stars(field, 201, {20000, Population::old, 0, 120}, library, 3);
    test::add_stars(field, 203, {40, Population::young, -300, 0}, library, 4); // 202 is dark
    return field;
}

class RanksAndThreads : public testing::TestWithParam<Case> {
protected:
    static constexpr double redshift = 0.02;
    ssp::Library library = test::cut(ssp::demo_library(), 4500, 5600);
    WavelengthGrid pixels = make_linear_wavelengths(4900, 5350, 1.7); // 265 pixels: no multiple of a tile
    SynthesisOptions options;

    RanksAndThreads() {
        options.method = std::get<0>(GetParam());
        options.interpolation = std::get<1>(GetParam());
    }
    std::vector<test::Spectrum> run(const test::StarField& field, Communicator& comm, int threads,
                                    SynthesisReport& report) const {
        const PartialCube cube = synthesise(field.of_rank(comm.rank(), comm.size()), library, ssp::Outside::clamp,
                                            pixels, redshift, options, {threads}, comm, report);
        return test::summed(cube, comm);
    }
    static void expect_alike(const std::vector<test::Spectrum>& made, const std::vector<test::Spectrum>& truth) {
        double largest = 0;
        for (const auto& spectrum : truth) {
            largest = std::max(largest, *std::max_element(spectrum.begin(), spectrum.end()));
        }
        double difference = 0;
        for (std::size_t s = 0; s < truth.size(); ++s) {
            for (std::size_t k = 0; k < truth[s].size(); ++k) {
                difference = std::max(difference, std::abs(made[s][k] - truth[s][k]));
            }
        }
        EXPECT_LE(difference, 1e-6 * largest);
    }
    static void expect_alike(const SynthesisReport& made, const SynthesisReport& truth) {
        EXPECT_EQ(made.n_synthesised, truth.n_synthesised);
        EXPECT_EQ(made.n_spaxel_exact, truth.n_spaxel_exact);
        EXPECT_EQ(made.n_spaxel_binned, truth.n_spaxel_binned);
        EXPECT_EQ(made.n_spaxel_compressed, truth.n_spaxel_compressed);
        EXPECT_EQ(made.velocity_step, truth.velocity_step);
        EXPECT_EQ(made.bin_step, truth.bin_step);
        EXPECT_EQ(made.rank, truth.rank);
        EXPECT_EQ(made.n_error_sample, truth.n_error_sample);
        EXPECT_EQ(made.n_refined, truth.n_refined);
        // Differences of floats: rounding stands beside the error itself.
        EXPECT_NEAR(made.error_rms, truth.error_rms, 1e-6);
        EXPECT_NEAR(made.error_max, truth.error_max, 1e-5);
        EXPECT_NEAR(made.error_bound, truth.error_bound, 1e-9);
    }
};

TEST_P(RanksAndThreads, ChangeNothing) {
    const test::StarField field = spaxels_of_all_kinds(library);
    const auto self = make_self_communicator();
    SynthesisReport one;
    const auto truth = run(field, *self, 1, one);
    if (options.method == Method::automatic) {
        EXPECT_GT(one.n_spaxel_exact, 0);
        EXPECT_GT(one.n_spaxel_binned + one.n_spaxel_compressed, 0);
    }
    for (const int threads : {1, 2, 3}) {
        SynthesisReport report;
        expect_alike(run(field, test::world(), threads, report), truth);
        expect_alike(report, one);
    }
}

TEST_P(RanksAndThreads, ARankWithoutStarsIsNormal) {
    test::StarField field;
    field.n_spaxel = 3;
    field.add(1, 1e5, 1.3, 0.012, 80); // the other ranks have none
    const auto self = make_self_communicator();
    SynthesisReport one;
    SynthesisReport report;
    const auto truth = run(field, *self, 1, one);
    expect_alike(run(field, test::world(), 1, report), truth);
    expect_alike(report, one);
    EXPECT_EQ(one.n_spaxel_exact + one.n_spaxel_binned + one.n_spaxel_compressed, 1);
    field = {};
    field.n_spaxel = 3;
    for (const auto& spectrum : run(field, test::world(), 2, report)) { EXPECT_EQ(test::mean(spectrum), 0.0); }
    EXPECT_EQ(report.n_synthesised, 0);
}

class InBlocks : public RanksAndThreads {
protected:
    static test::StarField few_spaxels(const ssp::Library& library) {
        test::StarField field;
        field.n_spaxel = 15;
        for (std::int32_t s = 0; s < 14; ++s) { // the last is dark
            test::add_stars(field, s, {s % 4 == 0 ? 300 : 30, test::Population::mixed, 20.0 * s - 100, 60}, library, 1);
        }
        return field;
    }
    CubeSlab slab(const test::StarField& field, int n_part, int n_wave_block, const WeightLimits& limits,
                  SynthesisReport& report) const {
        auto& world = test::world();
        const SpaxelStars stars = field.of_rank(world.rank(), world.size());
        const CubeBlocks blocks{.n_spaxel = field.n_spaxel,
                                .n_wave = pixels.size(),
                                .n_rank = world.size(),
                                .n_part = n_part,
                                .n_wave_block = n_wave_block};
        const auto cube = sum_in_blocks(blocks, 3, 5, world);
        std::int64_t n_done = 0;
        const auto progress = [&](std::int64_t done, std::int64_t) {
            EXPECT_GE(done, n_done);
            n_done = done;
        };
        synthesise_into(*cube, stars, library, ssp::Outside::clamp, pixels, redshift, options, {1}, world, report,
                        progress, {}, limits);
        EXPECT_EQ(n_done, stars.size());
        return cube->finish();
    }
};

TEST_P(InBlocks, OfWavelengthsNoBitChanges) {
    const test::StarField field = few_spaxels(library);
    constexpr std::int64_t all = std::int64_t{4} << 20;
    for (const std::int64_t per_batch : {all, std::int64_t{500}}) { // one batch; several
        SynthesisReport one;
        const CubeSlab truth = slab(field, 1, 1, {.per_batch = per_batch}, one);
        for (const std::int64_t kept : {all, std::int64_t{2000}, std::int64_t{0}}) { // all, some, none
            SynthesisReport report;
            EXPECT_EQ(slab(field, 1, 3, {per_batch, kept}, report).data(), truth.data()) << kept << " weights kept";
            EXPECT_EQ(report.error_rms, one.error_rms);
        }
    }
}

TEST_P(InBlocks, OfSpaxelsItIsTheSameCube) {
    const test::StarField field = few_spaxels(library);
    SynthesisReport one, report;
    const auto self = make_self_communicator();
    const auto truth = run(field, *self, 1, one);
    double largest = 0;
    for (const auto& spectrum : truth) {
        largest = std::max(largest, *std::max_element(spectrum.begin(), spectrum.end()));
    }
    for (const int n_part : {2, 15}) {
        const CubeSlab made = slab(field, n_part, 2, {}, report);
        for (std::int64_t w = 0; w < made.n_wave(); ++w) {
            for (std::int64_t s = 0; s < field.n_spaxel; ++s) {
                const double expected =
                    truth[static_cast<std::size_t>(s)][static_cast<std::size_t>(made.range().first + w)];
                ASSERT_NEAR(made.flux().row(w)[s], expected, 1e-6 * largest) << n_part << " parts";
            }
        }
        expect_alike(report, one);
    }
}

INSTANTIATE_TEST_SUITE_P(Methods, InBlocks,
                         testing::Combine(testing::Values(Method::exact, Method::binned, Method::compressed),
                                          testing::Values(ssp::Interpolation::linear)),
                         [](const auto& instance) { return std::string(word(std::get<0>(instance.param))); });

INSTANTIATE_TEST_SUITE_P(Methods, RanksAndThreads,
                         testing::Combine(testing::Values(Method::exact, Method::binned, Method::compressed,
                                                          Method::automatic),
                                          testing::Values(ssp::Interpolation::linear, ssp::Interpolation::cubic)),
                         [](const auto& instance) {
                             return std::string(word(std::get<0>(instance.param))) + "_" +
                                    std::string(word(std::get<1>(instance.param)));
                         });

} // namespace
} // namespace tessera
