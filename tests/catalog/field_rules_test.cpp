// Which catalogues of all stars in the field are begun and gone on with, and what is forecast of them.
#include "tests/catalog/sky.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

TEST(CatalogueFields, GoOnWithTheSameStarsAlone) {
    const test::Sky sky("resume", 700);
    const auto config = sky.config({"catalog.limit=2"});
    const auto refuse = [&](const std::vector<std::string>& more, const std::vector<std::string>& words) {
        std::vector<std::string> all{"catalog.limit=2"};
        all.insert(all.end(), more.begin(), more.end());
        test::expect_error(test::error_of([&] { sky.run(sky.config(all), {.resume = true}); }), Kind::config, words);
    };
    refuse({"simulation.depth=1100"}, {"simulation.depth", "periodic box"});
    EXPECT_FALSE(read_manifest((sky.folder / "mocks").string())) << "nothing was begun";
    refuse({"catalog.stars=subhalo"}, {"simulation.depth", "catalog.stars: field"});
    EXPECT_EQ(sky.run(config).n_made, 2);
    refuse({"catalog.stars=subhalo", "simulation.depth=null"}, {"catalog.stars (now subhalo, then field)"});
    refuse({"simulation.depth=100"}, {"simulation.depth (now 100.0, then 200.0)"});
    const auto moved = sky.config({"catalog.limit=2", "simulation.index=" + sky.folder.string()});
    EXPECT_EQ(sky.run(moved, {.resume = true}).n_made, 0) << "where the index is kept may change";
}

TEST(CatalogueFields, FailWhereTheyReachIntoAChunkThatCannotBeRead) {
    const test::Sky sky("chunk", 8000, 6);
    const std::string index = "simulation.index=" + sky.folder.string();
    const auto before = sky.config({index}),
               after = sky.config({index, "catalog.output=" + (sky.folder / "after").string()});
    EXPECT_EQ(sky.run(before).n_failed, 0);
    const fs::path bad = sky.folder / "box/snapdir_099/snap_099.2.hdf5";
    test::on_root([&] { fs::resize_file(bad, fs::file_size(bad) / 2); });
    test::world().barrier();
    const CatalogSummary summary = sky.run(after);
    std::int64_t n_concerned = 0;
    for (const CatalogEntry& entry : select_galaxies(before).entries) {
        const auto files = io::Hdf5File::open(cube_path(before, entry)).group("provenance").find_text("input_files");
        const bool concerned = files.value().find(bad.string()) != std::string::npos;
        n_concerned += concerned ? 1 : 0;
        EXPECT_EQ(fs::exists(cube_path(after, entry)), !concerned) << entry.id;
        if (!concerned) { EXPECT_EQ(test::difference(cube_path(before, entry), cube_path(after, entry)), 0); }
    }
    EXPECT_EQ(summary.n_failed, n_concerned);
    EXPECT_GT(n_concerned, 0);
    EXPECT_GT(summary.n_made, 0);
    for (const auto& [cube, message] : summary.failures) {
        EXPECT_NE(message.find(bad.string()), std::string::npos) << message;
    }
    // Without an index any field might reach into it.
    const auto anew = sky.config({"catalog.output=" + (sky.folder / "anew").string()});
    test::expect_error(test::error_of([&] { sky.run(anew); }), Kind::data,
                       {bad.string(), "To make the index of the stars all chunks are needed"});
}

TEST(CatalogueFields, AreForecastByTheIndexWhereThereIsOne) {
    const test::Sky sky("forecast", 700);
    const auto config = sky.config();
    const CatalogForecast before = forecast_catalog(config, test::world());
    EXPECT_FALSE(fs::exists(sky.index())) << "a forecast writes nothing";
    const auto says = [](const CatalogForecast& forecast, const char* what) {
        return std::any_of(forecast.largest.lines.begin(), forecast.largest.lines.end(),
                           [&](const std::string& line) { return line.find(what) != std::string::npos; });
    };
    EXPECT_TRUE(says(before, "no index"));
    sky.run(config);
    EXPECT_TRUE(fs::exists(sky.index()));
    const CatalogForecast after = forecast_catalog(config, test::world());
    EXPECT_FALSE(says(after, "no index"));
    EXPECT_GT(after.n_stars, before.n_stars);
    EXPECT_GT(after.seconds, before.seconds);
    std::int64_t n_star = 0;
    const auto manifest = read_manifest((sky.folder / "mocks").string());
    ASSERT_TRUE(manifest);
    for (const EntryRecord& record : manifest->records) { n_star += record.facts.n_star; }
    EXPECT_NEAR(static_cast<double>(after.n_stars), static_cast<double>(n_star), 0.3 * static_cast<double>(n_star));
}

} // namespace
} // namespace tessera
