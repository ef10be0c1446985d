// `tessera scaling` as a person uses it.
#include <nlohmann/json.hpp>

#include "tests/app/place.hpp"

namespace tessera {
namespace {

using test::contains;
using test::expect_failure;
using test::expect_success;
using test::Place;
using test::run_tessera;

const char* const tiny_study = "scaling: {stars: 300, reductions: [reduce-scatter, allreduce]}\n"
                               "galaxy: {redshift: 0.05}\n"
                               "ssp: {path: library.h5}\n"
                               "telescope: {field_of_view: 5, spaxel_size: 1, wavelength_range: [5000, 5125]}\n";

std::string slurp(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Scaling, WritesTableFigureAndNumbers) {
    const Place place("scaling");
    place.write("scaling.yaml", tiny_study);
    const auto machine = (test::source_dir() / "configs/machines/laptop.yaml").string();
    const auto run = run_tessera(
        {"scaling", "strong", "scaling.yaml", "--ranks", "1,3", "--repeats", "2", "--machine", machine, "-o", "study"},
        3, place.folder);
    expect_success(run);
    for (const char* part : {"strong scaling of synthetic", "reduce-scatter", "allreduce", "synthesis", "efficiency",
                             "On 3 ranks", "The model of laptop"}) {
        EXPECT_TRUE(contains(run.out, part)) << part << " in " << run.out;
    }
    EXPECT_EQ(test::count(run.out, "median s"), 1U) << "one rank prints";
    const auto json = nlohmann::json::parse(slurp(place.folder / "study.json"));
    EXPECT_EQ(json["runs"].size(), 2U * 2U * 2U);
    EXPECT_EQ(json["ranks"], nlohmann::json({1, 3}));
    EXPECT_TRUE(contains(json["version"].get<std::string>(), "tessera "));
    EXPECT_TRUE(contains(run.out, json["limiting_stage"].get<std::string>()));
    EXPECT_TRUE(contains(slurp(place.folder / "study.csv"), "strong,allreduce,3,1,"));
    EXPECT_EQ(slurp(place.folder / "study.png").substr(1, 3), "PNG");
    EXPECT_TRUE(contains(slurp(place.folder / "study.svg"), "<svg"));
    for (const auto& entry : std::filesystem::directory_iterator(place.folder)) {
        EXPECT_FALSE(contains(entry.path().string(), "scratch")) << entry.path();
        EXPECT_FALSE(contains(entry.path().string(), "partial")) << entry.path();
    }
}

TEST(Scaling, RunsAloneToo) {
    const Place place("scaling-alone");
    place.write("scaling.yaml", tiny_study);
    const auto run =
        run_tessera({"scaling", "weak", "scaling.yaml", "--repeats", "1", "-o", "w.json", "-q"}, 0, place.folder);
    expect_success(run);
    EXPECT_EQ(run.err, "");
    EXPECT_TRUE(std::filesystem::exists(place.folder / "w.csv")) << "an ending of ours is not part of the name";
}

TEST(Scaling, RefusesBeforeAnyWork) {
    const Place place("scaling-errors");
    place.write("scaling.yaml", tiny_study);
    const auto refused = [&](std::vector<std::string> more, int code, const std::vector<std::string>& words) {
        std::vector<std::string> all{"scaling", "strong", "scaling.yaml"};
        all.insert(all.end(), more.begin(), more.end());
        expect_failure(run_tessera(all, 2, place.folder), code, words);
    };
    refused({"--ranks", "1,4"}, 2, {"--ranks", "4 of 2 ranks"});
    refused({"--repeats", "0"}, 2, {"--repeats", "0"});
    refused({"--set", "scaling.stars=0"}, 2, {"scaling.stars"});
    refused({"--set", "scaling.reductions=[]"}, 2, {"scaling.reductions"});
    refused({"--set", "scaling.reductions=[gather]"}, 2, {"scaling.reductions", "allreduce"});
    refused({"-o", "nowhere/study"}, 4, {"nowhere"});
    expect_failure(run_tessera({"scaling", "weak", place.config}, 2, place.folder), 2, {"simulation.path", "weak"});
    expect_failure(run_tessera({"scaling", "strength", "scaling.yaml"}), 2, {"'strong'"});
    expect_failure(run_tessera({"scaling", "strong"}), 2, {"no configuration file"});
    EXPECT_FALSE(std::filesystem::exists(place.folder / "study.json"));
}

TEST(Scaling, ModelPredictsWithoutAnyGalaxy) {
    const Place place("scaling-model");
    place.write("scaling.yaml", tiny_study);
    const auto machine = (test::source_dir() / "configs/machines/gpu_cluster.yaml").string();
    const auto run = run_tessera({"scaling", "model", "scaling.yaml", "--machine", machine, "--ranks", "1,4,4096",
                                  "--set", "scaling.stars=1000000000", "-o", "model"},
                                 0, place.folder);
    expect_success(run);
    for (const char* part : {"Prediction, not a measurement", "| 4096 | 1e+09 |", "Weak"}) {
        EXPECT_TRUE(contains(run.out, part)) << part << " in " << run.out;
    }
    const auto json = nlohmann::json::parse(slurp(place.folder / "model.json"));
    EXPECT_EQ(json["strong"].size(), 3U * 2U);
    EXPECT_EQ(json["machine"]["node.ranks"], 4);
    EXPECT_TRUE(std::filesystem::exists(place.folder / "model.svg"));
    place.write("machine.yaml", "rank: {product_speed: 1}\n");
    expect_failure(run_tessera({"scaling", "model", "scaling.yaml", "--machine", "machine.yaml"}, 0, place.folder), 2,
                   {"machine.yaml", "rank.product_rate"});
}

TEST(Scaling, ItsSectionIsLeftAloneByOtherCommandsAndCheckedByConfig) {
    const Place place("scaling-section");
    const std::string cube = slurp(place.config);
    place.write("both.yaml", cube + "scaling: {stars: 10}\n");
    expect_success(run_tessera({"cube", "both.yaml"}, 0, place.folder));
    expect_success(run_tessera({"config", "check", "both.yaml"}, 0, place.folder));
    const auto shown = run_tessera({"config", "show", "both.yaml"}, 0, place.folder);
    EXPECT_TRUE(contains(shown.out, "stars: 10")) << shown.out;
    place.write("wrong.yaml", cube + "scaling: {star: 10}\n");
    expect_failure(run_tessera({"config", "check", "wrong.yaml"}, 0, place.folder), 2,
                   {"scaling.star", "scaling.stars"});
    place.write("typo.yaml", cube + "scalin: {stars: 10}\n");
    expect_failure(run_tessera({"cube", "typo.yaml"}, 0, place.folder), 2, {"scalin"});
    expect_failure(run_tessera({"cube", "both.yaml", "--set", "scaling.stars=3"}, 0, place.folder), 2,
                   {"scaling.stars"});
}

} // namespace
} // namespace tessera
