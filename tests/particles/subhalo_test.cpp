#include "particles/group_catalogue.hpp"
#include "tests/particles/tiny_snapshots.hpp"

namespace tessera::particles {
namespace {

using test::input;
using test::TinyTng;
using test::world;

SnapshotOptions subhalo_of(const TinyTng& tng, const std::string& name, std::int64_t id) {
    const auto folder = test::scratch(name);
    test::on_root([&] { tng.write(folder); });
    auto options = input(tng.base(folder));
    options.snapshot = TinyTng::snapshot;
    options.subhalo = id;
    return options;
}

std::optional<Error> opening(const SnapshotOptions& options) {
    return test::error_of([&] { open_snapshot(options, world()); });
}

TEST(Subhalo, AcrossAChunkEdgeAndThePeriodicEdgeIsWhole) {
    const auto all = test::read_all(
        subhalo_of({}, "crossing", 1)); // rows 3-6, chunk edge after 4, x = 996 … 999.75 ckpc/h around 999
    EXPECT_EQ(all.info.n_star_rows, 4);
    EXPECT_EQ(all.info.n_gas_rows, 2);
    EXPECT_EQ(all.report.n_wind_dropped, 1);
    EXPECT_EQ(all.stars.row, (std::vector<std::int64_t>{3, 5, 6}));
    const double f = TinyTng::a / TinyTng::h;
    EXPECT_NEAR(all.stars.x[0], -3 * f, 1e-6);
    EXPECT_NEAR(all.stars.x[2], 0.75 * f, 1e-6);
    EXPECT_EQ(all.info.description, "TNG full snapshot 8, 3 chunks, subhalo 1");
    ASSERT_TRUE(all.info.galaxy.centre && all.info.galaxy.velocity && all.info.galaxy.half_mass_radius);
    EXPECT_NEAR((*all.info.galaxy.centre)[0], 999 * f, 1e-9);
    EXPECT_EQ((*all.info.galaxy.velocity)[0], 10);
    EXPECT_NEAR(*all.info.galaxy.half_mass_radius, 3 * f, 1e-9);
}

TEST(Subhalo, OverTheBoxEdgeIsSeenFromItsNearestImage) {
    auto options = subhalo_of({}, "edge", 1);
    const auto snapshot = open_snapshot(options, world());
    ReadReport report;
    const double f = TinyTng::a / TinyTng::h;
    // From the other side of the edge, x = 1 ckpc/h: all stars lie 1.25 to 5 ckpc/h to the left.
    const Stars stars = test::gather(snapshot->read_stars({1 * f, 502 * f, 249 * f}, false, report));
    EXPECT_NEAR(stars.x[0], -5 * f, 1e-6);
    EXPECT_NEAR(stars.x[2], -1.25 * f, 1e-6);
    EXPECT_TRUE(stars.row.empty());
}

TEST(Subhalo, PrefixSumsReplaceAMissingOffsetsFile) {
    TinyTng without;
    without.offsets = false;
    for (const std::int64_t id : {0, 1, 2}) {
        const auto expected = test::read_all(subhalo_of({}, "with_offsets", id));
        const auto found = test::read_all(subhalo_of(without, "without_offsets", id));
        EXPECT_EQ(found.stars.row, expected.stars.row);
        EXPECT_EQ(found.stars.x, expected.stars.x);
        EXPECT_EQ(found.info.n_gas_rows, expected.info.n_gas_rows);
    }
    // Past a group without subhalos and unbound stars, in the third catalogue chunk.
    EXPECT_EQ(test::read_all(subhalo_of(without, "third_chunk", 2)).stars.row, (std::vector<std::int64_t>{10}));
}

TEST(Subhalo, UnsignedMarkOfAGroupWithoutSubhalosIsUnderstood) {
    TinyTng tng;
    tng.offsets = false;
    const auto options = subhalo_of(tng, "unsigned", 2);
    test::on_root([&] {
        auto file = io::Hdf5File::create(
            (std::filesystem::path(options.path) / "groups_008/fof_subhalo_tab_008.1.hdf5").string());
        test::put(file, "Group/GroupLenType", {0, 0, 0, 0, 0, 0}, 6, io::NumberType::int32);
        test::put(file, "Group/GroupFirstSub", {4294967295.0}, 1, io::NumberType::int64);
        test::put(file, "Group/GroupNsubs", {0}, 1, io::NumberType::int32);
    });
    EXPECT_EQ(test::read_all(options).stars.row, (std::vector<std::int64_t>{10}));
}

TEST(Subhalo, OffsetsThatDisagreeAreRefusedNamingBothRows) {
    const auto options = subhalo_of({}, "disagree", 2);
    const auto path = std::filesystem::path(options.path).parent_path() / "postprocessing/offsets/offsets_008.hdf5";
    test::on_root([&] {
        auto file = io::Hdf5File::create(path.string());
        test::put(file, "Subhalo/SnapByType", {0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 3, 0, 0, 0, 9, 0, 4, 0, 0, 0, 12, 0},
                  6, io::NumberType::int64);
    });
    test::expect_error(opening(options), Kind::data,
                       {"offsets_008.hdf5:/Subhalo/SnapByType", "PartType4 of subhalo 2 = 9", "10"});
    test::on_root([&] {
        auto file = io::Hdf5File::create(path.string());
        test::put(file, "FileOffsets/SnapByType", {0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 2, 0, 0, 0, 5, 0}, 6,
                  io::NumberType::int64);
    });
    test::expect_error(opening(options), Kind::data, {"FileOffsets/SnapByType", "PartType4 in chunk 1 = 4", "5"});
}

TEST(Subhalo, WithoutStarsOrBeyondTheCatalogueIsAClearError) {
    test::expect_error(opening(subhalo_of({}, "empty", 3)), Kind::data,
                       {"fof_subhalo_tab_008.2.hdf5", "subhalo 3 has no star at all"});
    test::expect_error(opening(subhalo_of({}, "beyond", 4)), Kind::config, {"simulation.subhalo", "4", "below 4"});
}

TEST(Subhalo, NeedsTheRunsFolderAndItsCatalogue) {
    auto options = subhalo_of({}, "folder", 1);
    const std::filesystem::path base = options.path;
    options.path = (base / "snapdir_008").string();
    options.snapshot.reset();
    test::expect_error(opening(options), Kind::config, {"simulation.subhalo", "simulation.snapshot"});
    options.path = base.string();
    options.snapshot = 8;
    test::on_root([&] { std::filesystem::remove_all(base / "groups_008"); });
    test::expect_error(opening(options), Kind::data, {"no group catalogue of snapshot 8", "fof_subhalo_tab_008"});
}

TEST(Subhalo, RowsBeyondTheChunksAreRefused) {
    TinyTng tng;
    tng.offsets = false;
    const auto options = subhalo_of(tng, "thinned", 2);
    test::on_root(
        [&] { TinyTng{}.write_chunk(std::filesystem::path(options.path) / "snapdir_008/snap_008.2.hdf5", 5, 6, 3); });
    test::expect_error(opening(options), Kind::data, {"11 rows of PartType4", "12", "subhalo 2"});
}

TEST(PrefixSums, CountBeyond32Bits) {
    const auto folder = test::scratch("large");
    test::on_root([&] {
        std::filesystem::create_directories(folder / "groups_008");
        auto file = io::Hdf5File::create((folder / "groups_008/fof_subhalo_tab_008.0.hdf5").string());
        const double n = 2'000'000'000; // three groups of it exceed 2^32
        test::put(file, "Group/GroupLenType", {0, 0, 0, 0, n, 0, 0, 0, 0, 0, n, 0, 0, 0, 0, 0, n, 0}, 6,
                  io::NumberType::int32);
        test::put(file, "Group/GroupFirstSub", {-1, -1, 0}, 1, io::NumberType::int32);
        test::put(file, "Group/GroupNsubs", {0, 0, 2}, 1, io::NumberType::int32);
        test::put(file, "Subhalo/SubhaloLenType", {0, 0, 0, 0, 1'900'000'000, 0, 0, 0, 0, 0, 7, 0}, 6,
                  io::NumberType::int32);
        io::Hdf5File::close(file);
        const ChunkContents chunks{.files = {"a", "b"},
                                   .rows = {{"PartType0", {0, 0}}, {"PartType4", {3'000'000'000, 3'000'000'000}}}};
        const std::int64_t id = 1;
        const CatalogueSubhalo found = find_subhaloes(folder, 8, {&id, 1}, chunks).front().subhalo;
        EXPECT_EQ(found.stars.begin, 5'900'000'000);
        EXPECT_EQ(found.stars.size(), 7);
        EXPECT_FALSE(found.position.has_value());
    });
}

} // namespace
} // namespace tessera::particles
