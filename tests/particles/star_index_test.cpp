// The index of a snapshot's stars against a look at every star, and its file.
#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

#include "tessera/particles/star_index.hpp"
#include "tessera/particles/synthetic.hpp"
#include "tests/particles/tiny_snapshots.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

/// A crowded box of 20 subhaloes over 3 chunks, one of them without stars.
class Crowd {
public:
    explicit Crowd(const std::string& name, std::int64_t n_star = 12000) : folder(test::scratch("crowd-" + name)) {
        SyntheticOptions options;
        options.layout = SyntheticLayout::tng;
        options.path = (folder / "box").string();
        options.n_star = n_star;
        options.n_subhalo = 20;
        options.seed = 3;
        options.box_size = 700;
        make_snapshot(options, test::world());
        input.path = options.path;
        input.gas = false;
    }
    std::shared_ptr<SnapshotIndex> snapshot() const {
        std::vector<std::int64_t> ids(10);
        for (std::size_t i = 0; i < ids.size(); ++i) { ids[i] = static_cast<std::int64_t>(i); }
        return index_snapshot(input, ids, test::world());
    }
    std::shared_ptr<const StarIndex> index() const {
        const auto galaxies = snapshot();
        return find_star_index(*galaxies, folder.string(), test::world());
    }
    std::string file() const { return (folder / "snap_099.star_index.h5").string(); }
    std::string chunk(int i) const { return input.path + fmt::format("/snapdir_099/snap_099.{}.hdf5", i); }

    fs::path folder;
    SnapshotOptions input;
};

/// Positions (kpc) and births as the files have them.
struct EveryStar {
    std::vector<std::array<double, 3>> position;
    std::vector<bool> wind;
    double side = 0;
};
EveryStar every_star(const Crowd& crowd) {
    EveryStar out;
    for (int i = 0; i < 3; ++i) {
        const auto file = io::Hdf5File::open(crowd.chunk(i));
        const double h = file.group("Header").number("HubbleParam");
        out.side = file.group("Header").number("BoxSize") / h;
        if (!file.has_dataset("PartType4/Coordinates")) { continue; }
        const auto x = file.dataset("PartType4/Coordinates").read_all<double>();
        const auto birth = file.dataset("PartType4/GFM_StellarFormationTime").read_all<double>();
        for (std::size_t k = 0; k < birth.size(); ++k) {
            out.position.push_back({x[3 * k] / h, x[3 * k + 1] / h, x[3 * k + 2] / h});
            out.wind.push_back(birth[k] <= 0);
        }
    }
    return out;
}

std::array<std::array<double, 3>, 3> turned(double a, double b) {
    return {{{std::cos(a), std::sin(a), 0},
             {-std::sin(a) * std::cos(b), std::cos(a) * std::cos(b), std::sin(b)},
             {std::sin(a) * std::sin(b), -std::cos(a) * std::sin(b), std::cos(b)}}};
}

TEST(StarIndex, FindsTheStarsThatALookAtEveryOneFinds) {
    const Crowd crowd("found");
    const EveryStar all = every_star(crowd);
    const auto galaxies = crowd.snapshot();
    const auto index = find_star_index(*galaxies, crowd.folder.string(), test::world());
    ASSERT_EQ(index->n_row(), std::ssize(all.position));
    EXPECT_NEAR(index->side(), all.side, 1e-9 * all.side);
    SnapshotOptions one = crowd.input;
    one.subhalo = 2;
    const auto snapshot = open_snapshot(one, test::world(), {}, galaxies.get());
    const RowRange own = galaxies->star_rows(2);
    ASSERT_GT(own.size(), 0);
    std::mt19937 random(7);
    std::uniform_real_distribution<double> uniform(0, 1);
    std::int64_t n_found = 0, n_wind = 0;
    for (int trial = 0; trial < 40; ++trial) {
        FieldBox field;
        // About stars, and about corners, edges and faces of the periodic box.
        field.centre = all.position[static_cast<std::size_t>(uniform(random) * static_cast<double>(index->n_row()))];
        for (std::size_t i = 0; i < 3 && trial % 2 == 0; ++i) {
            if (uniform(random) < 0.6) { field.centre[i] = trial % 4 == 0 ? 0 : all.side; }
        }
        field.axes = turned(6 * uniform(random), 3 * uniform(random));
        field.half = {60 * uniform(random), 60 * uniform(random), 0.4 * all.side * uniform(random)};
        std::vector<std::int64_t> expected;
        std::int64_t wind = 0;
        for (std::int64_t row = 0; row < index->n_row(); ++row) {
            const auto i = static_cast<std::size_t>(row);
            if ((own.begin <= row && row < own.end) || !field.holds(all.position[i], all.side)) { continue; }
            all.wind[i] ? static_cast<void>(++wind) : expected.push_back(row);
        }
        ReadReport report;
        const Stars stars = test::gather(snapshot->read_others(*index, field, field.centre, true, report));
        EXPECT_EQ(stars.row, expected) << trial;
        EXPECT_EQ(report.n_star, std::ssize(expected));
        EXPECT_EQ(report.n_wind_dropped, wind);
        for (std::size_t i = 0; i < stars.row.size(); ++i) {
            EXPECT_LE(std::hypot(stars.x[i], stars.y[i], stars.z[i]), field.reach() * (1 + 1e-6));
        }
        n_found += report.n_star;
        n_wind += wind;
    }
    EXPECT_GT(n_found, 1000);
    EXPECT_GT(n_wind, 0);
}

