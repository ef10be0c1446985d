// Runs with chunks that are missing, damaged or shorter than they should be: whom that concerns.
#include <algorithm>
#include <set>

#include "tessera/particles/row_index.hpp"
#include "tessera/particles/synthetic.hpp"
#include "tests/particles/tiny_snapshots.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using test::TinyTng;

/// A box of 16 subhaloes over 7 chunks, and what each galaxy is while all of it is there.
class SevenChunks {
public:
    explicit SevenChunks(const std::string& name) : folder(test::scratch("chunks-" + name)) {
        SyntheticOptions options;
        options.layout = SyntheticLayout::tng;
        options.path = (folder / "box").string();
        options.n_star = 3000;
        options.n_subhalo = 16;
        options.n_chunk = 7;
        options.seed = 7;
        options.box_size = 900;
        make_snapshot(options, test::world());
        input.path = options.path;
        const auto galaxies = open();
        for (const std::int64_t id : ids()) {
            SnapshotOptions one = input;
            one.subhalo = id;
            const auto snapshot = open_snapshot(one, test::world(), {}, galaxies.get());
            files.push_back(snapshot->info().files);
            checksums.push_back(checksum(*snapshot));
        }
    }
    static std::vector<std::int64_t> ids() {
        std::vector<std::int64_t> out(16);
        for (std::size_t i = 0; i < out.size(); ++i) { out[i] = static_cast<std::int64_t>(i); }
        return out;
    }
    std::shared_ptr<SnapshotIndex> open() const { return index_snapshot(input, ids(), test::world()); }
    static std::uint64_t checksum(Snapshot& snapshot) {
        ReadReport report;
        snapshot.read_stars({}, false, report);
        return report.star_checksum;
    }
    std::string chunk(int i) const { return input.path + fmt::format("/snapdir_099/snap_099.{}.hdf5", i); }
    void without(int i) const {
        test::on_root([&] { fs::remove(chunk(i)); });
    }
    void cut(int i) const {
        test::on_root([&] { fs::resize_file(chunk(i), fs::file_size(chunk(i)) / 2); });
    }
    void without_offsets() const {
        test::on_root([&] { EXPECT_GT(fs::remove_all(fs::path(input.path) / "postprocessing"), 0U); });
    }
    bool needs(std::size_t galaxy, const std::set<int>& chunks) const {
        return std::any_of(chunks.begin(), chunks.end(), [&](int i) {
            return std::find(files[galaxy].begin(), files[galaxy].end(), chunk(i)) != files[galaxy].end();
        });
    }
    /// Galaxies with rows in `bad` chunks fail, with a message that names one of them; all others are what they were, in a catalogue
    /// and by themselves. @return  how many fail
    std::int64_t expect_failures(const std::set<int>& bad) const {
        const auto galaxies = open();
        galaxies->read_ahead(ids(), {}, test::world(), std::int64_t{1} << 30);
        std::int64_t n_failed = 0;
        for (const std::int64_t id : ids()) {
            const auto i = static_cast<std::size_t>(id);
            SnapshotOptions one = input;
            one.subhalo = id;
            for (SnapshotIndex* index : {galaxies.get(), static_cast<SnapshotIndex*>(nullptr)}) {
                if (index == nullptr && id % 4 != 0) { continue; }
                std::uint64_t sum = 0;
                const auto failure =
                    test::error_of([&] { sum = checksum(*open_snapshot(one, test::world(), {}, index)); });
                EXPECT_EQ(failure.has_value(), needs(i, bad)) << id << (failure ? failure->what() : "");
                if (!failure) {
                    EXPECT_EQ(sum, checksums[i]) << id;
                    continue;
                }
                const std::string text = failure->what();
                EXPECT_EQ(failure->kind(), Kind::data) << text;
                EXPECT_TRUE(std::any_of(bad.begin(), bad.end(), [&](int c) {
                    return text.find(fmt::format("snap_099.{}.hdf5", c)) != std::string::npos;
                })) << text;
                EXPECT_NE(text.find("etch"), std::string::npos) << text;
            }
            n_failed += needs(i, bad) ? 1 : 0;
        }
        EXPECT_LT(n_failed, 16);
        return n_failed;
    }

    fs::path folder;
    SnapshotOptions input;
    std::vector<std::vector<std::string>> files; ///< [galaxy]
    std::vector<std::uint64_t> checksums;
};

TEST(BadChunks, ConcernTheGalaxiesInThemWhereverTheyAre) {
    const SevenChunks run("offsets");
    run.cut(2);
    EXPECT_GT(run.expect_failures({2}), 0);
    run.without(0); // the first as well, with the header that was read
    run.without(6); // nothing but the headers of the others says that it should be there
    run.expect_failures({0, 2, 6});
}

