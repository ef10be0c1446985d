#include "particles/plan.hpp"

#include <cmath>

#include "particles/age_table.hpp"
#include "particles/input_files.hpp"
#include "tests/support/test_support.hpp"

namespace tessera::particles {
namespace {

TEST(Share, RangesOfAllRanksTileTheRowsAndDifferByAtMostOne) {
    for (const std::int64_t n : {std::int64_t{0}, std::int64_t{1}, std::int64_t{11}, std::int64_t{6'000'000'000'001}}) {
        for (const int p : {1, 2, 3, 7, 64}) {
            std::int64_t next = 5;
            for (int r = 0; r < p; ++r) {
                const Range mine = share(5, 5 + n, r, p);
                EXPECT_EQ(mine.begin, next);
                EXPECT_GE(mine.size(), n / p);
                EXPECT_LE(mine.size(), n / p + 1);
                next = mine.end;
            }
            EXPECT_EQ(next, 5 + n);
        }
    }
}

TEST(TablePlan, OnlyChunksWithRowsOfTheSelectionAreOpened) {
    const TablePlan table{.group = "PartType4",
                          .chunks = {{"a", 0, 5}, {"b", 5, 0}, {"c", 5, 4}, {"d", 9, 3}},
                          .fields = {},
                          .begin = 4,
                          .end = 9};
    const auto selected = table.selected_chunks();
    ASSERT_EQ(selected.size(), 2U);
    EXPECT_EQ(selected[0].path, "a");
    EXPECT_EQ(selected[1].path, "c");
}

TEST(RunFolder, ItsOnlySnapshotNeedsNoNumberAndSeveralMustBeChosenFrom) {
    const auto folder = test::scratch("run-folder");
    EXPECT_EQ(only_snapshot(folder.string()), std::nullopt);
    EXPECT_EQ(only_snapshot((folder / "absent").string()), std::nullopt);
    std::filesystem::create_directories(folder / "snapdir_099");
    std::filesystem::create_directories(folder / "snapdir_backup");
    EXPECT_EQ(only_snapshot(folder.string()), 99);
    std::filesystem::create_directories(folder / "snapdir_004");
    const auto error = test::error_of([&] { only_snapshot(folder.string()); });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), Kind::config);
    EXPECT_NE(std::string(error->what()).find("the snapshots 4, 99"), std::string::npos) << error->what();
}

TEST(AgeTable, AgreesWithTheCosmologyAtEveryScaleFactor) {
    for (const Cosmology& cosmology : {Cosmology(67.74, 0.3089), Cosmology(70, 0.3, -0.9, 0.2)}) {
        const AgeTable table(cosmology, 0.77);
        for (const double a : {1e-4, 0.01, 0.05, 0.1, 0.3333, 0.5, 0.7699, 0.77}) {
            EXPECT_NEAR(table.age(a), cosmology.age(a), 1e-9)
                << a; // Gyr: a thousand times finer than a float's step at 10 Gyr
        }
    }
}

TEST(Describe, NamesLayoutRowsRedshiftCosmologyAndBytes) {
    SnapshotInfo info;
    info.format = SnapshotFormat::tng;
    info.description = "TNG full snapshot 99, 3 chunks, subhalo 7";
    info.files = {"snap_099.0.hdf5", "snap_099.1.hdf5"};
    info.redshift = 0.25;
    info.scale_factor = 0.8;
    info.box_size = 75000.0;
    info.cosmology = Cosmology(67.74, 0.3089);
    info.n_star_rows = 1234;
    info.n_gas_rows = 55;
    info.rows_by_type = {{"gas", 100}, {"stars", 2000}};
    info.bytes_to_read = 3 * 1024 * 1024;
    info.galaxy.half_mass_radius = 4.5;
    const std::string text = describe(info);
    for (const char* word :
         {"TNG full snapshot 99, 3 chunks, subhalo 7", "tng", "snap_099.0.hdf5 and 1 more", "100 rows", "2000 rows",
          "1234 star rows", "55 gas rows", "3.0 MiB", "0.25", "67.74", "0.3089", "75000 kpc", "4.5 kpc"}) {
        EXPECT_NE(text.find(word), std::string::npos) << word << " is not in:\n" << text;
    }
}

} // namespace
} // namespace tessera::particles