TEST(StarIndex, ReadsFewRowsBesideThoseOfTheBoxAndEstimatesTheirNumber) {
    const Crowd crowd("few", 60000);
    const auto galaxies = crowd.snapshot();
    const auto index = find_star_index(*galaxies, crowd.folder.string(), test::world());
    const EveryStar all = every_star(crowd);
    for (std::int64_t id = 0; id < 4; ++id) {
        FieldBox field{.centre = galaxies->centre_of(id).value(), .half = {20, 20, 100}};
        const FieldRows rows = index->rows_in(field);
        std::int64_t n_inside = 0, before = -1;
        for (const auto& position : all.position) { n_inside += field.holds(position, all.side) ? 1 : 0; }
        for (const RowRange& range : rows.rows) {
            EXPECT_GT(range.begin, before);
            before = range.end;
        }
        EXPECT_GE(rows.n_row, n_inside);
        EXPECT_LT(rows.n_row, index->n_row() * 6 / 10) << "subhalo " << id;
        EXPECT_GT(rows.n_inside, 0.3 * static_cast<double>(n_inside));
        EXPECT_LT(rows.n_inside, 3 * static_cast<double>(n_inside));
        const RowRange own = galaxies->star_rows(id);
        for (const RowRange& range : index->rows_in(field, own).rows) {
            EXPECT_EQ(range.overlap(own.begin, own.end).size(), 0);
        }
    }
}

TEST(StarIndex, LooksAtStarsOfNoHaloOneByOne) {
    // Rows all over the box, in no order: of 64000 a field holds a few, and asks for a few blocks' worth.
    constexpr double side = 1000;
    std::mt19937 random(1);
    std::uniform_int_distribution<int> edge(0, 65535);
    const std::int64_t n_row = 64000;
    std::vector<StarIndex::Point> points;
    for (std::int64_t i = 0; i < n_row; ++i) {
        const auto any = [&] { return static_cast<std::uint16_t>(edge(random)); };
        points.push_back({any(), any(), any()});
    }
    const StarIndex::Cuboid all{.lower = {}, .extent = {65535, 65535, 65535}};
    const StarIndex index(n_row, side, std::vector<StarIndex::Cuboid>(n_row / StarIndex::block_rows, all), points);
    const FieldBox field{.centre = {2, 500, 997}, .axes = turned(0.3, 0.8), .half = {20, 20, 100}};
    const FieldRows rows = index.rows_in(field);
    std::int64_t n_inside = 0;
    for (std::int64_t row = 0; row < n_row; ++row) {
        const StarIndex::Point& point = points[static_cast<std::size_t>(row)];
        const auto middle = [&](std::size_t i) { return (point[i] + 0.5) / 65536 * side; };
        if (!field.holds({middle(0), middle(1), middle(2)}, side)) { continue; }
        ++n_inside;
        EXPECT_TRUE(std::any_of(rows.rows.begin(), rows.rows.end(), [&](const RowRange& range) {
            return range.begin <= row && row < range.end;
        })) << row;
    }
    EXPECT_GT(n_inside, 5);
    EXPECT_NEAR(rows.n_inside, static_cast<double>(n_inside), 3);
    EXPECT_LE(rows.n_row, 129 * n_inside);
}

TEST(StarIndex, IsTheSameOnAnyNumberOfRanksAndOutOfItsFile) {
    const Crowd crowd("same");
    const auto made = crowd.index(), read = crowd.index();
    EXPECT_GT(made->points().size(), 0U) << "stars of no halo";
    EXPECT_LT(std::ssize(made->points()), made->n_row());
    const auto cuboids = [](const StarIndex& index) {
        return std::pair(std::vector<StarIndex::Cuboid>(index.cuboids().begin(), index.cuboids().end()),
                         std::vector<StarIndex::Point>(index.points().begin(), index.points().end()));
    };
    EXPECT_EQ(cuboids(*made), cuboids(*read));
    const EveryStar all = every_star(crowd);
    const auto alone = make_self_communicator();
    const auto galaxies = index_snapshot(crowd.input, std::vector<std::int64_t>{0}, *alone);
    const fs::path own = crowd.folder / fmt::format("rank{}", test::world().rank());
    EXPECT_EQ(cuboids(*find_star_index(*galaxies, own.string(), *alone)), cuboids(*made));
    EXPECT_TRUE(fs::exists(own / "snap_099.star_index.h5")) << "the folder is made";
}

