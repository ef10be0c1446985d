// The program as a person uses it: help, version, what is printed where, paths, precedence of settings.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/app/place.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::expect_success;
using test::Place;
using test::run_tessera;

std::string slurp(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

TEST(Help, EveryCommandShowsUsageAndAnExample) {
    const std::vector<std::vector<std::string>> commands{{},
                                                         {"cube"},
                                                         {"scaling"},
                                                         {"scaling", "strong"},
                                                         {"scaling", "weak"},
                                                         {"scaling", "model"},
                                                         {"config"},
                                                         {"config", "check"},
                                                         {"config", "show"},
                                                         {"config", "describe"},
                                                         {"ssp"},
                                                         {"ssp", "info"},
                                                         {"ssp", "convert"},
                                                         {"ssp", "demo"},
                                                         {"snapshot"},
                                                         {"snapshot", "info"},
                                                         {"snapshot", "make"}};
    for (auto words : commands) {
        words.emplace_back("--help");
        const auto help = run_tessera(words);
        SCOPED_TRACE(testing::PrintToString(words));
        expect_success(help);
        EXPECT_EQ(help.err, "");
        for (const char* part : {"Usage:", "tessera", "Example:\n"}) {
            EXPECT_TRUE(contains(help.out, part)) << part << " in " << help.out;
        }
    }
}

TEST(Help, ListsEveryCommandAndExitCode) {
    const auto help = run_tessera({"--help"});
    for (const char* part : {"cube", "scaling", "config", "ssp", "snapshot", "--version", "Exit codes"}) {
        EXPECT_TRUE(contains(help.out, part)) << part;
    }
    EXPECT_EQ(run_tessera({"help"}).out, help.out);
    EXPECT_EQ(run_tessera({"-h"}).out, help.out);
}

TEST(Version, NamesLibrariesMpiAndGpu) {
    const auto version = run_tessera({"--version"});
    expect_success(version);
    EXPECT_EQ(version.out.rfind("tessera ", 0), 0U) << version.out;
    for (const char* part : {"MPI ", "HDF5 1.", "CUDA ", "GPU "}) {
        EXPECT_TRUE(contains(version.out, part)) << part << " in " << version.out;
    }
    const auto on_three = run_tessera({"--version"}, 3);
    expect_success(on_three);
    EXPECT_EQ(on_three.out, version.out) << "one rank prints";
}

TEST(Cube, WritesTheCubeAndSaysSo) {
    const Place place("plain-run");
    const auto run = place.cube();
    expect_success(run);
    EXPECT_EQ(run.out, "") << "standard output is for what was asked";
    EXPECT_TRUE(contains(run.err, "30 stars read, 30 in the field")) << run.err;
    EXPECT_TRUE(contains(run.err, "wrote ")) << run.err;
    EXPECT_TRUE(contains(run.err, "synthesis 100 %, 30 of this rank's 30 stars")) << run.err;
    EXPECT_FALSE(contains(run.err, "\r")) << "no line that redraws itself without a terminal";
    EXPECT_EQ(place.cubes(), std::vector<std::string>{"cube.h5"});
    EXPECT_GT(Place::read(place.cube_file).sum(), 0);
}

/// Everything measured in a cube file: data sets of the root and the maps.
std::vector<double> numbers_of(const fs::path& path) {
    const auto file = io::Hdf5File::open(path.string());
    std::vector<double> all;
    for (const char* name : {"flux", "variance", "mask", "wavelength"}) {
        const auto values = file.dataset(name).read_all<double>();
        all.insert(all.end(), values.begin(), values.end());
    }
    const auto maps = file.group("maps");
    for (const std::string& name : maps.names()) {
        for (const double value : maps.dataset(name).read_all<double>()) {
            all.push_back(std::isnan(value) ? -12345 : value); // a map without light somewhere: equal to itself
        }
    }
    return all;
}

TEST(Cube, IsTheSameWithoutALauncherAsOnOneRankUnderIt) {
    const Place place("launcher");
    expect_success(place.cube());
    expect_success(place.cube({"-o", "launched-cube.h5"}, 1));
    EXPECT_EQ(numbers_of(place.folder / "cube.h5"), numbers_of(place.folder / "launched-cube.h5"));
    // MPI without a launcher, and each process by itself under one.
    ::setenv("TESSERA_MPI", "on", 1);
    const auto with_mpi = place.cube({"-o", "mpi-cube.h5"});
    ::setenv("TESSERA_MPI", "off", 1);
    const auto without = run_tessera({"--version"}, 2);
    ::setenv("TESSERA_MPI", "perhaps", 1);
    const auto refused = place.cube();
    ::unsetenv("TESSERA_MPI");
    expect_success(with_mpi);
    EXPECT_EQ(numbers_of(place.folder / "cube.h5"), numbers_of(place.folder / "mpi-cube.h5"));
    EXPECT_EQ(test::count(without.out, "revision"), 2U) << "two programs, each the first of its ranks: " << without.out;
    test::expect_failure(refused, 2, {"TESSERA_MPI", "'perhaps'", "auto, on or off"});
}

TEST(Cube, OnThreeRanksPrintsOnceAndGivesTheSameCube) {
    const Place place("three-ranks");
    expect_success(place.cube());
    const auto alone = Place::read(place.cube_file);
    const auto run = place.cube({"--timings", "-o", "three-cube.h5"}, 3);
    expect_success(run);
    EXPECT_EQ(test::count(run.err, "wrote "), 1U) << run.err;
    EXPECT_EQ(test::count(run.out, "stage "), 1U) << run.out;
    for (const char* stage : {"read", "synthesis", "reduce", "write"}) {
        EXPECT_TRUE(contains(run.out, stage)) << run.out;
    }
    const auto three = Place::read((place.folder / "three-cube.h5").string());
    ASSERT_EQ(three.flux.size(), alone.flux.size());
    const double maximum = *std::max_element(alone.flux.begin(), alone.flux.end());
    for (std::size_t i = 0; i < alone.flux.size(); ++i) { ASSERT_NEAR(three.flux[i], alone.flux[i], 1e-6 * maximum); }
}

TEST(Cube, QuietPrintsNothing) {
    const Place place("quiet");
    for (const char* flag : {"--quiet", "-q"}) {
        const auto run = place.cube({flag});
        expect_success(run);
        EXPECT_EQ(run.out, "");
        EXPECT_EQ(run.err, "");
    }
    EXPECT_TRUE(contains(place.cube({"--verbose"}).err, "centre (")) << "verbose says more";
}

TEST(Cube, DryRunShowsThePlanAndWritesNothing) {
    const Place place("dry-run");
    const auto run = place.cube({"--dry-run", "--set", "output.fits=cube.fits"});
    expect_success(run);
    for (const char* part : {"input ", "30 rows of stars", "SSP ", "5 x 5 spaxels", "100 wavelengths", "method ",
                             "cube.h5", "cube.fits", "read ", "memory ", "slab of the cube"}) {
        EXPECT_TRUE(contains(run.out, part)) << part << " in " << run.out;
    }
    EXPECT_EQ(run.err, "");
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
}

TEST(Cube, OutputOptionPicksPathAndFormat) {
    const Place place("output");
    fs::create_directory(place.folder / "sub");
    expect_success(run_tessera({"cube", "../galaxy.yaml", "-o", "mine.fits", "-q"}, 0, place.folder / "sub"));
    EXPECT_EQ(slurp(place.folder / "sub" / "mine.fits").substr(0, 30), "SIMPLE  =                    T")
        << "-o counts from the current folder";
    for (const char* name : {"one.h5", "two.hdf5"}) {
        expect_success(place.cube({"-q", "--output", name}));
        EXPECT_EQ(slurp(place.folder / name).substr(1, 3), "HDF") << name;
    }
    EXPECT_FALSE(fs::exists(place.folder / "cube.h5"));
}

TEST(Cube, RelativePathsStartAtTheConfiguration) {
    const Place place("my galaxy, first try"); // spaces in the folder's name
    const auto elsewhere = test::scratch("else where");
    expect_success(run_tessera(
        {"cube", place.config, "-q", "--set", "output.fits=cube.fits", "--set", "output.quicklook=look.png"}, 0,
        elsewhere));
    EXPECT_TRUE(fs::exists(place.folder / "cube.h5"));
    EXPECT_TRUE(fs::exists(place.folder / "cube.fits"));
    EXPECT_EQ(slurp(place.folder / "look.png").substr(1, 3), "PNG");
    EXPECT_TRUE(fs::is_empty(elsewhere));
    expect_success(place.cube({"-q"}, 3));
}

TEST(Cube, ReplacesAnOlderCubeAndKeepsItWhenItFails) {
    const Place place("replace");
    place.write("cube.h5", "an older file");
    test::expect_failure(place.set("simulation.path=nowhere.hdf5"), 3, {"nowhere.hdf5"});
    EXPECT_EQ(slurp(place.cube_file), "an older file");
    expect_success(place.cube({"-q"}));
    EXPECT_GT(Place::read(place.cube_file).sum(), 0);
}

TEST(Cube, DoesNotReplaceItsInput) {
    const Place place("own-input");
    const auto before = slurp(place.stars_file);
    test::expect_failure(place.cube({"-o", "stars.hdf5"}), 2, {"stars.hdf5", "an input of this run"});
    test::expect_failure(place.cube({"-o", "./library.h5"}, 3), 2, {"library.h5", "an input of this run"});
    EXPECT_EQ(slurp(place.stars_file), before);
}

/// The value that `config show` prints for `key:` in `section:`.
std::string shown(const std::string& text, const std::string& section, const std::string& key) {
    const std::string head = section + ":\n";
    const auto start = text.find("\n" + head) + 1;
    const auto at = text.find("  " + key + ": ", start);
    const auto value = at + key.size() + 4;
    return text.substr(value, text.find('\n', value) - value);
}

TEST(ConfigCommand, ShowIsAConfigurationThatShowsTheSame) {
    const Place place("show");
    const auto first = run_tessera({"config", "show", place.config, "--set", "view.rotation=[40, 25, 70]", "--set",
                                    "psf.sigma=0.6", "--set", "output.fits=a b.fits"});
    expect_success(first);
    EXPECT_EQ(first.err, "");
    const auto second = run_tessera({"config", "show", place.write("shown.yaml", first.out)});
    expect_success(second);
    EXPECT_EQ(second.out, first.out);
    EXPECT_EQ(shown(first.out, "view", "rotation"), "[40.0, 25.0, 70.0]");
    expect_success(run_tessera({"config", "check", (place.folder / "shown.yaml").string()}));
}

TEST(ConfigCommand, SetWinsOverTheFileAndBothOverThePreset) {
    const Place place("precedence");
    const std::string file =
        place.write("preset.yaml", "ssp: {outside: clamp}\npreset: rubix\ngalaxy: {redshift: 0.05}\n");
    const auto show = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"config", "show", file});
        const auto result = run_tessera(more);
        expect_success(result);
        return result.out;
    };
    const std::string preset = show({});
    EXPECT_EQ(shown(preset, "synthesis", "interpolation"), "cubic") << "the preset's";
    EXPECT_EQ(shown(preset, "ssp", "outside"), "clamp") << "the file wins over the preset, named before it or after";
    const std::string set = show(
        {"--set", "synthesis.interpolation=linear", "--set", "galaxy.redshift=0.1", "--set", "galaxy.redshift=0.2"});
    EXPECT_EQ(shown(set, "synthesis", "interpolation"), "linear");
    EXPECT_EQ(shown(set, "synthesis", "resampling"), "rubix");
    EXPECT_EQ(shown(set, "galaxy", "redshift"), "0.2") << "the last one";
    const std::string none = show({"--set", "preset=none"});
    EXPECT_EQ(shown(none, "synthesis", "interpolation"), "linear");
}