TEST(BadChunks, AreCountedByWhatTheTotalLeavesWithoutOffsets) {
    const SevenChunks run("totals");
    run.without_offsets();
    run.without(4);
    EXPECT_GT(run.expect_failures({4}), 0);
    run.cut(5); // the two follow each other: theirs is what the others leave
    EXPECT_GT(run.expect_failures({4, 5}), 0);
}

TEST(BadChunks, ThatLieApartWithoutOffsetsTakeThoseBetweenThemAlong) {
    const SevenChunks run("apart");
    run.without_offsets();
    run.without(3);
    run.cut(5);
    run.expect_failures({3, 4, 5});
    // Says why, where the file of the galaxy itself is there.
    const auto galaxies = run.open();
    bool seen = false;
    for (const std::int64_t id : SevenChunks::ids()) {
        if (run.needs(static_cast<std::size_t>(id), {3, 5}) || !run.needs(static_cast<std::size_t>(id), {4})) {
            continue;
        }
        SnapshotOptions one = run.input;
        one.subhalo = id;
        test::expect_error(test::error_of([&] { open_snapshot(one, test::world(), {}, galaxies.get()); }), Kind::data,
                           {"snap_099.3.hdf5", "snap_099.5.hdf5", "FileOffsets", "rows"});
        seen = true;
    }
    EXPECT_TRUE(seen);
}

TEST(BadChunks, AreRefusedWhereAllOfTheSnapshotIsWantedOrAllAreBad) {
    const SevenChunks run("all");
    SnapshotOptions all = run.input;
    all.snapshot = 99;
    run.without(3);
    test::expect_error(test::error_of([&] { open_snapshot(all, test::world()); }), Kind::data,
                       {"snap_099.4.hdf5 after chunk 2", "snap_099.3.hdf5", "Fetch the missing chunk"});
    for (const int i : {0, 1, 2, 4, 5, 6}) { run.cut(i); }
    test::expect_error(test::error_of([&] { run.open(); }), Kind::data, {"snap_099.0.hdf5", "truncated"});
}

/// Rows of stars that galaxy `id` gets, or the error.
std::optional<Error> reading(const fs::path& folder, std::int64_t id, std::vector<std::int64_t>& rows) {
    auto options = test::input(TinyTng{}.base(folder));
    options.snapshot = TinyTng::snapshot;
    options.subhalo = id;
    return test::error_of([&] { rows = test::read_all(options).stars.row; });
}

TEST(ShortChunks, LoseTheGalaxiesAtTheirEndAlone) {
    for (const std::string field : {"", "GFM_Metallicity"}) {
        const auto folder = test::scratch("short" + field);
        TinyTng tng;
        tng.offsets = field.empty();
        test::on_root([&] {
            tng.write(folder);
            tng.n_lost = 4; // rows 10 to 13 of the last chunk, which begins with row 5
            tng.lost_field = field;
            tng.write_chunk(tng.base(folder) / "snapdir_008/snap_008.2.hdf5", 5, 9, 3);
        });
        std::vector<std::int64_t> rows;
        EXPECT_FALSE(reading(folder, 0, rows));
        EXPECT_EQ(rows, (std::vector<std::int64_t>{0, 1, 2}));
        EXPECT_FALSE(reading(folder, 1, rows)) << "rows 3 to 6, of two chunks";
        EXPECT_EQ(rows, (std::vector<std::int64_t>{3, 5, 6}));
        test::expect_error(reading(folder, 2, rows), Kind::data,
                           {"snap_008.2.hdf5:/PartType4/", "5 rows", "9", "fetch it again"});
    }
}

TEST(ShortChunks, DoNotMoveTheRowsOfThoseAfterThem) {
    const auto folder = test::scratch("moved");
    TinyTng tng;
    tng.offsets = false;
    test::on_root([&] {
        tng.write(folder);
        tng.n_lost = 2;
        tng.write_chunk(tng.base(folder) / "snapdir_008/snap_008.0.hdf5", 0, 5, 2); // without rows 3 and 4
    });
    std::vector<std::int64_t> rows;
    EXPECT_FALSE(reading(folder, 0, rows));
    EXPECT_EQ(rows, (std::vector<std::int64_t>{0, 1, 2}));
    test::expect_error(reading(folder, 1, rows), Kind::data, {"snap_008.0.hdf5:/PartType4/Coordinates", "3 rows", "5"});
    EXPECT_FALSE(reading(folder, 2, rows));
    EXPECT_EQ(rows, (std::vector<std::int64_t>{10}));
}

} // namespace
} // namespace tessera
