// Catalogues of all stars in the field: catalog.stars: field.
#include <tuple>

#include "tests/catalog/sky.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

std::int64_t n_other(const std::string& cube) {
    return io::Hdf5File::open(cube).group("provenance").integers("n_other").front();
}

/// The map of gas, and the cells read.
std::pair<std::vector<double>, std::int64_t> gas_map(const std::string& cube) {
    const auto file = io::Hdf5File::open(cube);
    return {file.dataset("maps/RAW_GAS_MASS").read_all<double>(), file.group("provenance").integers("n_gas").front()};
}

TEST(CatalogueFields, AreTheCubesThatOneRankMakesOfOneGalaxy) {
    const test::Sky sky("cubes", 700);
    const auto config =
        sky.config({"catalog.views=2", "simulation.gas=true", "simulation.index=" + sky.folder.string()});
    EXPECT_EQ(sky.run(config).n_failed, 0);
    EXPECT_TRUE(fs::exists(sky.folder / "snap_099.star_index.h5"));
    EXPECT_TRUE(fs::exists(sky.folder / "snap_099.gas_index.h5"));
    const auto entries = select_galaxies(config).entries;
    ASSERT_GE(entries.size(), 6U);
    const auto alone = make_self_communicator();
    const std::string other = (sky.folder / fmt::format("alone{}.h5", test::world().rank())).string();
    std::int64_t most = 0, most_gas = 0;
    for (const CatalogEntry& entry : entries) {
        const CubeSummary one = run_cube(config_of(config, entry, other), *alone);
        EXPECT_EQ(test::difference(cube_path(config, entry), other), 0) << entry.id << " " << entry.view;
        EXPECT_EQ(n_other(cube_path(config, entry)), n_other(other));
        EXPECT_EQ(gas_map(cube_path(config, entry)), gas_map(other));
        most_gas = std::max(most_gas, gas_map(other).second);
        EXPECT_EQ(read_cube_facts(cube_path(config, entry)).n_star, one.n_star);
        most = std::max(most, n_other(other));
    }
    EXPECT_GT(most, 50) << "neighbours on the field";
    EXPECT_GT(most_gas, 0);
    const RunMeasures measures = read_manifest((sky.folder / "mocks").string())->sessions.back().measures.value();
    EXPECT_EQ(measures.most_openings, 1) << "by the index, galaxies and their fields together";
    EXPECT_GE(measures.star_bytes, measures.selected_star_bytes);
}

TEST(CatalogueFields, OfLonelyGalaxiesAreTheSubhalosStars) {
    const test::Sky sky("lonely", 35000);
    const auto field = sky.config({"simulation.depth=1000", "simulation.gas=true"}),
               own = sky.config({"simulation.depth=null", "catalog.stars=subhalo", "simulation.gas=true",
                                 "catalog.output=" + (sky.folder / "own").string()});
    sky.run(field);
    sky.run(own);
    std::int64_t n_lonely = 0, n_lonely_gas = 0;
    for (const CatalogEntry& entry : select_galaxies(field).entries) {
        if (n_other(cube_path(field, entry)) > 0) { continue; }
        ++n_lonely;
        EXPECT_EQ(test::difference(cube_path(field, entry), cube_path(own, entry)), 0) << entry.id;
        const auto gas = gas_map(cube_path(field, entry)), its_own = gas_map(cube_path(own, entry));
        if (gas.second == its_own.second) {
            EXPECT_EQ(gas.first, its_own.first);
            ++n_lonely_gas;
        }
    }
    EXPECT_GT(n_lonely, 0);
    EXPECT_GT(n_lonely_gas, 0);
}

TEST(CatalogueFields, AreReadAheadWithTheirGalaxies) {
    const test::Sky sky("ahead", 700);
    SnapshotOptions options;
    options.path = (sky.folder / "box").string();
    const std::vector<std::int64_t> ids{0, 1, 1, 3}; // two views of 1
    const auto galaxies = index_snapshot(options, std::vector<std::int64_t>{0, 1, 3}, test::world());
    const FieldIndex index = find_field_index(*galaxies, sky.folder.string(), test::world());
    std::vector<FieldBox> fields;
    std::vector<ByType<std::vector<RowRange>>> others;
    for (const std::int64_t id : ids) {
        fields.push_back({.centre = galaxies->centre_of(id).value(), .half = {15, 15, 100}});
        if (fields.size() == 3) { fields.back().half = {20, 10, 200}; }
        const ByType<FieldRows> rows = rows_in(index, fields.back(), galaxies->rows_of(id));
        others.push_back({.stars = rows.stars.rows, .gas = rows.gas.rows});
    }
    galaxies->read_ahead(ids, others, test::world(), std::int64_t{1} << 30);
    const std::int64_t n_read = galaxies->reads().n_read;
    std::int64_t n_more = 0, n_more_gas = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        SnapshotOptions one = options;
        one.subhalo = ids[i];
        const auto read = [&](Snapshot& snapshot) {
            ReadReport report;
            const Stars own = snapshot.read_stars(fields[i].centre, true, report);
            const Stars more = snapshot.read_others(*index.stars, fields[i], fields[i].centre, true, report);
            const Gas gas = snapshot.read_gas(fields[i].centre, report, GasFields::place_and_mass);
            const Gas more_gas =
                snapshot.read_other_gas(*index.gas, fields[i], fields[i].centre, report, GasFields::place_and_mass);
            return std::tuple(own.row, more.row, report.n_star, report.star_checksum, gas.mass, more_gas.mass);
        };
        const auto shared = open_snapshot(one, test::world(), {}, galaxies.get()),
                   alone = open_snapshot(one, test::world());
        const auto ahead = read(*shared);
        n_more += test::world().all_reduce_value(std::ssize(std::get<1>(ahead)), Op::sum);
        n_more_gas += test::world().all_reduce_value(std::ssize(std::get<5>(ahead)), Op::sum);
        EXPECT_EQ(ahead, read(*alone));
    }
    EXPECT_GT(n_more, 20);
    EXPECT_GT(n_more_gas, 0);
    EXPECT_EQ(galaxies->reads().n_read, n_read) << "nothing was read again";
}

} // namespace
} // namespace tessera
