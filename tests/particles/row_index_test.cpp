// The indices of a snapshot's stars and gas against a look at every particle.
#include <algorithm>
#include <numeric>
#include <random>

#include "tests/particles/crowd.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using test::Crowd;

/// Positions (kpc) as the files have them, and which are of wind cells.
struct EveryParticle {
    std::vector<std::array<double, 3>> position;
    std::vector<bool> wind;
    double side = 0;
};
EveryParticle every_particle(const Crowd& crowd, ParticleType type) {
    const bool stars = type == ParticleType::stars;
    const std::string group = stars ? "PartType4/" : "PartType0/";
    EveryParticle out;
    for (int i = 0; i < 3; ++i) {
        const auto file = io::Hdf5File::open(crowd.chunk(i));
        const double h = file.group("Header").number("HubbleParam");
        out.side = file.group("Header").number("BoxSize") / h;
        if (!file.has_dataset(group + "Coordinates")) { continue; }
        const auto x = file.dataset(group + "Coordinates").read_all<double>();
        std::vector<double> birth(x.size() / 3, 1);
        if (stars) { birth = file.dataset(group + "GFM_StellarFormationTime").read_all<double>(); }
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

/// About particles, and about corners, edges and faces of the periodic box.
FieldBox some_field(const EveryParticle& all, int trial, std::mt19937& random) {
    std::uniform_real_distribution<double> uniform(0, 1);
    FieldBox field;
    field.centre = all.position[static_cast<std::size_t>(uniform(random) * static_cast<double>(all.position.size()))];
    for (std::size_t i = 0; i < 3 && trial % 2 == 0; ++i) {
        if (uniform(random) < 0.6) { field.centre[i] = trial % 4 == 0 ? 0 : all.side; }
    }
    field.axes = turned(6 * uniform(random), 3 * uniform(random));
    field.half = {60 * uniform(random), 60 * uniform(random), 0.4 * all.side * uniform(random)};
    return field;
}

TEST(RowIndex, FindsTheStarsThatALookAtEveryOneFinds) {
    const Crowd crowd("found");
    const EveryParticle all = every_particle(crowd, ParticleType::stars);
    const auto galaxies = crowd.snapshot();
    const auto index = find_field_index(*galaxies, crowd.folder.string(), test::world()).stars;
    ASSERT_EQ(index->n_row(), std::ssize(all.position));
    EXPECT_NEAR(index->side(), all.side, 1e-9 * all.side);
    SnapshotOptions one = crowd.input;
    one.subhalo = 2;
    const auto snapshot = open_snapshot(one, test::world(), {}, galaxies.get());
    const RowRange own = galaxies->rows_of(2).stars;
    ASSERT_GT(own.size(), 0);
    std::mt19937 random(7);
    std::int64_t n_found = 0, n_wind = 0;
    for (int trial = 0; trial < 40; ++trial) {
        const FieldBox field = some_field(all, trial, random);
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

TEST(RowIndex, FindsTheGasThatALookAtEveryCellFinds) {
    Crowd crowd("gas");
    const auto stars = crowd.snapshot();
    EXPECT_EQ(find_field_index(*stars, crowd.folder.string(), test::world()).gas, nullptr) << "none is to be read";
    EXPECT_FALSE(fs::exists(crowd.folder / "snap_099.gas_index.h5"));
    test::world().barrier();
    crowd.input.gas = true;
    const EveryParticle all = every_particle(crowd, ParticleType::gas);
    const auto galaxies = crowd.snapshot();
    const FieldIndex made = find_field_index(*galaxies, crowd.folder.string(), test::world()),
                     read = find_field_index(*galaxies, crowd.folder.string(), test::world());
    EXPECT_TRUE(fs::exists(crowd.folder / "snap_099.gas_index.h5"));
    ASSERT_TRUE(made.gas && read.gas);
    ASSERT_EQ(made.gas->n_row(), std::ssize(all.position));
    SnapshotOptions one = crowd.input;
    one.subhalo = 2;
    const auto snapshot = open_snapshot(one, test::world(), {}, galaxies.get());
    const RowRange own = galaxies->rows_of(2).gas;
    ASSERT_GT(own.size(), 0);
    std::mt19937 random(8);
    std::int64_t n_found = 0;
    for (int trial = 0; trial < 20; ++trial) {
        const FieldBox field = some_field(all, trial, random);
        std::int64_t expected = 0;
        std::array<double, 3> sums{}; // of the offsets to the nearest images
        for (std::int64_t row = 0; row < std::ssize(all.position); ++row) {
            const auto& position = all.position[static_cast<std::size_t>(row)];
            if ((own.begin <= row && row < own.end) || !field.holds(position, all.side)) { continue; }
            ++expected;
            for (std::size_t i = 0; i < 3; ++i) {
                const double d = position[i] - field.centre[i];
                sums[i] += d - all.side * std::round(d / all.side);
            }
        }
        for (const auto& index : {made.gas, read.gas}) {
            ReadReport report;
            const Gas gas = snapshot->read_other_gas(*index, field, field.centre, report, GasFields::place_and_mass);
            EXPECT_EQ(report.n_gas, expected) << trial;
            EXPECT_EQ(gas.mass.size(), gas.x.size());
            const std::array place{&gas.x, &gas.y, &gas.z};
            for (std::size_t i = 0; i < 3; ++i) {
                const double sum = std::accumulate(place[i]->begin(), place[i]->end(), 0.0);
                EXPECT_NEAR(test::world().all_reduce_value(sum, Op::sum), sums[i],
                            1e-6 * field.reach() * static_cast<double>(1 + expected));
            }
            n_found += report.n_gas;
        }
    }
    EXPECT_GT(n_found, 500);
}

TEST(RowIndex, ReadsFewRowsBesideThoseOfTheBoxAndEstimatesTheirNumber) {
    const Crowd crowd("few", 60000);
    const auto galaxies = crowd.snapshot();
    const auto index = find_field_index(*galaxies, crowd.folder.string(), test::world()).stars;
    const EveryParticle all = every_particle(crowd, ParticleType::stars);
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
        const RowRange own = galaxies->rows_of(id).stars;
        for (const RowRange& range : index->rows_in(field, own).rows) {
            EXPECT_EQ(range.overlap(own.begin, own.end).size(), 0);
        }
    }
}

TEST(RowIndex, LooksAtStarsOfNoHaloOneByOne) {
    // Rows all over the box, in no order: of 64000 a field holds a few, and asks for a few blocks' worth.
    constexpr double side = 1000;
    std::mt19937 random(1);
    std::uniform_int_distribution<int> edge(0, 65535);
    const std::int64_t n_row = 64000;
    std::vector<RowIndex::Point> points;
    for (std::int64_t i = 0; i < n_row; ++i) {
        const auto any = [&] { return static_cast<std::uint16_t>(edge(random)); };
        points.push_back({any(), any(), any()});
    }
    const RowIndex::Cuboid all{.lower = {}, .extent = {65535, 65535, 65535}};
    const RowIndex index(n_row, side, std::vector<RowIndex::Cuboid>(n_row / RowIndex::block_rows, all), points);
    const FieldBox field{.centre = {2, 500, 997}, .axes = turned(0.3, 0.8), .half = {20, 20, 100}};
    const FieldRows rows = index.rows_in(field);
    std::int64_t n_inside = 0;
    for (std::int64_t row = 0; row < n_row; ++row) {
        const RowIndex::Point& point = points[static_cast<std::size_t>(row)];
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

TEST(RowIndex, IsTheSameOnAnyNumberOfRanksAndOutOfItsFile) {
    const Crowd crowd("same");
    const auto made = crowd.index(), read = crowd.index();
    EXPECT_GT(made->points().size(), 0U) << "stars of no halo";
    EXPECT_LT(std::ssize(made->points()), made->n_row());
    const auto cuboids = [](const RowIndex& index) {
        return std::pair(std::vector<RowIndex::Cuboid>(index.cuboids().begin(), index.cuboids().end()),
                         std::vector<RowIndex::Point>(index.points().begin(), index.points().end()));
    };
    EXPECT_EQ(cuboids(*made), cuboids(*read));
    const EveryParticle all = every_particle(crowd, ParticleType::stars);
    const auto alone = make_self_communicator();
    const auto galaxies = index_snapshot(crowd.input, std::vector<std::int64_t>{0}, *alone);
    const fs::path own = crowd.folder / fmt::format("rank{}", test::world().rank());
    EXPECT_EQ(cuboids(*find_field_index(*galaxies, own.string(), *alone).stars), cuboids(*made));
    EXPECT_TRUE(fs::exists(own / "snap_099.star_index.h5")) << "the folder is made";
}

} // namespace
} // namespace tessera
