// Medians, efficiencies and the words about them, from runs whose every second is known.
#include "scaling/statistics.hpp"

#include <nlohmann/json.hpp>

#include "tessera/scaling/report.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

/// Stages of one run: what each rank took, and how much of it in collectives.
struct Made {
    std::string stage;
    std::vector<double> seconds, waiting;
};

ScalingRun run_of(Reduction reduction, int repeat, const std::vector<Made>& stages) {
    ScalingRun run;
    run.reduction = reduction;
    run.repeat = repeat;
    run.n_rank = static_cast<int>(stages.front().seconds.size());
    std::vector<StageShare> whole(stages.front().seconds.size());
    for (const Made& made : stages) {
        run.stages.push_back(made.stage);
        run.shares.emplace_back();
        for (std::size_t r = 0; r < made.seconds.size(); ++r) {
            run.shares.back().push_back({made.seconds[r], made.waiting[r], {{"all_reduce", 100 * (repeat + 1)}}});
            whole[r].seconds += made.seconds[r];
            whole[r].waiting += made.waiting[r];
        }
    }
    run.stages.emplace_back("total");
    run.shares.push_back(whole);
    for (const StageShare& share : whole) { run.seconds = std::max(run.seconds, share.seconds); }
    return run;
}

/// 1 rank: 4 s of synthesis, 1 s of writing; 2 ranks: 2 s (one rank 1.6 s and 0.4 s of waiting), writing 1.5 s.
ScalingStudy study_of(ScalingKind kind) {
    ScalingStudy study;
    study.request = {.kind = kind, .ranks = {1, 2}, .n_repeat = 3};
    study.place.n_node = {1, 1};
    study.place.n_core = 2;
    study.place.galaxy = "made up";
    study.sizes.resize(2);
    for (int repeat = 0; repeat < 3; ++repeat) {
        const double slower = 0.1 * repeat;
        study.runs.push_back(
            run_of(Reduction::allreduce, repeat, {{"synthesis", {4 + slower}, {0}}, {"write", {1}, {0}}}));
        study.runs.push_back(
            run_of(Reduction::allreduce, repeat,
                   {{"synthesis", {2 + slower, 2 + slower}, {0, 0.4 + slower}}, {"write", {1.5, 1.5}, {1.2, 1.2}}}));
    }
    return study;
}

TEST(Summary, WorkIsThatOfAllRanksAndItsBalance) {
    ScalingStudy study = study_of(ScalingKind::strong);
    for (ScalingRun& run : study.runs) {
        for (std::size_t rank = 0; rank < run.shares[0].size(); ++rank) {
            run.shares[0][rank].work = 100.0 * static_cast<double>(rank + 1);
            run.shares[0][rank].unit = "stars";
        }
    }
    const std::vector<PointSummary> points = summarise(study);
    const StageSummary& stage = *points[1].find("synthesis");
    EXPECT_EQ(stage.work, 300);
    EXPECT_EQ(stage.work_unit, "stars");
    EXPECT_DOUBLE_EQ(stage.work_imbalance, 200 / 150.0);
    EXPECT_EQ(points[1].find("write")->work_unit, "");
    EXPECT_NE(study_csv(study).find(",300,stars,1.3333,\n"), std::string::npos);
    EXPECT_NE(study_text(study).find("300 stars"), std::string::npos);
}