TEST(ConfigCommand, DescribesEveryKeyInThreeFormats) {
    const auto text = run_tessera({"config", "describe"}),
               markdown = run_tessera({"config", "describe", "--format", "markdown"}),
               json = run_tessera({"config", "describe", "--format", "json"});
    Config config;
    const OptionTable table = option_table(config);
    for (const Option& option : table.options()) {
        EXPECT_TRUE(contains(text.out, option.name + "\n")) << option.name;
        EXPECT_TRUE(contains(markdown.out, "| `" + option.name + "` |")) << option.name;
        EXPECT_TRUE(contains(json.out, "\"key\": \"" + option.name + "\"")) << option.name;
    }
    test::expect_failure(run_tessera({"config", "describe", "--format", "xml"}), 2,
                         {"--format", "xml", "text, markdown or json"});
}

TEST(OtherCommands, MakeLookIntoAndConvert) {
    const auto folder = test::scratch("other commands");
    expect_success(run_tessera({"snapshot", "make", "--stars", "200", "--seed", "3", "-o", "disc.hdf5"}, 0, folder));
    const auto info = run_tessera({"snapshot", "info", "disc.hdf5"}, 0, folder);
    expect_success(info);
    EXPECT_TRUE(contains(info.out, "200")) << info.out;
    expect_success(run_tessera({"ssp", "demo", "-o", "demo.h5"}, 0, folder));
    expect_success(run_tessera({"ssp", "convert", "demo.h5", "-o", "again.h5"}, 0, folder));
    const auto library = run_tessera({"ssp", "info", "again.h5"}, 0, folder);
    expect_success(library);
    EXPECT_TRUE(contains(library.out, "Gyr")) << library.out;
    test::expect_failure(run_tessera({"snapshot", "make", "--stars", "many", "-o", "a.hdf5"}, 0, folder), 2,
                         {"--stars", "many", "integer"});
    test::expect_failure(run_tessera({"snapshot", "make", "--stars", "10"}, 0, folder), 2, {"-o OUT"});
    test::expect_failure(run_tessera({"snapshot", "info", "nowhere.hdf5"}, 0, folder), 3, {"nowhere.hdf5"});
    test::expect_failure(run_tessera({"ssp", "info", "disc.hdf5"}, 0, folder), 3, {"disc.hdf5"});
    test::expect_failure(run_tessera({"ssp", "demo", "-o", "nowhere/demo.h5"}, 0, folder), 4, {"nowhere/demo.h5"});
}

} // namespace
} // namespace tessera
