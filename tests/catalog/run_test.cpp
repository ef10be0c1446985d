// A whole catalogue on any number of ranks: the cubes of `tessera cube`, once each, whatever happened in between.
#include "tessera/catalog/run.hpp"

#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>

#include "tests/catalog/box.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

CatalogSummary run(const CatalogConfig& config, const CatalogRequest& request = {}) {
    return run_catalog(config, request, test::world());
}

std::vector<CatalogEntry> entries_of(const CatalogConfig& config) { return select_galaxies(config).entries; }

std::string slurp(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

/// Every number of the catalogue table.
std::vector<double> table_of(const fs::path& folder) {
    const auto group = io::Hdf5File::open((folder / "catalogue.hdf5").string()).group("Galaxies");
    std::vector<double> out;
    for (const std::string& name : group.names()) {
        for (const double value : group.dataset(name).read_all<double>()) {
            out.push_back(std::isnan(value) ? -1e300 : value);
        }
    }
    return out;
}

fs::file_time_type time_of(const CatalogConfig& config, const CatalogEntry& entry) {
    return fs::last_write_time(cube_path(config, entry));
}

/// Puts a number that is none into the place of the first star of a subhalo, or back.
class BadStar {
public:
    BadStar(const test::Box& box, std::int64_t id) {
        SnapshotOptions input;
        input.path = box.path;
        input.subhalo = id;
        const auto alone = make_self_communicator();
        const auto snapshot = open_snapshot(input, *alone);
        path_ = snapshot->info().files.front();
        ReadReport report;
        const Stars stars = snapshot->read_stars({0, 0, 0}, true, report);
        const auto file = io::Hdf5File::open(path_);
        // Rows count over all chunks; this subhalo's lie in one of them.
        std::int64_t first = 0;
        for (int c = 0;; ++c) {
            const std::string chunk = fmt::format("{}/snapdir_099/snap_099.{}.hdf5", box.path, c);
            if (chunk == path_) { break; }
            const auto other = io::Hdf5File::open(chunk);
            if (other.has_group("PartType4")) { first += other.dataset("PartType4/GFM_InitialMass").n_row(); }
        }
        const auto mass = file.dataset("PartType4/GFM_InitialMass").read_rows<float>(stars.row.front() - first, 1);
        std::memcpy(good_, mass.data(), sizeof good_);
        const auto all = file.dataset("PartType4/GFM_InitialMass").read_all<float>();
        const std::string bytes = slurp(path_);
        // The dataset lies in one piece: its place is where all its bytes are.
        const std::string dataset(reinterpret_cast<const char*>(all.data()), all.size() * sizeof(float));
        at_ = bytes.find(dataset) + static_cast<std::size_t>(stars.row.front() - first) * sizeof(float);
    }
    void spoil() const {
        const float nan = std::numeric_limits<float>::quiet_NaN();
        char bytes[sizeof nan];
        std::memcpy(bytes, &nan, sizeof nan);
        put(bytes);
    }
    void mend() const { put(good_); }

private:
    void put(const char* bytes) const {
        std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(at_));
        file.write(bytes, sizeof(float));
    }
    std::string path_;
    std::size_t at_ = 0;
    char good_[sizeof(float)] = {};
};

TEST(Catalogue, ItsCubesAreThoseOfTheCubeCommand) {
    const test::Box box("equal");
    const auto config = box.config({"catalog.views=2", "noise.kind=signal-to-noise", "catalog.limit=4"});
    const CatalogSummary summary = run(config);
    const auto entries = entries_of(config);
    EXPECT_EQ(summary.n_done, std::ssize(entries));
    EXPECT_EQ(summary.n_made, std::ssize(entries));
    EXPECT_EQ(summary.n_failed, 0);
    std::vector<std::string> plain = box.settings();
    std::erase_if(plain, [](const std::string& s) { return s.starts_with("catalog."); });
    for (const CatalogEntry& entry : entries) {
        std::vector<std::string> settings = plain;
        const std::string path = (box.folder / "alone.h5").string();
        settings.insert(settings.end(), {fmt::format("simulation.subhalo={}", entry.id), "output.path=" + path,
                                         "noise.kind=signal-to-noise", fmt::format("view.seed={}", 1 + entry.view),
                                         fmt::format("noise.seed={}", 1 + entry.view)});
        run_cube(read_config("", settings), test::world());
        EXPECT_LE(test::difference(cube_path(config, entry), path), 1e-6) << entry.id << "_" << entry.view;
        test::world().barrier();
    }
}

