// The cost model: bytes are those that are counted, and times move the way they must.
#include "tessera/scaling/cost_model.hpp"

#include "pipeline/galaxy.hpp"
#include "pipeline/reduction_choice.hpp"
#include "scaling/measure.hpp"
#include "tessera/view/projection.hpp"
#include "tessera/view/rotation.hpp"
#include "tessera/view/star_exchange.hpp"
#include "tests/pipeline/tiny_galaxy.hpp"

namespace tessera {
namespace {

const std::vector<std::string> with_instrument{"psf.profile=gaussian", "psf.fwhm=1.5", "lsf.profile=gaussian",
                                               "lsf.fwhm=4", "parallel.threads=1"};

Config config_of(const test::TinyScene& scene, Reduction reduction, const std::string& range) {
    auto settings = scene.settings(with_instrument);
    settings.push_back("telescope.wavelength_range=" + range);
    Config config = read_config("", settings);
    config.parallel.reduction = reduction;
    return config;
}

/// Bytes that this rank sent in a stage, without what agreement and small sums take.
std::int64_t counted(const ScalingRun& run, const std::string& stage, const std::string& collective) {
    for (std::size_t i = 0; i < run.stages.size(); ++i) {
        if (run.stages[i] != stage) { continue; }
        const auto& bytes = run.shares[i][static_cast<std::size_t>(test::world().rank())].bytes;
        const auto it = bytes.find(collective);
        return it == bytes.end() ? 0 : it->second;
    }
    return -1;
}

TEST(Model, PredictsTheBytesThatAreCounted) {
    auto& world = test::world();
    const test::TinyScene scene("model-bytes", test::random_stars(200, 2));
    for (const char* range : {"[5000, 5125]", "[5000, 5008.75]"}) { // 100 pixels; 7, thinner slabs than the LSF is wide
        for (const Reduction reduction : {Reduction::allreduce, Reduction::reduce_scatter}) {
            const Config config = config_of(scene, reduction, range);
            const CubeSizes sizes = forecast_cube(config, world).sizes;
            EXPECT_GT(sizes.lsf_half_width, 0);
            EXPECT_GT(sizes.n_spaxel, sizes.n_spaxel_field);
            const ScalingRun run = measure(config, world);
            StageBytes predicted = predicted_bytes(sizes, reduction, world.size(), world.rank());
            SCOPED_TRACE(std::string(word(reduction)) + " " + range);
            for (const char* collective :
                 {"reduce_scatter", "all_to_all"}) { // all-reduces of a survey are not predicted
                EXPECT_EQ(counted(run, "synthesis", collective), predicted["synthesis"][collective]) << collective;
            }
            for (const char* collective : {"all_reduce", "reduce_scatter", "all_to_all"}) {
                EXPECT_EQ(counted(run, "reduce", collective), predicted["reduce"][collective]) << collective;
                EXPECT_EQ(counted(run, "lsf", collective), predicted["lsf"][collective]) << collective;
                EXPECT_EQ(counted(run, "psf", collective), 0) << collective;
            }
            if (world.size() > 1) {
                const bool scattered = reduction == Reduction::reduce_scatter;
                EXPECT_GT(scattered ? predicted["synthesis"]["reduce_scatter"] : predicted["reduce"]["all_reduce"], 0);
                EXPECT_LE(counted(run, "synthesis", "reduce_scatter"), sizes.cube_bytes()) << "at most a cube";
            }
        }
    }
}

/// What this rank will own and send: the pipeline's own stages up to the choice of owners.
ExchangeCounts exchange_counts(const Config& config) {
    auto& world = test::world();
    const Plan plan = make_plan(config, world);
    Galaxy galaxy;
    const Vector3 origin = read_stars(plan, galaxy);
    orient(plan, origin, galaxy, world);
    rotate(plan.where, galaxy.stars, galaxy.rotation.matrix);
    const Projection projection = project(plan.where, galaxy.stars, plan.field, world);
    const ReductionChoice choice = choose_reduction(
        plan, [&] { return stars_in_spaxels(projection.spaxel, plan.field.n_padded(), world); }, world);
    ExchangeCounts counts;
    for (int rank = 0; rank < world.size(); ++rank) {
        (rank == world.rank() ? counts.n_own_spaxel : counts.n_others_spaxel) +=
            std::ssize(choice.owners.of_rank(rank));
    }
    // Owners of a shared spaxel take turns, each rank beginning with another; in the middle of its share is star k's turn.
    std::map<std::int32_t, std::int64_t> n_here;
    for (const std::int32_t spaxel : projection.spaxel) {
        if (spaxel >= 0) { ++n_here[spaxel]; }
    }
    for (const auto& [spaxel, n] : n_here) {
        const auto ranks = choice.owners.of(spaxel);
        for (std::int64_t k = 0; k < n; ++k) {
            const std::int64_t turn = (2 * k + 1) * std::ssize(ranks) / (2 * n);
            const int to = ranks[static_cast<std::size_t>((turn + world.rank()) % std::ssize(ranks))];
            counts.n_star_sent += to != world.rank() ? 1 : 0;
        }
    }
    return counts;
}

TEST(Model, PredictsTheBytesOfAnExchange) {
    auto& world = test::world();
    if (world.size() == 1) { GTEST_SKIP() << "nothing to exchange"; }
    const test::TinyScene scene("model-exchange", test::random_stars(200, 2));
    const Config config = config_of(scene, Reduction::exchange, "[5000, 5125]");
    const CubeSizes sizes = forecast_cube(config, world).sizes;
    const ExchangeCounts counts = exchange_counts(config);
    const ScalingRun run = measure(config, world);
    StageBytes predicted = predicted_bytes(sizes, Reduction::exchange, world.size(), world.rank(), counts);
    for (const char* stage : {"spaxels", "synthesis", "lsf"}) {
        EXPECT_EQ(counted(run, stage, "all_to_all"), predicted[stage]["all_to_all"]) << stage;
        EXPECT_EQ(counted(run, stage, "reduce_scatter"), 0) << stage;
    }
    EXPECT_EQ(counted(run, "reduce", "all_reduce"), 0);
}

/// All stars alike, at rest and at the edge of the library: each has one row weight, and all stars of a spaxel the same one.
TEST(Model, PredictsTheBytesOfWeights) {
    auto& world = test::world();
    if (world.size() == 1) { GTEST_SKIP() << "nothing to send"; }
    std::vector<test::TinyStar> stars;
    for (int i = 0; i < 60; ++i) {
        const double place = 0.35 * test::tiny_spaxel();
        stars.push_back({.x = (i % 13 - 6) * place, .y = (i % 7 - 3) * place, .metallicity = 1e-4, .age = 25});
    }
    const test::TinyScene scene("model-weights", stars);
    const Config config = config_of(scene, Reduction::weights, "[5000, 5125]");
    const Plan plan = make_plan(config, world);
    Galaxy galaxy;
    const Vector3 origin = read_stars(plan, galaxy);
    orient(plan, origin, galaxy, world);
    const Projection projection = project(plan.where, galaxy.stars, plan.field, world);
    const std::int64_t n_spaxel = plan.field.n_padded();
    const auto all = stars_in_spaxels(projection.spaxel, n_spaxel, world);
    ExchangeCounts counts;
    for (std::int64_t s = 0, i = 0; s < n_spaxel; ++s) { // the i-th lit spaxel is summed by rank i mod P
        if (all[static_cast<std::size_t>(s)] == 0) { continue; }
        const bool mine = i++ % world.size() == world.rank();
        const bool lit_here =
            std::find(projection.spaxel.begin(), projection.spaxel.end(), s) != projection.spaxel.end();
        (mine ? counts.n_own_spaxel : counts.n_others_spaxel) += 1;
        counts.n_weight_summed += mine ? 1 : 0;
        counts.n_weight_sent += !mine && lit_here ? 1 : 0;
    }
    EXPECT_GT(counts.n_own_spaxel + counts.n_others_spaxel, 10);
    const ScalingRun run = measure(config, world);
    StageBytes predicted =
        predicted_bytes(forecast_cube(config, world).sizes, Reduction::weights, world.size(), world.rank(), counts);
    for (const char* collective : {"all_to_all", "reduce_scatter"}) {
        EXPECT_EQ(counted(run, "synthesis", collective), predicted["synthesis"][collective]) << collective;
        EXPECT_EQ(counted(run, "reduce", collective), 0) << collective;
        EXPECT_EQ(counted(run, "lsf", collective), predicted["lsf"][collective]) << collective;
    }
    const std::int64_t agreements = 5 * 4 * (world.size() - 1); // that each rank could do its part: all but the weights
    EXPECT_EQ(counted(run, "synthesis/sum", "all_gather"), predicted["synthesis"]["all_gather"] + agreements);
}

CubeSizes paper() {
    return {.n_star_rows = 6'000'000,
            .n_spaxel = 31 * 31,
            .n_spaxel_field = 625,
            .n_pixel = 3731,
            .n_pixel_band = 3721,
            .lsf_half_width = 5,
            .n_node = 1326,
            .library_bytes = 1326 * 4563 * 4};
}

TEST(Model, ReduceScatterSendsHalfOfAllReduceAndIsNeverSlower) {
    const Machine machine;
    for (const int n : {2, 3, 8, 4096}) {
        const Prediction all = predict(machine, paper(), Reduction::allreduce, n);
        const Prediction scattered = predict(machine, paper(), Reduction::reduce_scatter, n);
        EXPECT_DOUBLE_EQ(all.sent, 2 * scattered.sent);
        EXPECT_LT(scattered.sent, static_cast<double>(paper().cube_bytes()));
        EXPECT_LT(scattered.compute, all.compute);
        EXPECT_GT(scattered.total, scattered.compute);
    }
    const Prediction one = predict(machine, paper(), Reduction::allreduce, 1);
    EXPECT_EQ(one.sent, 0);
    EXPECT_EQ(one.compute, predict(machine, paper(), Reduction::reduce_scatter, 1).compute);
}

TEST(Model, ExchangeSharesRowsAndSendsLessOfALargeCube) {
    CubeSizes mosaic = paper();
    mosaic.n_spaxel = 600 * 600;
    mosaic.n_spaxel_field = 590 * 590;
    const Prediction exchanged = predict({}, mosaic, Reduction::exchange, 16);
    const Prediction scattered = predict({}, mosaic, Reduction::reduce_scatter, 16);
    EXPECT_LT(exchanged.sent, scattered.sent / 10);
    EXPECT_EQ(exchanged.memory, scattered.memory) << "slabs and blocks";
    EXPECT_LT(exchanged.memory, predict({}, mosaic, Reduction::allreduce, 16).memory / 8);
    EXPECT_LT(exchanged.compute, scattered.compute);
}

TEST(Model, EfficiencyOfOneRankIsOneAndMoreStarsScaleBetter) {
    CubeSizes many = paper();
    many.n_star_rows = 1'000'000'000;
    const std::vector<Reduction> ways{Reduction::reduce_scatter};
    const auto few_stars = predict_scaling({}, paper(), ScalingKind::strong, {1, 64}, ways);
    const auto many_stars = predict_scaling({}, many, ScalingKind::strong, {1, 64}, ways);
    ASSERT_EQ(few_stars.size(), 2U);
    EXPECT_EQ(few_stars[0].efficiency, 1);
    EXPECT_LT(few_stars[1].efficiency, many_stars[1].efficiency);
    EXPECT_LT(many_stars[1].efficiency, 1.05);
    const auto weak = predict_scaling({}, paper(), ScalingKind::weak, {1, 64}, ways);
    EXPECT_EQ(weak[1].n_star, 64 * paper().n_star_rows);
}

TEST(Model, RowWeightsNeverExceedWhatStarsOrRowsAllow) {
    EXPECT_DOUBLE_EQ(row_weights(10, paper()), 160) << "few stars share nothing";
    EXPECT_LT(row_weights(6e6, paper()), 16 * 6e6);
    EXPECT_EQ(row_weights(1e15, paper()), row_weights(1e16, paper())) << "all rows are touched";
}

/// A disc of 25 x 25 spaxels and a margin of 6, BC03-MILES: row weights that runs counted (synthesis/sum's work over wavelengths).
TEST(Model, RowWeightsAreThoseThatWereCounted) {
    CubeSizes muse = paper();
    muse.n_spaxel = 37 * 37;
    muse.n_node = 392;
    const std::vector<std::array<double, 3>> counted{// stars, exact, bins of a velocity
                                                     {1e5, 3.786e5, 3.189e5},
                                                     {1e6, 9.28e5, 7.05e5},
                                                     {6e6, 1.739e6, 1.241e6},
                                                     {2e7, 2.272e6, 1.514e6}};
    ssp::Library library;
    library.age.assign(56, 0);
    library.metallicity.assign(7, 0);
    WavelengthGrid pixels;
    pixels.centres.assign(3741, 0);
    for (const auto& [n_star, exact, bins] : counted) {
        SynthesisOptions options{.method = Method::exact};
        muse.work = spaxel_work(library, pixels, options);
        EXPECT_NEAR(row_weights(n_star, muse) / exact, 1, 0.1) << n_star;
        options.method = Method::binned;
        muse.work = spaxel_work(library, pixels, options);
        EXPECT_NEAR(row_weights(n_star, muse) / bins, 1, 0.1) << n_star;
    }
}

TEST(Model, MethodsThatEstimateErrorsTakeTimeForIt) {
    CubeSizes with = paper();
    with.estimates_errors = true;
    const auto synthesis = [](const CubeSizes& sizes, int n) {
        for (const auto& [stage, seconds] : predict({}, sizes, Reduction::weights, n).stages) {
            if (stage == "synthesis") { return seconds; }
        }
        return 0.0;
    };
    const double more = synthesis(with, 1) - synthesis(paper(), 1);
    EXPECT_GT(more, 0);
    EXPECT_NEAR(synthesis(with, 4) - synthesis(paper(), 4), more / 4, 1e-9 * more) << "divided among ranks";
}

TEST(Machines, FilesAreReadAndTheDefaultIsTheLaptop) {
    const auto folder = test::source_dir() / "configs" / "machines";
    const Machine laptop = read_machine((folder / "laptop.yaml").string());
    Machine defaults, read = laptop;
    OptionTable of_defaults, of_file;
    defaults.describe(of_defaults);
    read.describe(of_file);
    EXPECT_EQ(of_file.yaml(), of_defaults.yaml());
    const Machine cluster = read_machine((folder / "gpu_cluster.yaml").string());
    EXPECT_EQ(cluster.worker, "GPU");
    EXPECT_GT(cluster.product_rate, laptop.product_rate);
    const auto error = test::error_of([&] { read_machine((folder / "none.yaml").string()); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::config);
}

} // namespace
} // namespace tessera
