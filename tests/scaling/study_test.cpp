// A whole study of a tiny galaxy, on some of the ranks while the others sleep.
#include "tessera/scaling/study.hpp"

#include <cstdlib>
#include <set>

#include "scaling/side_by_side.hpp"
#include "tests/pipeline/tiny_galaxy.hpp"

namespace tessera {
namespace {

ScalingConfig tiny_config(const test::TinyScene& scene, const std::vector<std::string>& more = {}) {
    ScalingConfig config;
    config.cube = read_config("", scene.settings(more));
    config.cube.simulation = {};
    config.scaling.stars = 500;
    config.scaling.reductions = all_reductions();
    config.scaling.side_by_side = false;
    return config;
}

ScalingRequest request_of(const test::TinyScene& scene, ScalingKind kind) {
    std::set<int> ranks{1, 2, test::world().size()};
    return {.kind = kind,
            .ranks = {ranks.begin(), ranks.end()},
            .n_repeat = 2,
            .scratch = (scene.folder / "scratch").string()};
}

const std::vector<StageShare>& stage(const ScalingRun& run, const std::string& name) {
    for (std::size_t i = 0; i < run.stages.size(); ++i) {
        if (run.stages[i] == name) { return run.shares[i]; }
    }
    static const std::vector<StageShare> none;
    return none;
}

TEST(Study, MeasuresEveryReductionOnEveryNumberOfRanks) {
    const test::TinyScene scene("study");
    const ScalingRequest request = request_of(scene, ScalingKind::strong);
    const ScalingStudy study = run_scaling_study(tiny_config(scene), request, test::world());
    test::world().barrier();
    EXPECT_FALSE(std::filesystem::exists(request.scratch)) << "nothing is left";
    if (!test::world().is_root()) { return; }
    ASSERT_EQ(study.runs.size(), request.ranks.size() * 4 * 2) << "reductions, repeats";
    std::set<std::tuple<int, Reduction, int>> seen;
    double one = 0; // multiply-adds of one rank
    for (const ScalingRun& run : study.runs) {
        EXPECT_TRUE(seen.emplace(run.n_rank, run.reduction, run.repeat).second);
        EXPECT_EQ(run.summary.n_star, 500);
        EXPECT_NEAR(run.summary.total_flux, study.runs.front().summary.total_flux,
                    1e-5 * study.runs.front().summary.total_flux);
        ASSERT_EQ(stage(run, "synthesis").size(), static_cast<std::size_t>(run.n_rank));
        double sum = 0;
        for (std::size_t i = 0; i < run.stages.size(); ++i) {
            if (run.stages[i] != "total" && run.stages[i].find('/') == std::string::npos) {
                sum += run.shares[i][0].seconds;
            }
        }
        EXPECT_NEAR(sum, stage(run, "total")[0].seconds, 1e-9) << "the stages are the whole";
        EXPECT_LE(stage(run, "total")[0].waiting, stage(run, "total")[0].seconds);
        double stars = 0, products = 0, voxels = 0;
        for (std::size_t rank = 0; rank < static_cast<std::size_t>(run.n_rank); ++rank) {
            stars += stage(run, "orient")[rank].work;
            products += stage(run, "synthesis/sum")[rank].work;
            voxels += stage(run, "write")[rank].work;
            EXPECT_EQ(stage(run, "orient")[rank].unit, "stars");
            EXPECT_EQ(stage(run, "write")[rank].unit, "voxels");
        }
        EXPECT_EQ(stars, 500);
        EXPECT_EQ(voxels, static_cast<double>(study.sizes[0].n_spaxel_field * study.sizes[0].n_pixel_band));
        EXPECT_GT(products, 0);
        if (run.n_rank == 1) { one = products; }
        // Shared spaxels make their row weights on every rank; owned ones once, in groups that come out a little otherwise.
        if (run.reduction == Reduction::exchange) { EXPECT_LT(products, 1.5 * one); }
        if (run.reduction == Reduction::weights) { EXPECT_NEAR(products, one, 1e-3 * one) << "divided, not repeated"; }
        if (run.n_rank > 1 && run.reduction != Reduction::exchange && run.reduction != Reduction::weights) {
            EXPECT_GE(products, one);
        }
        EXPECT_EQ(stage(run, "reduce")[0].bytes.contains("all_reduce"),
                  run.n_rank > 1 && run.reduction == Reduction::allreduce);
        EXPECT_EQ(stage(run, "synthesis")[0].bytes.contains("reduce_scatter"), // blocks travel while others are made
                  run.n_rank > 1 && run.reduction == Reduction::reduce_scatter);
        EXPECT_EQ(stage(run, "spaxels")[0].bytes.contains("all_to_all"),
                  run.n_rank > 1 && run.reduction == Reduction::exchange);
    }
    EXPECT_EQ(study.sizes.size(), request.ranks.size());
    EXPECT_EQ(study.place.n_node, std::vector<int>(request.ranks.size(), 1));
}

TEST(Study, RunsSideBySideAreOfOneRanksShare) {
    const test::TinyScene scene("beside");
    for (const ScalingKind kind : {ScalingKind::strong, ScalingKind::weak}) {
        ScalingConfig config = tiny_config(scene);
        config.scaling.reductions = {Reduction::allreduce};
        const ScalingRequest request = request_of(scene, kind);
        config.scaling.side_by_side = false;
        EXPECT_TRUE(run_scaling_study(config, request, test::world()).side_by_side.empty()) << "not asked for";
        config.scaling.side_by_side = true;
        const ScalingStudy study = run_scaling_study(config, request, test::world());
        if (!test::world().is_root()) { continue; }
        const std::size_t n_several = request.ranks.size() - 1; // one rank has none beside it
        ASSERT_EQ(study.side_by_side.size(), n_several * static_cast<std::size_t>(request.n_repeat));
        std::set<std::pair<int, int>> seen;
        for (const SideBySide& pair : study.side_by_side) {
            EXPECT_TRUE(seen.emplace(pair.n_rank, pair.repeat).second);
            EXPECT_EQ(pair.n_beside, pair.n_rank) << "one node";
            EXPECT_EQ(pair.alone.n_star, kind == ScalingKind::strong ? 500 / pair.n_rank : 500);
            EXPECT_EQ(pair.at_once.n_star, pair.alone.n_star);
            EXPECT_GT(pair.alone.seconds, 0);
            EXPECT_GT(pair.at_once.seconds, 0);
        }
    }
}

TEST(Study, WeakHasAsManyStarsARank) {
    const test::TinyScene scene("weak");
    const ScalingStudy study =
        run_scaling_study(tiny_config(scene), request_of(scene, ScalingKind::weak), test::world());
    for (const ScalingRun& run : study.runs) { EXPECT_EQ(run.summary.n_star, 500 * run.n_rank); }
    EXPECT_EQ(study.runs.empty(), !test::world().is_root());
}

TEST(Study, OfANamedGalaxyIsStrongOnly) {
    const test::TinyScene scene("named", test::random_stars(40, 2));
    ScalingConfig config = tiny_config(scene);
    config.cube.simulation.path = scene.stars_file;
    config.scaling.side_by_side = true;
    const ScalingStudy study = run_scaling_study(config, request_of(scene, ScalingKind::strong), test::world());
    for (const ScalingRun& run : study.runs) { EXPECT_EQ(run.summary.n_star, 40); }
    for (const SideBySide& pair : study.side_by_side) {
        EXPECT_EQ(pair.at_once.n_star, 40) << "whole: it has no parts";
    }
    const auto error =
        test::error_of([&] { run_scaling_study(config, request_of(scene, ScalingKind::weak), test::world()); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::config);
    EXPECT_TRUE(std::filesystem::exists(scene.stars_file)) << "the user's galaxy stays";
}

TEST(Study, RunsSideBySideAreLeftOutWhereMemoryIsShort) {
    auto& world = test::world();
    const test::TinyScene scene("no-room", test::random_stars(40, 2));
    const Config config = read_config("", scene.settings({"parallel.device=cpu"}));
    const SideBySideRuns beside(world.size(), world.rank(), world);
    const auto alone = world.split(world.rank(), 0);
    const std::int64_t enough = peak_memory(forecast_cube(config, *alone).memory) * world.size();
    setenv("TESSERA_MEMORY_LIMIT", std::to_string(enough).c_str(), 1);
    EXPECT_TRUE(beside.fit(config));
    setenv("TESSERA_MEMORY_LIMIT", std::to_string(enough - 1).c_str(), 1);
    EXPECT_FALSE(beside.fit(config));
    unsetenv("TESSERA_MEMORY_LIMIT");
}

TEST(Study, AFailureOfThoseThatWorkReachesThoseThatSleep) {
    const test::TinyScene scene("failing");
    ScalingConfig config = tiny_config(scene);
    config.cube.ssp.path = (scene.folder / "none.h5").string();
    const ScalingRequest request = request_of(scene, ScalingKind::strong);
    const auto error = test::error_of([&] { run_scaling_study(config, request, test::world()); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::data);
    EXPECT_NE(std::string(error->what()).find("none.h5"), std::string::npos) << error->what();
    test::world().barrier();
    EXPECT_FALSE(std::filesystem::exists(request.scratch));
}

} // namespace
} // namespace tessera
