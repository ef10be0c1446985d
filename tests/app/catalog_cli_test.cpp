// `tessera catalog` as a person uses it: exit codes, messages, what is left on the disk.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <sys/resource.h>

#include "tessera/core/host_name.hpp"
#include "tests/app/place.hpp"
#include "tests/catalog/box.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::expect_failure;
using test::expect_success;

class CatalogPlace {
public:
    explicit CatalogPlace(const std::string& name) : box(name), config((box.folder / "survey.yaml").string()) {
        std::ofstream(config) << "simulation: {format: tng, path: box, snapshot: 99}\n"
                                 "ssp: {path: library.h5}\n"
                                 "telescope: {field_of_view: 12, spaxel_size: 3, wavelength_range: [5000, 5050]}\n"
                                 "view: {rotation: random}\n"
                                 "parallel: {threads: 1}\n"
                                 "output: {empty: zeros}\n"
                                 "catalog: {select: \"n_stars > 50 and flag == 1\", output: mocks, stars: subhalo}\n";
    }

    test::ProgramResult run(const std::vector<std::string>& more = {}, int n_rank = 0) const {
        std::vector<std::string> words{"catalog", config};
        words.insert(words.end(), more.begin(), more.end());
        return test::run_tessera(words, n_rank, box.folder);
    }
    test::ProgramResult about(const std::string& verb, int n_rank = 0) const {
        return test::run_tessera({"catalog", verb, "mocks"}, n_rank, box.folder);
    }

    test::Box box;
    std::string config;
};

/// No file may grow beyond so many bytes: for writing that is a full disk.
class FullDisk {
public:
    explicit FullDisk(rlim_t bytes) {
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit now{bytes, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &now);
    }
    ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

private:
    rlimit before_{};
};

TEST(CatalogCommand, MakesACatalogueAndSaysSo) {
    const CatalogPlace place("cli");
    const auto dry = place.run({"--dry-run"});
    expect_success(dry);
    for (const char* word : {"select", "of 14 subhaloes", "stars", "time", "memory", "disk"}) {
        EXPECT_TRUE(contains(dry.out, word)) << dry.out;
    }
    EXPECT_FALSE(fs::exists(place.box.folder / "mocks"));
    const auto made = place.run({}, 2);
    expect_success(made);
    EXPECT_TRUE(contains(made.err, "catalogue.hdf5")) << made.err;
    const auto status = place.about("status");
    expect_success(status);
    EXPECT_TRUE(contains(status.out, "(100.0 %)")) << status.out;
    const auto verified = place.about("verify", 2);
    expect_success(verified);
    EXPECT_TRUE(contains(verified.out, "all as recorded")) << verified.out;
    expect_failure(place.run(), 2, {"a catalogue of", "--resume"});
    expect_success(place.run({"--resume"}));
    expect_failure(place.run({"--resume", "--set", "view.seed=4"}, 2), 2, {"view.seed (now 4, then 1)"});
    expect_failure(place.run({"-o", "other", "--set", "catalog.select=mass_star > 1 Msun"}), 2,
                   {"'mass_star'", "Did you mean 'mass_stars'?"});
    expect_failure(test::run_tessera({"catalog", "status", "nowhere"}, 0, place.box.folder), 2, {"manifest.journal"});
    expect_success(test::run_tessera({"config", "check", place.config}));
    expect_failure(test::run_tessera({"config", "check", place.config, "--set", "catalog.select=mass > 3 kpc"}), 2,
                   {"catalog.select", "Msun", "kpc"});
    expect_failure(place.run({"-o", "other", "--set", "catalog.views=2", "--set", "view.rotation=none"}), 2,
                   {"catalog.views"});
    expect_failure(place.run({"-o", "other", "-q", "-v"}), 2, {"tessera catalog", "--quiet and --verbose"});
    for (const char* text : {"soon", "1:30", "1:70:00", "0", "-5", "1::2", ""}) {
        expect_failure(place.run({"-o", "other", fmt::format("--time-limit={}", text)}), 2, {"--time-limit"});
    }
}

TEST(CatalogCommand, EndsWithCodeFiveWhereAGalaxyFailed) {
    const CatalogPlace place("cli-five");
    // Without zeros for them, galaxies whose stars all miss a tiny field fail.
    const std::vector<std::string> settings{
        "--set", "output.empty=error",          "--set", "telescope.field_of_view=0.002",
        "--set", "telescope.spaxel_size=0.001", "--set", "psf.profile=none"};
    const auto result = place.run(settings, 2);
    expect_failure(result, 5, {"mocks", "could not be made", "--retry-failed"});
    EXPECT_TRUE(contains(result.err, "no star of")) << result.err;
    EXPECT_TRUE(contains(place.about("status").out, "by data"));
    auto again = settings;
    again.emplace_back("--resume");
    expect_failure(place.run(again), 5, {"could not be made"});
}

TEST(CatalogCommand, BeginsNoMoreWhenItsTimeIsOver) {
    const CatalogPlace place("cli-time");
    const auto stopped = place.run({"--time-limit", "0:00:00.001"}, 2);
    expect_success(stopped);
    EXPECT_TRUE(contains(stopped.err, "resumable: 0 of ")) << stopped.err;
    EXPECT_TRUE(contains(stopped.err, "go on with --resume")) << stopped.err;
    const auto failed = place.run({"--resume", "--set", "catalog.time_limit=1e-6"});
    expect_failure(failed, 5, {"could not be made"});
    EXPECT_TRUE(contains(failed.err, "at most 1e-06 s in all")) << failed.err;
    const auto made = place.run({"--retry-failed", "--time-limit", "0:10:00"}, 2);
    expect_success(made);
    EXPECT_FALSE(contains(made.err, "resumable")) << made.err;
    expect_success(place.about("verify"));
}

TEST(CatalogCommand, AFullDiskStopsTheRunAndItGoesOnLater) {
    const CatalogPlace place("cli-full");
    {
        const FullDisk full(24000);       // the journals fit, a cube does not
        const auto stopped = place.run(); // one process: mpirun itself would meet the limit
        expect_failure(stopped, 4, {"The run has stopped", "--resume"});
    }
    EXPECT_TRUE(contains(place.about("status").out, "done        0 "));
    for (const auto& entry : fs::directory_iterator(place.box.folder / "mocks/cubes")) {
        ADD_FAILURE() << "left over: " << entry.path();
    }
    expect_success(place.run({"--resume"}, 2));
    expect_success(place.about("verify"));
}

TEST(CatalogCommand, ASecondRunOnTheFolderIsRefused) {
    const CatalogPlace place("cli-lock");
    fs::create_directories(place.box.folder / "mocks");
    const FolderLock lock((place.box.folder / "mocks").string());
    expect_failure(place.run({"--resume"}, 2), 2, {"another run", host_name()});
}

TEST(CatalogCommand, StarsOfTheFieldNeedAPlaceForTheirIndex) {
    const CatalogPlace place("field");
    const std::vector<std::string> field{"--set", "catalog.stars=field", "--set", "simulation.depth=500"};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), field.begin(), field.end());
        return more;
    };
    expect_failure(place.run(with({"--set", "simulation.index=no/such"}), 2), 4,
                   {"no/such", "set simulation.index to a folder"});
    EXPECT_FALSE(std::filesystem::exists(place.box.folder / "mocks" / "manifest.journal"));
    const auto dry = place.run(with({"--dry-run"}));
    expect_success(dry);
    EXPECT_TRUE(contains(dry.out, "there is no index of the stars yet")) << dry.out;
}

} // namespace
} // namespace tessera
