// Shards hold what files hold, split by galaxy, whatever happened on the way.
#include <fstream>
#include <map>
#include <set>

#include "catalog/shards.hpp"
#include "tests/catalog/box.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> settings(const test::Box& box, const std::string& format, const std::string& folder) {
    return {"catalog.views=2",
            "catalog.limit=5",
            "catalog.shard_size=3",
            "catalog.validation=0.4",
            "noise.kind=signal-to-noise",
            "catalog.format=" + format,
            "catalog.output=" + (box.folder / folder).string()};
}

std::vector<fs::path> shards_in(const fs::path& folder) {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(folder / "shards")) { out.push_back(entry.path()); }
    std::sort(out.begin(), out.end());
    return out;
}

/// Everything in the shards is as in the cubes of another run.
void expect_the_cubes(const fs::path& folder, const CatalogConfig& files) {
    std::map<std::int64_t, std::string> side; // of each galaxy
    std::int64_t n_cube = 0;
    const auto entries = select_galaxies(files).entries;
    const auto table = io::Hdf5File::open((folder / "catalogue.hdf5").string()).group("Galaxies");
    for (const fs::path& path : shards_in(folder)) {
        const auto shard = io::Hdf5File::open(path.string());
        const std::string split = shard.find_text("split").value_or("");
        EXPECT_TRUE(path.filename().string().starts_with(split)) << path;
        const auto id = shard.dataset("id").read_all<std::int64_t>(),
                   view = shard.dataset("view").read_all<std::int64_t>(),
                   row = shard.dataset("row").read_all<std::int64_t>();
        EXPECT_LE(id.size(), 3U);
        const std::string names = shard.dataset("theta").find_text("names").value_or("") + ",";
        const auto n_parameter = std::count(names.begin(), names.end(), ',');
        const auto theta = shard.dataset("theta").read_all<double>();
        ASSERT_EQ(std::ssize(theta), n_parameter * std::ssize(id));
        for (std::size_t slot = 0; slot < id.size(); ++slot, ++n_cube) {
            EXPECT_EQ(side.try_emplace(id[slot], split).first->second, split) << "a galaxy on both sides";
            const CatalogEntry& entry = entries.at(static_cast<std::size_t>(row[slot]));
            EXPECT_EQ(entry.id, id[slot]);
            EXPECT_EQ(entry.view, view[slot]);
            const auto cube = io::Hdf5File::open(cube_path(files, entry));
            for (const std::string name : {"flux", "variance", "mask", "maps/OBS_VEL", "maps/RAW_MASS"}) {
                const auto expected = cube.dataset(name).read_all<float>();
                const auto found = shard.dataset(name).read_rows<float>(static_cast<std::int64_t>(slot), 1);
                ASSERT_EQ(found.size(), expected.size());
                for (std::size_t i = 0; i < found.size(); ++i) {
                    EXPECT_TRUE(found[i] == expected[i] || (std::isnan(found[i]) && std::isnan(expected[i]))) << name;
                }
            }
            std::size_t at = 0, parameter = 0;
            for (std::size_t end = names.find(','); end != std::string::npos; end = names.find(',', at)) {
                const auto column = table.dataset(names.substr(at, end - at)).read_all<double>();
                const double expected = column[static_cast<std::size_t>(row[slot])];
                const double found = theta[slot * static_cast<std::size_t>(n_parameter) + parameter++];
                EXPECT_TRUE(found == expected || (std::isnan(found) && std::isnan(expected)))
                    << names.substr(at, end - at);
                at = end + 1;
            }
        }
    }
    EXPECT_EQ(n_cube, std::ssize(entries));
    std::set<std::string> sides;
    for (const auto& [id, split] : side) { sides.insert(split); }
    EXPECT_EQ(sides, (std::set<std::string>{"train", "validation"}));
    EXPECT_TRUE(fs::is_empty(folder / "cubes")) << "cubes lie in the shards now";
}

