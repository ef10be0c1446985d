// What a catalogue reads of a snapshot, how often it opens its files, and whom a damaged chunk concerns.
#include <fstream>

#include "tests/catalog/box.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

RunMeasures measures_of(const test::Box& box) {
    return read_manifest((box.folder / "mocks").string())->sessions.back().measures.value();
}

TEST(CatalogueReading, TakesEveryRowOnceAndOpensEveryChunkOnce) {
    const test::Box box("rows", 0, 40);
    const auto config = box.config({"catalog.views=2", "catalog.select=n_stars > 0"});
    const CatalogSummary summary = run_catalog(config, {}, test::world());
    EXPECT_EQ(summary.n_failed, 0);
    EXPECT_GE(summary.n_done, 70);
    const RunMeasures measures = measures_of(box);
    EXPECT_EQ(measures.most_openings, 1);
    EXPECT_LE(measures.most_files, 3);
    EXPECT_GT(measures.selected_star_bytes, 0);
    EXPECT_GE(measures.star_bytes, measures.selected_star_bytes);
    EXPECT_LE(static_cast<double>(measures.star_bytes), 1.1 * static_cast<double>(measures.selected_star_bytes));
    EXPECT_EQ(measures.n_cube, summary.n_made);
    EXPECT_GT(measures.n_counter, 0);
    EXPECT_GE(measures.idle, 0);
    EXPECT_LT(measures.idle, 1);
    const auto has = [&](const char* phase) {
        return std::any_of(measures.phases.begin(), measures.phases.end(),
                           [&](const auto& p) { return p.first == phase && p.second > 0; });
    };
    EXPECT_TRUE(has("prepare") && has("read") && has("synthesis") && has("write"));
    EXPECT_EQ(has("read ahead"), true);
}

TEST(CatalogueReading, RowsReadAheadAreThoseThatAGalaxyReadsForItself) {
    const test::Box box("ahead");
    SnapshotOptions options;
    options.path = box.path;
    std::vector<std::int64_t> ids;
    for (const CatalogEntry& entry : select_galaxies(box.config()).entries) { ids.push_back(entry.id); }
    const auto index = index_snapshot(options, ids, test::world());
    const auto all_bytes = [&] {
        std::int64_t sum = 0;
        for (const std::int64_t id : ids) {
            sum += index->rows_of(id).stars.size() * index->row_bytes(ParticleType::stars);
        }
        return sum;
    };
    index->read_ahead(ids, {}, test::world(), std::int64_t{1} << 30);
    const std::int64_t n_read = index->reads().n_read,
                       bytes = test::world().all_reduce_value(index->reads().star_bytes, Op::sum);
    EXPECT_LE(static_cast<double>(bytes), 1.1 * static_cast<double>(all_bytes()));
    for (const std::int64_t id : ids) {
        SnapshotOptions one = options;
        one.subhalo = id;
        ReadReport ahead, alone;
        const auto read = [&](Snapshot& snapshot, ReadReport& report) {
            const Stars stars = snapshot.read_stars({1, 2, 3}, true, report);
            const Gas gas = snapshot.read_gas({1, 2, 3}, report, GasFields::place_and_mass);
            return std::pair(stars.row, gas.mass);
        };
        const auto shared = open_snapshot(one, test::world(), {}, index.get());
        const auto own = open_snapshot(one, test::world());
        EXPECT_EQ(read(*shared, ahead), read(*own, alone));
        EXPECT_EQ(ahead.star_checksum, alone.star_checksum);
        EXPECT_EQ(ahead.n_wind_dropped, alone.n_wind_dropped);
        EXPECT_EQ(shared->info().description, own->info().description);
        EXPECT_EQ(shared->info().galaxy.centre, own->info().galaxy.centre);
        EXPECT_EQ(shared->info().files, own->info().files);
        EXPECT_EQ(shared->info().bytes_to_read, own->info().bytes_to_read);
    }
    EXPECT_EQ(index->reads().n_read, n_read) << "nothing was read again";
    EXPECT_EQ(index->reads().most_openings, 1);
}

TEST(CatalogueReading, AnUnreadableChunkConcernsItsGalaxiesAlone) {
    const test::Box box("chunk");
    const auto config = box.config(), again = box.config({"catalog.output=" + (box.folder / "again").string()});
    const auto entries = select_galaxies(config).entries;
    // Which files each galaxy needs, while they can be read.
    std::vector<std::vector<std::string>> files;
    for (const CatalogEntry& entry : entries) {
        SnapshotOptions one;
        one.path = box.path;
        one.subhalo = entry.id;
        files.push_back(open_snapshot(one, test::world())->info().files);
    }
    EXPECT_EQ(run_catalog(config, {}, test::world()).n_failed, 0);
    const std::string bad = files.back().back();
    const auto needs = [&](std::size_t i) {
        return std::find(files[i].begin(), files[i].end(), bad) != files[i].end();
    };
    std::int64_t n_concerned = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) { n_concerned += needs(i) ? 1 : 0; }
    ASSERT_GT(n_concerned, 0);
    ASSERT_GT(std::ssize(entries), n_concerned);
    test::on_root([&] { fs::resize_file(bad, fs::file_size(bad) / 2); });
    const CatalogSummary summary = run_catalog(again, {}, test::world());
    EXPECT_EQ(summary.n_failed, n_concerned);
    for (const auto& [cube, message] : summary.failures) { EXPECT_NE(message.find(bad), std::string::npos) << message; }
    for (std::size_t i = 0; i < entries.size(); ++i) {
        EXPECT_EQ(fs::exists(cube_path(again, entries[i])), !needs(i));
        if (!needs(i)) { EXPECT_EQ(test::difference(cube_path(config, entries[i]), cube_path(again, entries[i])), 0); }
    }
}

TEST(CatalogueReading, GiantsThatAllRanksMakeAgreeToRounding) {
    const test::Box box("giants");
    // One galaxy on several ranks is the whole catalogue: more than a fair share, but too short to be shared out by itself.
    const auto apart = box.config({"catalog.limit=1"});
    const auto together =
        box.config({"catalog.limit=1", "catalog.ranks=4", "catalog.output=" + (box.folder / "b").string()});
    run_catalog(apart, {}, test::world());
    run_catalog(together, {}, test::world());
    const auto entries = select_galaxies(apart).entries;
    EXPECT_LE(test::difference(cube_path(apart, entries[0]), cube_path(together, entries[0])), 1e-6);
}

} // namespace
} // namespace tessera