/// Whether the file is used as it is: then it is not written again.
bool is_used(const Crowd& crowd) {
    test::on_root([&] { fs::last_write_time(crowd.file(), fs::file_time_type::clock::now() - std::chrono::hours(1)); });
    const auto before = fs::last_write_time(crowd.file());
    test::world().barrier();
    EXPECT_NE(crowd.index(), nullptr);
    const bool used = fs::last_write_time(crowd.file()) == before;
    test::world().barrier();
    return used;
}

TEST(StarIndex, ItsFileIsUsedWhereItIsWholeAndOfTheseChunksAlone) {
    const Crowd crowd("file", 3000);
    EXPECT_NE(crowd.index(), nullptr);
    EXPECT_TRUE(is_used(crowd));
    const auto damage = [&](const char* what, const auto& how) {
        test::on_root(how);
        EXPECT_FALSE(is_used(crowd)) << what;
        EXPECT_TRUE(is_used(crowd)) << what << ": made anew";
    };
    damage("truncated", [&] { fs::resize_file(crowd.file(), fs::file_size(crowd.file()) / 2); });
    damage("empty", [&] { fs::resize_file(crowd.file(), 0); });
    damage("a changed byte", [&] {
        const auto cuboids = io::Hdf5File::open(crowd.file()).dataset("cuboids").read_rows<std::int32_t>(0, 1);
        const std::string wanted(reinterpret_cast<const char*>(cuboids.data()), 12);
        std::stringstream text;
        text << std::ifstream(crowd.file(), std::ios::binary).rdbuf();
        std::string bytes = text.str();
        const std::size_t at = bytes.find(wanted);
        ASSERT_NE(at, std::string::npos);
        bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
        std::ofstream(crowd.file(), std::ios::binary) << bytes;
    });
    damage("a chunk written again",
           [&] { fs::last_write_time(crowd.chunk(0), fs::last_write_time(crowd.chunk(0)) + std::chrono::seconds(2)); });
    damage("another snapshot", [&] {
        SyntheticOptions options;
        options.layout = SyntheticLayout::tng;
        options.path = crowd.input.path;
        options.n_star = 3100;
        options.n_subhalo = 20;
        options.box_size = 700;
        const auto alone = make_self_communicator();
        make_snapshot(options, *alone);
    });
}

TEST(StarIndex, SaysWhyThereCanBeNone) {
    const Crowd crowd("none", 3000);
    const auto try_it = [&](const SnapshotOptions& input, const std::string& folder) {
        return test::error_of([&] {
            const auto galaxies = index_snapshot(input, std::vector<std::int64_t>{0}, test::world());
            find_star_index(*galaxies, folder, test::world());
        });
    };
    SnapshotOptions gas = crowd.input;
    gas.gas = true;
    test::expect_error(try_it(gas, crowd.folder.string()), Kind::config, {"simulation.gas: true", "false"});
    test::expect_error(try_it(test::input(crowd.chunk(0)), crowd.folder.string()), Kind::config, {"cut-out"});
    test::expect_error(try_it(crowd.input, (crowd.folder / "no" / "such").string()), Kind::resource,
                       {"no folder", "simulation.index"});
    auto galaxies = crowd.snapshot();
    EXPECT_EQ(find_star_index(*galaxies, crowd.folder.string(), test::world(), WithoutFile::none), nullptr);
    const auto index = find_star_index(*galaxies, crowd.folder.string(), test::world());
    const FieldBox large{.half = {10, 10, 0.5 * index->side()}};
    test::expect_error(test::error_of([&] { index->rows_in(large); }), Kind::config, {"simulation.depth", "diagonal"});
    galaxies.reset();                       // and with it its open files
    const std::string bad = crowd.chunk(2); // it has stars
    ASSERT_TRUE(io::Hdf5File::open(bad).has_dataset("PartType4/Coordinates"));
    test::world().barrier();
    test::on_root([&] { fs::resize_file(bad, fs::file_size(bad) / 2); });
    test::expect_error(try_it(crowd.input, (crowd.folder / "new").string()), Kind::data, {bad});
    EXPECT_FALSE(fs::exists(crowd.folder / "new" / "snap_099.star_index.h5"));
}

} // namespace
} // namespace tessera