TEST(Summary, WhatTheMachineAllowsComesFromRunsSideBySide) {
    ScalingStudy study = study_of(ScalingKind::strong);
    EXPECT_FALSE(summarise(study)[1].allowed);
    EXPECT_EQ(study_text(study).find("side by side"), std::string::npos);
    for (int repeat = 0; repeat < 3; ++repeat) { // medians 2 and 2.5 s
        study.side_by_side.push_back({.n_rank = 2,
                                      .n_beside = 2,
                                      .repeat = repeat,
                                      .alone = {2 + 0.5 * (repeat - 1), 7},
                                      .at_once = {2.5 + 2.0 * (repeat - 1), 7}});
    }
    const std::vector<PointSummary> points = summarise(study);
    EXPECT_FALSE(points[0].allowed) << "one rank is its own measure";
    ASSERT_TRUE(points[1].allowed);
    EXPECT_DOUBLE_EQ(*points[1].allowed, 0.8);
    const std::string percent = std::to_string(std::lround(100 * points[1].efficiency / 0.8));
    EXPECT_NE(study_text(study).find("reach 0.80: the program has " + percent + " % of what"), std::string::npos)
        << study_text(study);
    EXPECT_NE(study_csv(study).find(",0.8000\n"), std::string::npos);
    const auto json = nlohmann::json::parse(study_json(study, {}));
    EXPECT_DOUBLE_EQ(json["points"][1]["allowed"].get<double>(), 0.8);
    EXPECT_TRUE(json["points"][0]["allowed"].is_null());
    EXPECT_EQ(json["side_by_side"].size(), 3U);

    study.request.ranks = {2, 4}; // against two ranks, which share as well
    for (ScalingRun& run : study.runs) { run.n_rank *= 2; }
    for (int i = 0; i < 3; ++i) {
        SideBySide pair = study.side_by_side[static_cast<std::size_t>(i)];
        pair.n_rank = 4;
        pair.at_once.seconds *= 2;
        study.side_by_side.push_back(pair);
    }
    EXPECT_DOUBLE_EQ(summarise(study)[1].allowed.value(), 0.5);
}

TEST(Spread, MedianIsTheMiddleOrTheMeanOfTheTwoInTheMiddle) {
    const Spread odd = spread_of({3, 1, 100});
    EXPECT_EQ(odd.median, 3);
    EXPECT_EQ(odd.min, 1);
    EXPECT_EQ(odd.max, 100);
    EXPECT_EQ(spread_of({4, 1, 2, 100}).median, 3);
    EXPECT_EQ(spread_of({7}).median, 7);
}

TEST(Efficiency, IsThePapersDefinition) {
    const auto strong = summarise(study_of(ScalingKind::strong));
    ASSERT_EQ(strong.size(), 2U);
    EXPECT_DOUBLE_EQ(strong[0].seconds.median, 5.1);
    EXPECT_DOUBLE_EQ(strong[0].efficiency, 1);
    EXPECT_DOUBLE_EQ(strong[1].seconds.median, 3.6);
    EXPECT_DOUBLE_EQ(strong[1].speedup, 5.1 / 3.6);
    EXPECT_DOUBLE_EQ(strong[1].efficiency, 5.1 / (2 * 3.6));
    const auto weak = summarise(study_of(ScalingKind::weak));
    EXPECT_DOUBLE_EQ(weak[1].efficiency, 5.1 / 3.6);
    EXPECT_DOUBLE_EQ(weak[1].speedup, 2 * 5.1 / 3.6);
}

TEST(Efficiency, OfAllReductionsHasOneBaseline) {
    ScalingStudy study = study_of(ScalingKind::strong);
    const std::vector<ScalingRun> runs = study.runs;
    for (ScalingRun run : runs) { // as fast, but for one rank, where noise made it slower
        run.reduction = Reduction::exchange;
        if (run.n_rank == 1) { run.seconds += 1; }
        study.runs.push_back(run);
    }
    const auto points = summarise(study);
    ASSERT_EQ(points.size(), 4U);
    EXPECT_EQ(points[0].seconds.median, points[2].seconds.median);
    EXPECT_EQ(points[1].efficiency, points[3].efficiency);
    EXPECT_EQ(points[2].reduction, Reduction::exchange);
    EXPECT_EQ(points[2].efficiency, 1);
}

