// A cut-out file as a catalogue of one galaxy: the program's own, and real ones of two simulations.
#include <fstream>

#include "tests/catalog/box.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

/// Runs the catalogue of a cut-out, and compares its cubes with those of the cube command.
void expect_a_catalogue_of_one(const fs::path& folder, const std::string& file, const std::string& format) {
    const std::vector<std::string> cube{"simulation.path=" + file,
                                        "ssp.path=" + (folder / "library.h5").string(),
                                        "telescope.name=MaNGA_19",
                                        "telescope.wavelength_range=[5000, 5100]",
                                        "galaxy.centre=shrinking-sphere",
                                        "galaxy.velocity=median",
                                        "galaxy.redshift=0.03",
                                        "view.rotation=random",
                                        "parallel.threads=1"};
    auto settings = cube;
    settings.insert(settings.end(),
                    {"catalog.select=null", "catalog.views=2", "catalog.output=" + (folder / "mocks").string()});
    const CatalogConfig config = read_catalog_config("", settings);
    const CatalogSummary made = run_catalog(config, {}, test::world());
    EXPECT_EQ(made.n_done, 2);
    ASSERT_TRUE(made.failures.empty()) << made.failures[0].second;
    EXPECT_TRUE(verify_catalog((folder / "mocks").string(), test::world()).problems.empty());
    for (const CatalogEntry& entry : select_galaxies(config).entries) {
        EXPECT_EQ(entry.id, 0);
        auto alone = cube;
        alone.insert(alone.end(),
                     {fmt::format("view.seed={}", 1 + entry.view), "output.path=" + (folder / "alone.h5").string()});
        const CubeSummary summary = run_cube(read_config("", alone), test::world());
        EXPECT_EQ(summary.n_star + summary.n_wind_dropped, entry.n_rows);
        EXPECT_LE(test::difference(cube_path(config, entry), (folder / "alone.h5").string()), 1e-6);
        const auto provenance = io::Hdf5File::open(cube_path(config, entry)).group("provenance");
        EXPECT_NE(provenance.find_text("simulation").value_or("").find(format), std::string::npos)
            << provenance.find_text("simulation").value_or("");
        test::world().barrier();
    }
    EXPECT_EQ(run_catalog(config, {.resume = true}, test::world()).n_made, 0);

    settings.back() = "catalog.output=" + (folder / "other").string();
    settings.emplace_back("catalog.select=n_stars > 10");
    const auto error = test::error_of([&] { run_catalog(read_catalog_config("", settings), {}, test::world()); });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), Kind::config);
    EXPECT_NE(std::string(error->what()).find("catalog.select: null"), std::string::npos) << error->what();
}

fs::path place(const std::string& name) {
    const fs::path folder = test::scratch("cutout-" + name);
    test::on_root([&] { ssp::write_library(test::flat_library(), (folder / "library.h5").string()); });
    test::world().barrier();
    return folder;
}

TEST(Cutout, OfTngIsACatalogueOfOne) {
    const auto file = test::shared("data/sim/SimSpin_example_IllustrisTNG.hdf5");
    if (!file) { GTEST_SKIP() << test::absent("data/sim"); }
    expect_a_catalogue_of_one(place("tng"), file->string(), "TNG");
}

TEST(Cutout, OfSwiftIsACatalogueOfOne) {
    const auto file = test::shared("data/sim/SimSpin_example_Colibre.hdf5");
    if (!file) { GTEST_SKIP() << test::absent("data/sim"); }
    expect_a_catalogue_of_one(place("swift"), file->string(), "SWIFT");
}

TEST(Cutout, OfOurOwnIsACatalogueOfOne) {
    const fs::path folder = place("plain");
    SyntheticOptions options;
    options.path = (folder / "stars.hdf5").string();
    options.n_star = 3000;
    make_snapshot(options, test::world());
    expect_a_catalogue_of_one(folder, options.path, "");
}

} // namespace
} // namespace tessera
