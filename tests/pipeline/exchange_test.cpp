// parallel.reduction: exchange. Each run is compared with one rank alone, within 1e-6 of the cube's maximum; stars are in the same order
// there, so only spaxels that ranks share differ at all.
#include "pipeline/plan.hpp"
#include "pipeline/reduction_choice.hpp"
#include "tests/pipeline/compare_ranks.hpp"

namespace tessera {
namespace {

using test::compare_with_one_rank;
using test::galaxy;

std::vector<std::string> exchange_with(std::vector<std::string> more) {
    more.emplace_back("parallel.reduction=exchange");
    return more;
}

std::string provenance(const std::string& path, const std::string& name) {
    return io::Hdf5File::open(path).group("provenance").find_text(name).value_or("none");
}

const std::vector<std::string> everything{"psf.profile=gaussian",       "psf.fwhm=0.8",
                                          "lsf.profile=gaussian",       "lsf.sigma=1.5",
                                          "noise.kind=signal-to-noise", "noise.signal_to_noise=20",
                                          "view.rotation=face-on",      "galaxy.centre=shrinking-sphere",
                                          "galaxy.velocity=median"};

TEST(Exchange, TheCubeIsThatOfOneRankNoiseIncluded) {
    const test::Scene scene("exchange", galaxy(2000));
    compare_with_one_rank(scene, exchange_with(everything));
    if (test::world().is_root()) {
        EXPECT_EQ(provenance((scene.folder / "together.h5").string(), "reduction"), "exchange");
    }
}

TEST(Exchange, SmallBlocksGiveTheSame) {
    auto more = everything;
    more.emplace_back("parallel.block=0.002");
    compare_with_one_rank(test::Scene("exchange-blocks", galaxy(500)), exchange_with(more));
    compare_with_one_rank(test::Scene("exchange-rubix-blocks", galaxy(100)),
                          exchange_with({"preset=rubix", "parallel.block=0.002"}));
}

TEST(Exchange, EveryMethodGivesTheSame) {
    for (const std::string method : {"exact", "binned", "compressed"}) {
        compare_with_one_rank(
            test::Scene("exchange-" + method, galaxy(1500)),
            exchange_with({"ssp.path=demo", "synthesis.method=" + method, "telescope.wavelength_range=[5100, 5200]",
                           "synthesis.interpolation=cubic", "ssp.outside=clamp"}));
    }
}

TEST(Exchange, RanksWithoutAnyStarAreNormal) {
    test::SceneStars stars;
    stars.add(0.3, 0.1, 0, 0, 0, 50);
    stars.add(-0.3, -0.1, 0, 0, 0, -50);
    compare_with_one_rank(test::Scene("exchange-few", stars), exchange_with({"psf.profile=gaussian", "psf.fwhm=0.8"}));
    test::SceneStars one;
    one.add(0.3, 0.1, 0, 0, 0, 50);
    compare_with_one_rank(test::Scene("exchange-one", one), exchange_with({}));
}

TEST(Exchange, AllStarsInOneSpaxelAreShared) {
    test::SceneStars stars;
    for (int i = 0; i < 900; ++i) {
        stars.add(0.01, 0.01, 0, 0, 0, i % 7 * 30 - 90, 1e6 + i, 0.01 + 1e-5 * i, 1 + 1e-3 * i);
    }
    compare_with_one_rank(test::Scene("exchange-heap", stars),
                          exchange_with({"lsf.profile=gaussian", "lsf.sigma=1.5"}));
}

TEST(Exchange, PrimeGridsAndFewerWavelengthsThanRanks) {
    compare_with_one_rank(test::Scene("exchange-waves", galaxy(100)),
                          exchange_with({"telescope.wavelength_range=[5248, 5251]", "psf.profile=gaussian",
                                         "psf.fwhm=0.8", "noise.kind=signal-to-noise"}));
    compare_with_one_rank(test::Scene("exchange-prime", galaxy(300)),
                          exchange_with({"telescope.field_of_view=6.5", "telescope.wavelength_range=[5200, 5248]",
                                         "psf.profile=gaussian", "psf.fwhm=0.8"}));
}

TEST(Exchange, RubixResamplingIsTheSameToo) {
    compare_with_one_rank(test::Scene("exchange-rubix", galaxy(200)),
                          exchange_with({"preset=rubix", "psf.profile=gaussian", "psf.sigma=0.6", "psf.size=5",
                                         "lsf.profile=gaussian", "lsf.sigma=1"}));
}

TEST(Exchange, StagesAndTheListOfStarsAreThoseOfOneRank) {
    const test::Scene scene("exchange-stages", galaxy(200));
    const auto more = exchange_with({"output.stages=true", "psf.profile=gaussian", "psf.fwhm=0.8"});
    compare_with_one_rank(scene, more);
    if (!test::world().is_root()) { return; }
    const auto together = io::Hdf5File::open((scene.folder / "together.h5").string());
    const auto alone = io::Hdf5File::open((scene.folder / "alone.h5").string());
    for (const char* name : {"stages/spaxel", "stages/star"}) {
        EXPECT_EQ(together.dataset(name).read_all<std::int64_t>(), alone.dataset(name).read_all<std::int64_t>())
            << name;
    }
    const auto a = together.dataset("stages/accumulated").read_all<float>();
    const auto b = alone.dataset("stages/accumulated").read_all<float>();
    ASSERT_EQ(a.size(), b.size());
    const float largest = *std::max_element(b.begin(), b.end());
    for (std::size_t i = 0; i < a.size(); ++i) { ASSERT_NEAR(a[i], b[i], 1e-6 * largest); }
}

TEST(Exchange, OnlyTheTransposeGrowsWithTheWavelengths) {
    auto& world = test::world();
    const test::Scene scene("exchange-bytes", galaxy(1000));
    const auto bytes_of = [&](const std::string& range) { // all to all, and all else but rank 0's own broadcasts
        const Traffic before = world.traffic();
        const std::string path = scene.run("bytes.h5", exchange_with({"telescope.wavelength_range=" + range}), world);
        struct {
            std::int64_t exchanged, scattered, n_voxel;
        } out{world.traffic().bytes("all_to_all") - before.bytes("all_to_all"),
              world.traffic().bytes("reduce_scatter") - before.bytes("reduce_scatter"), 0};
        out.n_voxel = static_cast<std::int64_t>(test::Cube(path).flux.size());
        world.barrier();
        return out;
    };
    const auto few = bytes_of("[5200, 5250]");
    const auto many = bytes_of("[5150, 5350]");
    EXPECT_EQ(few.scattered, 0);
    EXPECT_EQ(many.scattered, 0);
    EXPECT_GT(many.n_voxel, 3 * few.n_voxel);
    // Of 49 spaxels a rank owns a P-th, rounded up, and one more for each that is shared.
    const std::int64_t rows = (49 + world.size() - 1) / world.size() + 1;
    const std::int64_t more_planes = (many.n_voxel - few.n_voxel) / 49;
    EXPECT_LE(many.exchanged - few.exchanged, rows * more_planes * 4);
    // Stars and counts, the same in both.
    EXPECT_LE(few.exchanged, rows * few.n_voxel / 49 * 4 + 24 * (1000 / world.size() + 1) + 8 * world.size());
}

TEST(AutomaticReduction, TakesExchangeForCubesMuchLargerThanTheStars) {
    const MessageCosts costs;
    ReductionSizes sizes{.n_star = 100'000'000, .cube_bytes = 20'000'000, .n_rank = 16, .n_thread = 8};
    // The same work either way: what is sent decides.
    EXPECT_LT(times_of_reduce_scatter(sizes, 1, costs).total(), times_of_exchange(sizes, 1, costs).total());
    sizes = {.n_star = 100'000, .cube_bytes = 2'000'000'000, .n_rank = 16, .n_thread = 8};
    EXPECT_GT(times_of_reduce_scatter(sizes, 1, costs).total(), 4 * times_of_exchange(sizes, 1, costs).total());
    // Messages are what a small galaxy on many ranks pays for.
    sizes = {.n_star = 1000, .cube_bytes = 1'000'000, .n_rank = 4000, .n_thread = 8};
    EXPECT_LT(times_of_reduce_scatter(sizes, 0, costs).total(), times_of_exchange(sizes, 0, costs).total());
}

TEST(AutomaticReduction, TakesWeightsWhereStarsShareManyAndRanksAreFew) {
    const MessageCosts costs;
    // 6 million stars in 625 spaxels: 2 million weights in all, each rank's stars touch 0.7 of them.
    ReductionSizes sizes{.n_star = 6'000'000, .cube_bytes = 9'300'000, .n_rank = 2, .n_thread = 1};
    EXPECT_LT(times_of_weights(sizes, 0.3, {1.4e6, 2e6}, costs).total(), times_of_exchange(sizes, 0.3, costs).total());
    // Few stars in many spaxels share nothing: sixteen weights are more than a star.
    sizes = {.n_star = 1'000'000, .cube_bytes = 900'000'000, .n_rank = 64, .n_thread = 1};
    EXPECT_GT(times_of_weights(sizes, 0.1, {16e6 / 64, 16e6}, costs).total(),
              times_of_exchange(sizes, 0.1, costs).total());
}

TEST(AutomaticReduction, CostsAreMeasuredOrAsConfigured) {
    auto& world = test::world();
    const MessageCosts measured = message_costs({}, world);
    for (const double value : {measured.latency, measured.link, measured.memory, measured.product}) {
        EXPECT_GT(value, 0);
        EXPECT_TRUE(std::isfinite(value));
        EXPECT_EQ(world.all_reduce_value(value, Op::max), value) << "the same on every rank";
    }
    ParallelOptions options;
    options.message_latency = 0;
    options.link_rate = 1e6;
    options.copy_rate = 2e6;
    options.product_rate = 3e6;
    const std::int64_t before = world.traffic().bytes("all_to_all");
    const MessageCosts given = message_costs(options, world);
    EXPECT_EQ(world.traffic().bytes("all_to_all"), before) << "nothing to measure";
    EXPECT_EQ(given.latency, 0);
    EXPECT_EQ(given.link, 1e6);
    EXPECT_EQ(given.memory, 2e6);
    EXPECT_EQ(given.product, 3e6);
}

TEST(AutomaticReduction, FollowsTheCostsOfTheConfiguration) {
    auto& world = test::world();
    if (world.size() == 1) { GTEST_SKIP() << "nothing to choose"; }
    const test::Scene scene("reduction-costs", galaxy(500));
    // Copies and products that cost nothing leave the messages: their number, or their bytes.
    const auto taken = [&](const std::string& latency, const std::string& link) {
        const std::string path = scene.run("costs.h5",
                                           {"parallel.message_latency=" + latency, "parallel.link_rate=" + link,
                                            "parallel.copy_rate=1e18", "parallel.product_rate=1e24"},
                                           world);
        const std::string method = provenance(path, "reduction");
        world.barrier();
        return method;
    };
    EXPECT_EQ(taken("1", "1e12"), "reduce-scatter") << "seven calls in place of one";
    EXPECT_EQ(taken("0", "1"), "exchange") << "500 stars against a cube";
}

TEST(Weights, NeedAHostAndRowsOfTemplates) {
    const test::Scene scene("weights-refused", galaxy(50));
    for (const char* other : {"parallel.device=emulated", "preset=rubix"}) {
        const auto error =
            test::error_of([&] { scene.run("refused.h5", {"parallel.reduction=weights", other}, test::world()); });
        ASSERT_TRUE(error) << other;
        EXPECT_EQ(error->kind(), Kind::config);
        EXPECT_NE(std::string(error->what()).find("parallel.reduction"), std::string::npos) << error->what();
    }
}

TEST(AutomaticReduction, SaysWhatItTookAndWhy) {
    auto& world = test::world();
    const test::Scene scene("reduction-auto", galaxy(500));
    compare_with_one_rank(scene, everything);
    const std::string path = (scene.folder / "together.h5").string();
    const std::string method = provenance(path, "reduction"), reason = provenance(path, "reduction_reason");
    if (world.size() == 1) {
        EXPECT_EQ(reason, "one rank");
    } else {
        EXPECT_TRUE(method == "exchange" || method == "reduce-scatter" || method == "weights") << method;
        EXPECT_NE(reason.find("expected of a rank"), std::string::npos) << reason;
    }
    world.barrier();
}

TEST(AutomaticReduction, MemoryOfTheCubeIsTheSlabAndAFewBlocks) {
    auto& world = test::world();
    const test::Scene scene("reduction-memory", galaxy(10));
    auto settings = scene.settings;
    settings.emplace_back("telescope.field_of_view=300"); // 600 x 600 x 240
    const Config config = read_config("", settings);
    const Plan plan = make_plan(config, world);
    const auto of_cube = [&](Reduction reduction) {
        double bytes = 0;
        for (const MemoryItem& one : memory_plan(plan, world, reduction)) {
            if (one.name.find("of the cube") != std::string::npos) { bytes += static_cast<double>(one.bytes); }
        }
        return bytes;
    };
    const double share = static_cast<double>(plan.field.n_padded() * plan.pixels.size() * 4) / world.size();
    for (const Reduction reduction : {Reduction::reduce_scatter, Reduction::exchange}) {
        EXPECT_GE(of_cube(reduction), share);
        EXPECT_LE(of_cube(reduction), 1.45 * share + 3 * 8.4e6)
            << word(reduction); // three eighths, or three times 8 MiB
    }
    if (world.size() > 1) {
        EXPECT_GE(of_cube(Reduction::weights), share);
        EXPECT_LE(of_cube(Reduction::weights), 1.13 * share + 16.8e6); // one piece of a block
    }
}

} // namespace
} // namespace tessera
