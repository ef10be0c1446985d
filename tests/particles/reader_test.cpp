#include "particles/particle_reader.hpp"

#include <functional>

#include "particles/convert.hpp"
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

/// Looks at each block in a task of its own.
class Look final : public BlockWork {
public:
    explicit Look(std::function<void(const Block&)> look) : look_(std::move(look)) {}
    void start(const Block& block, device::Tasks& tasks) override {
        EXPECT_FALSE(busy_) << "a block was started before the last was finished";
        busy_ = true;
        tasks.start(1, [this, &block](std::int64_t) {
            try {
                look_(block);
            } catch (...) { failure_ = std::current_exception(); }
        });
    }
    void finish() override {
        busy_ = false;
        if (failure_) { std::rethrow_exception(failure_); }
    }

private:
    std::function<void(const Block&)> look_;
    std::exception_ptr failure_;
    bool busy_ = false;
};

TEST(ReadBlocks, GiveEveryRowOfTheSelectionOnceInOrderWhateverTheBlockSize) {
    const TablePlan table = table_in(test::scratch("blocks"));
    for (const int threads : {1, 3}) {
        for (const std::int64_t block_rows : {1, 2, 5, 100}) {
            std::vector<std::int64_t> rows;
            Look work([&](const Block& block) {
                EXPECT_LE(block.n_row, block_rows);
                EXPECT_FALSE(block.has(1));
                EXPECT_FALSE(block.has(99));
                for (std::int64_t i = 0; i < block.n_row; ++i) {
                    const std::int64_t row = block.first + i;
                    rows.push_back(row);
                    EXPECT_EQ(block.at(2, i), 0.5 * static_cast<double>(row));
                    EXPECT_EQ(block.at(0, i, 2), 2.0 * static_cast<double>(10 * row + 2));
                }
            });
            RowSource source;
            read_blocks(table, device::Host{threads}, world(), block_rows, work, source);
            EXPECT_EQ(std::ssize(rows), share(3, 15, world().rank(), world().size()).size());
            const auto all = world().all_gather(std::span<const std::int64_t>(rows));
            ASSERT_EQ(all.size(), 12U);
            for (std::size_t i = 0; i < all.size(); ++i) { EXPECT_EQ(all[i], 3 + static_cast<std::int64_t>(i)); }
        }
    }
}

TEST(ReadBlocks, ThrowTheErrorOfTheFirstRowOnEveryRank) {
    const TablePlan table = table_in(test::scratch("first_error"));
    for (const int threads : {1, 3}) {
        const auto error = test::error_of([&] {
            Look work([&](const Block& block) {
                for (std::int64_t i = 0; i < block.n_row; ++i) {
                    if ((block.first + i) % 5 == 4) {
                        throw Error(
                            {.kind = Kind::data, .where = block.place(2, i), .found = "", .expected = "", .cure = ""});
                    }
                }
            });
            RowSource source;
            read_blocks(table, device::Host{threads}, world(), 2, work, source);
        });
        test::expect_error(error, Kind::data, {"c.0.hdf5:/t/value, row 4"});
    }
}

TEST(ReadBlocks, MissingFileIsOneErrorOnEveryRank) {
    const auto folder = test::scratch("gone");
    TablePlan table = table_in(folder);
    table.chunks[2].path = (folder / "nowhere.hdf5").string();
    Look work([](const Block&) {});
    RowSource source;
    test::expect_error(test::error_of([&] { read_blocks(table, device::Host{2}, world(), 4, work, source); }),
                       Kind::data, {"nowhere.hdf5"});
}

/// 10,000 stars in two chunks, the first in floats, the second in doubles; every seventh a wind cell.
constexpr std::int64_t n_many = 10000, n_first = 6000;

struct Many {
    TablePlan table;
    Plan plan;
    static double birth(std::int64_t i) { return i % 7 == 3 ? -1 : 0.25 + 1e-5 * static_cast<double>(i); }
};

Many many_stars(const std::filesystem::path& folder, const std::function<void(std::int64_t, double*)>& spoil) {
    const char* names[] = {"x", "v", "birth", "initial", "mass", "metals"};
    const std::int64_t columns[] = {3, 3, 1, 1, 1, 1};
    test::on_root([&] {
        for (const std::int64_t first : {std::int64_t{0}, n_first}) {
            const std::int64_t end = first == 0 ? n_first : n_many;
            std::vector<std::vector<double>> fields(6);
            for (std::int64_t i = first; i < end; ++i) {
                const auto t = static_cast<double>(i);
                double row[10] = {t, 900 - t / 16, 1, t / 8, -t, 0.5, Many::birth(i), 1 + t, t, 0.5 * t / n_many};
                spoil(i, row);
                const double* value = row;
                for (std::size_t f = 0; f < 6; ++f) {
                    fields[f].insert(fields[f].end(), value, value + columns[f]);
                    value += columns[f];
                }
            }
            auto file = io::Hdf5File::create((folder / fmt::format("many.{}.hdf5", first)).string());
            for (std::size_t f = 0; f < 6; ++f) {
                test::put(file, std::string("t/") + names[f], fields[f], columns[f],
                          first == 0 ? io::NumberType::float32 : io::NumberType::float64);
            }
        }
    });
    Many many;
    many.table = {.group = "t",
                  .chunks = {{(folder / "many.0.hdf5").string(), 0, n_first},
                             {(folder / fmt::format("many.{}.hdf5", n_first)).string(), n_first, n_many - n_first}},
                  .fields = {},
                  .begin = 0,
                  .end = n_many};
    for (std::size_t f = 0; f < 6; ++f) { many.table.fields.push_back({names[f], columns[f], 1.0}); }
    many.plan.birth = Birth::time;
    many.plan.drops_wind = true;
    many.plan.snapshot_time = 2;
    return many;
}