TEST(Shards, HoldTheCubesSplitByGalaxy) {
    const test::Box box("shards");
    const auto files = box.config(settings(box, "hdf5", "files")),
               packed = box.config(settings(box, "shards", "mocks"));
    const fs::path folder = box.folder / "mocks";
    run_catalog(files, {}, test::world());
    const CatalogSummary made = run_catalog(packed, {}, test::world());
    EXPECT_EQ(made.n_unpacked, 0);
    expect_the_cubes(folder, files);
    EXPECT_TRUE(verify_catalog(folder.string(), test::world()).problems.empty());
    std::map<fs::path, fs::file_time_type> times;
    for (const fs::path& path : shards_in(folder)) { times[path] = fs::last_write_time(path); }
    test::world().barrier();

    // Nothing is made or packed again.
    EXPECT_EQ(run_catalog(packed, {.resume = true}, test::world()).n_made, 0);
    for (const auto& [path, time] : times) { EXPECT_EQ(fs::last_write_time(path), time) << path; }
    test::world().barrier();

    // A shard that is lost is made again, alone.
    const fs::path lost = shards_in(folder)[1];
    const auto n_slot = io::Hdf5File::open(lost.string()).dataset("id").n_row();
    test::world().barrier();
    test::on_root([&] { fs::remove(lost); });
    test::world().barrier();
    EXPECT_EQ(verify_catalog(folder.string(), test::world()).problems.size(), 1U + static_cast<std::size_t>(n_slot));
    EXPECT_EQ(run_catalog(packed, {.resume = true}, test::world()).n_made, n_slot);
    for (const auto& [path, time] : times) { EXPECT_EQ(fs::last_write_time(path) == time, path != lost) << path; }
    expect_the_cubes(folder, files);
    test::world().barrier();

    // As after a kill between a shard's name and its record, or between its record and the end of its cubes.
    test::on_root([&] {
        const auto entry = select_galaxies(files).entries.back();
        fs::copy_file(cube_path(files, entry), cube_path(packed, entry));
        std::ofstream(folder / "shards/.train_00000.h5.partial") << "half";
    });
    test::world().barrier();
    EXPECT_EQ(run_catalog(packed, {.resume = true}, test::world()).n_made, 0);
    expect_the_cubes(folder, files);
    EXPECT_TRUE(verify_catalog(folder.string(), test::world()).problems.empty());
    test::world().barrier();

    test::on_root([&] {
        std::fstream(shards_in(folder)[0], std::ios::in | std::ios::out | std::ios::binary).seekp(9000).put('x');
    });
    test::world().barrier();
    const auto problems = verify_catalog(folder.string(), test::world()).problems;
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_NE(problems[0].find("shards/train_00000.h5: another checksum"), std::string::npos) << problems[0];
}

TEST(Shards, LackWhatFailedAndReceiveItLater) {
    const test::Box box("shards-retry");
    const auto files = box.config(settings(box, "hdf5", "files"));
    run_catalog(files, {}, test::world());
    auto hasty = settings(box, "shards", "mocks");
    hasty.emplace_back("catalog.time_limit=1e-7");
    const CatalogSummary failed = run_catalog(box.config(hasty), {}, test::world());
    EXPECT_EQ(failed.n_failed, failed.n_entry);
    EXPECT_TRUE(verify_catalog((box.folder / "mocks").string(), test::world()).problems.empty());
    run_catalog(box.config(settings(box, "shards", "mocks")), {.retry_failed = true}, test::world());
    expect_the_cubes(box.folder / "mocks", files);
    EXPECT_TRUE(verify_catalog((box.folder / "mocks").string(), test::world()).problems.empty());
}

TEST(Shards, AreNotBegunWhenTheTimeIsOver) {
    const test::Box box("shards-time");
    const auto config = box.config(settings(box, "shards", "mocks"));
    const std::string folder = (box.folder / "mocks").string();
    run_catalog(config, {}, test::world());
    test::world().barrier();
    test::on_root([&] { fs::remove_all(box.folder / "mocks/shards"); });
    test::world().barrier();
    const CatalogSummary stopped = run_catalog(config, {.resume = true, .time_limit = 1e-4}, test::world());
    EXPECT_EQ(stopped.n_open, stopped.n_entry);
    EXPECT_EQ(catalog::pack_shards(folder, catalog::Curfew(1e-9, catalog::Curfew::Clock::now()), test::world()),
              std::ssize(catalog::plan_shards(*read_manifest(folder))));
    const CatalogSummary made = run_catalog(config, {.resume = true}, test::world());
    EXPECT_EQ(made.n_made, made.n_entry);
    EXPECT_EQ(made.n_unpacked, 0);
    EXPECT_TRUE(verify_catalog(folder, test::world()).problems.empty());
}

} // namespace
} // namespace tessera