TEST(Stages, ImbalanceIsThatOfWorkAndWaitingIsApart) {
    const auto points = summarise(study_of(ScalingKind::strong));
    const StageSummary* synthesis = points[1].find("synthesis");
    ASSERT_NE(synthesis, nullptr);
    EXPECT_DOUBLE_EQ(synthesis->seconds.median, 2.1);
    EXPECT_DOUBLE_EQ(synthesis->mean, 2.1);
    EXPECT_DOUBLE_EQ(synthesis->waiting_mean, 0.25); // of 0 and 0.5
    EXPECT_DOUBLE_EQ(synthesis->waiting_max, 0.5);
    EXPECT_DOUBLE_EQ(synthesis->imbalance, 2.1 / (0.5 * (2.1 + 1.6)));
    EXPECT_EQ(synthesis->bytes_max.at("all_reduce"), 300) << "of the last run";
    EXPECT_EQ(points[1].find("psf"), nullptr);
}

TEST(Verdict, NamesTheStageWhoseCostGrewMost) {
    const ScalingStudy study = study_of(ScalingKind::strong);
    const std::string text = verdict(study, summarise(study));
    for (const char* part : {"On 2 ranks allreduce", "3.6 s", "0.71", "'write'", "from 1 to 3", "80 % of its time"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
    }
}

TEST(Verdict, SaysWhereThereAreMoreThreadsThanCores) {
    ScalingStudy study = study_of(ScalingKind::strong);
    EXPECT_EQ(verdict(study, summarise(study)).find("more threads"), std::string::npos);
    study.place.n_core = 1;
    EXPECT_NE(verdict(study, summarise(study)).find("more threads (2) than cores (1)"), std::string::npos);
}

TEST(Verdict, OfOneNumberOfRanksJudgesNothing) {
    ScalingStudy study = study_of(ScalingKind::strong);
    study.request.ranks = {1};
    std::erase_if(study.runs, [](const ScalingRun& run) { return run.n_rank != 1; });
    EXPECT_NE(verdict(study, summarise(study)).find("no scaling to judge"), std::string::npos);
}

TEST(Reports, JsonHoldsEveryRunAndCsvALineAStage) {
    const ScalingStudy study = study_of(ScalingKind::weak);
    const auto json = nlohmann::json::parse(study_json(study, ScalingConfig{}));
    EXPECT_EQ(json["kind"], "weak");
    ASSERT_EQ(json["runs"].size(), 6U);
    EXPECT_EQ(json["runs"][1]["stages"]["synthesis"]["seconds"].size(), 2U);
    EXPECT_EQ(json["runs"][1]["stages"]["write"]["waiting"][1], 1.2);
    EXPECT_EQ(json["runs"][1]["stages"]["write"]["bytes"][0]["all_reduce"], 100);
    EXPECT_DOUBLE_EQ(json["points"][1]["efficiency"].get<double>(), 5.1 / 3.6);
    EXPECT_FALSE(json["limiting_stage"].get<std::string>().empty());

    const std::string csv = study_csv(study);
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 2 * 3);
    const std::string header = csv.substr(0, csv.find('\n'));
    std::size_t at = 0;
    while (at < csv.size()) { // as many fields in every line
        const std::size_t end = csv.find('\n', at);
        EXPECT_EQ(std::count(csv.begin() + static_cast<std::ptrdiff_t>(at),
                             csv.begin() + static_cast<std::ptrdiff_t>(end), ','),
                  std::count(header.begin(), header.end(), ','));
        at = end + 1;
    }
}

TEST(Ranks, AreReadInAnyOrderAndRefusedByName) {
    EXPECT_EQ(parse_ranks("4,1,2,1", 4), (std::vector<int>{1, 2, 4}));
    for (const char* bad : {"", "1,", "0", "-1", "1,x", "1.5", "1 2"}) {
        const auto error = test::error_of([&] { parse_ranks(bad, 4); });
        ASSERT_TRUE(error) << bad;
        EXPECT_EQ(error->kind(), Kind::config);
    }
    const auto error = test::error_of([] { parse_ranks("1,8", 4); });
    ASSERT_TRUE(error);
    EXPECT_NE(std::string(error->what()).find("8 of 4 ranks"), std::string::npos) << error->what();
}

} // namespace
} // namespace tessera