struct Converted {
    Stars stars; ///< of all ranks
    std::int64_t n_wind = 0;
    std::uint64_t hash = 0; ///< over ranks
};

Converted converted(const Many& many, int threads, std::int64_t block_rows) {
    Converted out;
    Stars mine;
    const std::int64_t n = share(0, n_many, world().rank(), world().size()).size();
    StarConverter convert(many.plan, n, {{10, 0, 0}, 1000.0}, true, mine);
    RowSource source;
    read_blocks(many.table, device::Host{threads}, world(), block_rows, convert, source);
    out.stars = test::gather(mine);
    out.n_wind = world().all_reduce_value(convert.n_wind(), Op::sum);
    for (const std::int64_t hash : world().all_gather_value(static_cast<std::int64_t>(convert.hash()))) {
        out.hash += static_cast<std::uint64_t>(hash);
    }
    return out;
}

TEST(StarConverter, GivesTheSameStarsForAnyBlocksAndThreads) {
    const Many many = many_stars(test::scratch("many"), [](std::int64_t, double*) {});
    const Converted one = converted(many, 1, n_many);
    EXPECT_EQ(one.n_wind, 1429); // 3, 10, … 9999
    ASSERT_EQ(one.stars.size(), n_many - 1429);
    for (std::size_t i = 0; i < one.stars.row.size(); ++i) {
        const std::int64_t row = static_cast<std::int64_t>(i) + (static_cast<std::int64_t>(i) + 3) / 6;
        const auto t = static_cast<double>(row);
        ASSERT_EQ(one.stars.row[i], row);
        ASSERT_EQ(one.stars.x[i], static_cast<float>(t - 10 - 1000 * std::round((t - 10) / 1000)));
        ASSERT_EQ(one.stars.y[i], static_cast<float>(900 - t / 16 - 1000 * std::round((900 - t / 16) / 1000)));
        ASSERT_EQ(one.stars.vy[i], static_cast<float>(-t));
        ASSERT_NEAR(one.stars.age[i], 2 - Many::birth(row), 1e-7);
        ASSERT_EQ(one.stars.initial_mass[i], static_cast<float>(1 + t));
        ASSERT_EQ(one.stars.metallicity[i], static_cast<float>(0.5 * t / n_many));
    }
    for (const int threads : {1, 4}) {
        for (const std::int64_t block_rows : {700, 5000}) {
            const Converted other = converted(many, threads, block_rows);
            EXPECT_EQ(other.stars.row, one.stars.row);
            EXPECT_EQ(other.stars.x, one.stars.x);
            EXPECT_EQ(other.stars.vz, one.stars.vz);
            EXPECT_EQ(other.stars.age, one.stars.age);
            EXPECT_EQ(other.stars.mass, one.stars.mass);
            EXPECT_EQ(other.hash, one.hash);
            EXPECT_EQ(other.n_wind, one.n_wind);
        }
    }
    const Many changed = many_stars(test::scratch("changed"), [](std::int64_t i, double* row) {
        if (i == 7777) { row[8] = std::nextafter(row[8], 1e9F); }
    });
    EXPECT_EQ(converted(changed, 2, 700).hash, one.hash) << "rounded to the same float";
    const Many different = many_stars(test::scratch("different"), [](std::int64_t i, double* row) {
        if (i == 7777) { row[8] += 1; }
    });
    EXPECT_NE(converted(different, 2, 700).hash, one.hash);
}

TEST(StarConverter, TheFirstBadRowOfALateBlockIsTheError) {
    // Bad values in two blocks of one rank, in one row twice, and in a wind cell, which nobody looks at.
    const Many many = many_stars(test::scratch("late"), [](std::int64_t i, double* row) {
        if (i == 9796) { row[0] = std::nan(""); } // 9796 % 7 == 3
        if (i == 9900) { row[8] = -3; }
        if (i == 9900) { row[9] = 1.5; }
        if (i == 9901) { row[1] = HUGE_VAL; }
        if (i == 9990) { row[5] = std::nan(""); }
    });
    std::string first;
    for (const int threads : {1, 4}) {
        for (const std::int64_t block_rows : {97, 700, 10000}) {
            const auto error = test::error_of([&] { converted(many, threads, block_rows); });
            test::expect_error(error, Kind::data,
                               {"many.6000.hdf5:/t/mass, row 9900: found -3; expected a number of at least 0. "
                                "Repair or remove the row"});
            if (first.empty()) { first = error->what(); }
            EXPECT_EQ(first, error->what());
        }
    }
}

TEST(StarConverter, AStarBornAfterTheSnapshotIsAnErrorWithItsTime) {
    const Many many = many_stars(test::scratch("unborn"), [](std::int64_t i, double* row) {
        if (i == 8000) { row[6] = 2.0001; } // a rounding error: age 0
        if (i == 8001) { row[6] = 2.1; }
    });
    test::expect_error(test::error_of([&] { converted(many, 3, 500); }), Kind::data,
                       {"/t/birth, row 8001", "2.1", "at most 2, that of the snapshot"});
}

} // namespace
} // namespace tessera::particles