TEST(Catalogue, IsTheSameBitForBitOnAnyNumberOfRanks) {
    const test::Box box("ranks");
    const auto config =
        box.config({"catalog.views=2", "catalog.redshift={min: 0.03, max: 0.09, distribution: volume}"});
    const auto alone = box.config({"catalog.views=2", "catalog.redshift={min: 0.03, max: 0.09, distribution: volume}",
                                   "catalog.output=" + (box.folder / "alone").string()});
    run(config);
    test::on_root([&] { run_catalog(alone, {}, *make_self_communicator()); });
    test::world().barrier();
    for (const CatalogEntry& entry : entries_of(config)) {
        EXPECT_EQ(test::difference(cube_path(config, entry), cube_path(alone, entry)), 0);
    }
    EXPECT_EQ(table_of(box.folder / "mocks"), table_of(box.folder / "alone"));
    EXPECT_TRUE(verify_catalog((box.folder / "mocks").string(), test::world()).problems.empty());
}

TEST(Catalogue, GroupsOfRanksMakeTheSameCubes) {
    const test::Box box("groups");
    const auto config = box.config({"catalog.ranks=2"});
    const auto alone = box.config({"catalog.output=" + (box.folder / "alone").string()});
    EXPECT_EQ(run(config).n_failed, 0);
    run(alone);
    for (const CatalogEntry& entry : entries_of(config)) {
        EXPECT_LE(test::difference(cube_path(config, entry), cube_path(alone, entry)), 1e-6);
    }
}

TEST(Catalogue, GoesOnWhereItWasAndRepeatsNothing) {
    const test::Box box("resume");
    const auto config = box.config();
    const fs::path folder = box.folder / "mocks";
    run(config);
    const auto entries = entries_of(config);
    ASSERT_GE(entries.size(), 5U);
    const auto table = table_of(folder);
    const auto refused = test::error_of([&] { run(config); });
    ASSERT_TRUE(refused.has_value()) << "a second time without --resume";
    EXPECT_EQ(refused->kind(), Kind::config);

    std::vector<fs::file_time_type> times;
    for (const CatalogEntry& entry : entries) { times.push_back(time_of(config, entry)); }
    test::world().barrier();
    // As after a kill: the last record torn, one cube lost, leftovers of a write that was cut.
    test::on_root([&] {
        const std::string journal = slurp(folder / "manifest.journal");
        fs::resize_file(folder / "manifest.journal", journal.size() - 7);
        fs::remove(cube_path(config, entries[1]));
        std::ofstream(folder / "cubes" / ".9_9.h5.partial") << "half";
    });
    test::world().barrier();
    const CatalogSummary summary = run(config, {.resume = true});
    EXPECT_EQ(summary.n_made, 1) << "the lost one";
    EXPECT_EQ(summary.n_adopted, 1) << "whole, but its record was cut";
    EXPECT_EQ(summary.n_done, std::ssize(entries));
    for (std::size_t i = 0; i < entries.size(); ++i) {
        EXPECT_EQ(time_of(config, entries[i]) == times[i], i != 1) << i;
    }
    EXPECT_EQ(table_of(folder), table);
    test::on_root([&] {
        for (const auto& entry : fs::recursive_directory_iterator(folder)) {
            EXPECT_EQ(entry.path().filename().string().find("partial"), std::string::npos);
            EXPECT_NE(entry.path().filename(), "manifest.lock");
        }
    });
    EXPECT_TRUE(verify_catalog(folder.string(), test::world()).problems.empty());
}

TEST(Catalogue, AnotherConfigurationOrSnapshotIsRefusedWhenGoingOn) {
    const test::Box box("changed");
    run(box.config());
    const auto error = test::error_of(
        [&] { run(box.config({"galaxy.redshift=0.2", "psf.fwhm=2", "parallel.threads=2"}), {.resume = true}); });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), Kind::config);
    const std::string text = error->what();
    EXPECT_NE(text.find("galaxy.redshift (now 0.2, then 0.05)"), std::string::npos) << text;
    EXPECT_NE(text.find("psf.fwhm"), std::string::npos) << text;
    EXPECT_EQ(text.find("parallel.threads"), std::string::npos) << text;

    SyntheticOptions other;
    other.layout = SyntheticLayout::tng;
    other.path = box.path;
    other.n_star = 6000;
    other.n_subhalo = 14;
    other.seed = 6;
    make_snapshot(other, test::world());
    const auto swapped = test::error_of([&] { run(box.config(), {.resume = true}); });
    ASSERT_TRUE(swapped.has_value());
    EXPECT_EQ(swapped->kind(), Kind::data) << swapped->what();
}

