#include "particles/particle_reader.hpp"

#include "tests/particles/tiny_snapshots.hpp"

namespace tessera::particles {
namespace {

using test::world;

/// Three chunks of 7, 0 and 9 rows, the value of row i being i; rows 3 to 14 selected.
TablePlan table_in(const std::filesystem::path& folder) {
    test::on_root([&] {
        std::int64_t first = 0;
        for (const std::int64_t n : {7, 9}) {
            auto file = io::Hdf5File::create((folder / fmt::format("c.{}.hdf5", first)).string());
            std::vector<double> values, vectors;
            for (std::int64_t i = first; i < first + n; ++i) {
                values.push_back(static_cast<double>(i));
                for (int k = 0; k < 3; ++k) { vectors.push_back(static_cast<double>(10 * i + k)); }
            }
            test::put(file, "t/value", values, 1, io::NumberType::int32);
            test::put(file, "t/vector", vectors, 3, io::NumberType::float32);
            first += n;
        }
    });
    return {
        .group = "t",
        .chunks = {{(folder / "c.0.hdf5").string(), 0, 7}, {"none.hdf5", 7, 0}, {(folder / "c.7.hdf5").string(), 7, 9}},
        .fields = {{"vector", 3, 2.0}, {"", 1, 1.0}, {"value", 1, 0.5}},
        .begin = 3,
        .end = 15};
}

TEST(ReadBlocks, GiveEveryRowOfTheSelectionOnceInOrderWhateverTheBlockSize) {
    const TablePlan table = table_in(test::scratch("blocks"));
    for (const std::int64_t block_rows : {1, 2, 5, 100}) {
        std::vector<std::int64_t> rows;
        read_blocks(table, world(), block_rows, [&](const Block& block) {
            EXPECT_LE(block.n_row, block_rows);
            EXPECT_FALSE(block.has(1));
            for (std::int64_t i = 0; i < block.n_row; ++i) {
                const std::int64_t row = block.first + i;
                rows.push_back(row);
                EXPECT_EQ(block.at(2, i), 0.5 * static_cast<double>(row));
                EXPECT_EQ(block.at(0, i, 2), 2.0 * static_cast<double>(10 * row + 2));
            }
        });
        EXPECT_EQ(std::ssize(rows), share(3, 15, world().rank(), world().size()).size());
        const auto all = world().all_gather(std::span<const std::int64_t>(rows));
        ASSERT_EQ(all.size(), 12U);
        for (std::size_t i = 0; i < all.size(); ++i) { EXPECT_EQ(all[i], 3 + static_cast<std::int64_t>(i)); }
    }
}

TEST(ReadBlocks, ThrowTheErrorOfTheFirstRowOnEveryRank) {
    const TablePlan table = table_in(test::scratch("first_error"));
    const auto error = test::error_of([&] {
        read_blocks(table, world(), 2, [&](const Block& block) {
            for (std::int64_t i = 0; i < block.n_row; ++i) {
                if ((block.first + i) % 5 == 4) {
                    throw Error(
                        {.kind = Kind::data, .where = block.place(2, i), .found = "", .expected = "", .cure = ""});
                }
            }
        });
    });
    test::expect_error(error, Kind::data, {"c.0.hdf5:/t/value, row 4"});
}

TEST(ReadBlocks, MissingFileIsOneErrorOnEveryRank) {
    const auto folder = test::scratch("gone");
    TablePlan table = table_in(folder);
    table.chunks[2].path = (folder / "nowhere.hdf5").string();
    test::expect_error(test::error_of([&] { read_blocks(table, world(), 4, [](const Block&) {}); }), Kind::data,
                       {"nowhere.hdf5"});
}

} // namespace
} // namespace tessera::particles