TEST(Catalogue, OneBadGalaxyDoesNotStopTheOthers) {
    const test::Box box("bad");
    const auto config = box.config();
    const auto entries = entries_of(config);
    const std::int64_t bad = entries[3].id;
    const BadStar star(box, bad); // every rank looks while it is good
    test::world().barrier();
    test::on_root([&] { star.spoil(); });
    test::world().barrier();
    const CatalogSummary summary = run(config);
    ASSERT_EQ(summary.n_failed, 1);
    EXPECT_EQ(summary.n_done, std::ssize(entries) - 1);
    EXPECT_EQ(summary.failures[0].first, fmt::format("cubes/{}_0.h5", bad));
    EXPECT_NE(summary.failures[0].second.find("GFM_InitialMass"), std::string::npos) << summary.failures[0].second;
    EXPECT_FALSE(fs::exists(cube_path(config, entries[3])));
    const std::string status = catalog_status((box.folder / "mocks").string());
    EXPECT_NE(status.find("failed      1 by data"), std::string::npos) << status;

    test::world().barrier();
    test::on_root([&] { star.mend(); });
    test::world().barrier();
    EXPECT_EQ(run(config, {.resume = true}).n_failed, 1) << "not without being asked to";
    const CatalogSummary again = run(config, {.retry_failed = true});
    EXPECT_EQ(again.n_failed, 0);
    EXPECT_EQ(again.n_made, 1);
    EXPECT_TRUE(verify_catalog((box.folder / "mocks").string(), test::world()).problems.empty());
}

TEST(Catalogue, VerifyFindsWhatIsNotAsRecorded) {
    const test::Box box("verify");
    const auto config = box.config({"catalog.format=fits"});
    run(config);
    const auto entries = entries_of(config);
    const std::string folder = (box.folder / "mocks").string();
    const CatalogVerdict good = verify_catalog(folder, test::world());
    EXPECT_TRUE(good.problems.empty()) << good.problems.front();
    EXPECT_EQ(good.n_done, std::ssize(entries));
    test::world().barrier();
    test::on_root([&] {
        fs::remove(cube_path(config, entries[0]));
        std::fstream(cube_path(config, entries[1]), std::ios::in | std::ios::out | std::ios::binary)
            .seekp(10000)
            .put('x');
        std::ofstream(cube_path(config, entries[2]), std::ios::app) << "more";
        std::ofstream(fs::path(folder) / "cubes" / "mine.txt") << "notes";
    });
    test::world().barrier();
    const auto problems = verify_catalog(folder, test::world()).problems;
    ASSERT_EQ(problems.size(), 4U);
    const auto has = [&](const CatalogEntry& entry, const std::string& text) {
        return std::any_of(problems.begin(), problems.end(), [&](const std::string& problem) {
            return problem.starts_with(cube_name(entry, "fits")) && problem.find(text) != std::string::npos;
        });
    };
    EXPECT_TRUE(has(entries[0], "No such file"));
    EXPECT_TRUE(has(entries[1], "checksum"));
    EXPECT_TRUE(has(entries[2], "bytes"));
    EXPECT_NE(problems[3].find("cubes/mine.txt"), std::string::npos);
}

TEST(Catalogue, ForecastCountsWhatWouldBeMade) {
    const test::Box box("forecast");
    const auto config = box.config({"catalog.views=3"});
    const CatalogForecast forecast = forecast_catalog(config, test::world());
    const auto entries = entries_of(config);
    EXPECT_EQ(forecast.n_cube, std::ssize(entries));
    EXPECT_EQ(forecast.n_galaxy, std::ssize(entries) / 3);
    EXPECT_EQ(forecast.n_subhalo, 14);
    EXPECT_EQ(forecast.most_stars, forecast.largest.sizes.n_star_rows);
    EXPECT_GT(forecast.seconds, 0);
    EXPECT_FALSE(fs::exists(box.folder / "mocks")) << "nothing is written";
    test::world().barrier();
    run(config);
    std::int64_t bytes = 0;
    for (const CatalogEntry& entry : entries) {
        bytes += static_cast<std::int64_t>(fs::file_size(cube_path(config, entry)));
    }
    EXPECT_GT(bytes, forecast.bytes_to_write / 2) << "cubes this small are mostly overhead";
}

} // namespace
} // namespace tessera
