#include "tests/particles/tiny_snapshots.hpp"

namespace tessera {
namespace {

using test::input;
using test::world;

/// rubix_galaxy.h5 as RUBIX writes it: groups galaxy, particles/stars, particles/gas, attribute `unit` on each dataset.
std::filesystem::path write(const std::string& name, const std::string& coordinate_unit = "kpc") {
    const auto path = test::scratch(name) / "rubix_galaxy.h5";
    test::on_root([&] {
        auto file = io::Hdf5File::create(path.string());
        test::put_number(file, "galaxy/redshift", 0.25);
        test::put(file, "galaxy/center", {100, 200, 300});
        test::put_number(file, "galaxy/halfmassrad_stars", 4.5);
        test::put(file, "particles/stars/coords", {101, 200, 300, 100, 202, 300, 100, 200, 303}, 3,
                  io::NumberType::float32);
        test::put(file, "particles/stars/velocity", {1, 2, 3, 4, 5, 6, 7, 8, 9}, 3, io::NumberType::float32);
        test::put(file, "particles/stars/mass", {1e5, 2e5, 3e5});
        test::put(file, "particles/stars/metallicity", {0.01, 0.02, 0.03});
        test::put(file, "particles/stars/age", {1, 5, 9});
        file.dataset("particles/stars/coords").set("unit", coordinate_unit);
        file.dataset("particles/stars/metallicity").set("unit", "");
        test::put(file, "particles/gas/coords", {1, 2, 3}, 3);
        test::put(file, "particles/gas/velocity", {1, 2, 3}, 3);
        test::put(file, "particles/gas/mass", {7e4});
        test::put(file, "particles/gas/sfr", {0.5});
    });
    return path;
}

TEST(RubixFile, IsDetectedAndGivesStarsAndFactsOfTheGalaxy) {
    const auto all = test::read_all(input(write("rubix")));
    EXPECT_EQ(all.info.format, SnapshotFormat::rubix);
    EXPECT_EQ(all.info.redshift, 0.25);
    EXPECT_EQ(all.info.galaxy.centre, (std::array{100.0, 200.0, 300.0}));
    EXPECT_EQ(all.info.galaxy.half_mass_radius, 4.5);
    EXPECT_EQ(all.stars.x, (std::vector<float>{1, 0, 0}));
    EXPECT_EQ(all.stars.y, (std::vector<float>{0, 2, 0}));
    EXPECT_EQ(all.stars.vz, (std::vector<float>{3, 6, 9}));
    EXPECT_EQ(all.stars.initial_mass, (std::vector<float>{1e5, 2e5, 3e5}));
    EXPECT_EQ(all.stars.mass, all.stars.initial_mass);
    EXPECT_EQ(all.stars.age, (std::vector<float>{1, 5, 9}));
}

TEST(RubixFile, GasComesWithItsStarFormation) {
    const auto snapshot = open_snapshot(input(write("rubix_gas")), world());
    ReadReport report;
    const Gas gas = snapshot->read_gas({0, 0, 0}, report);
    EXPECT_EQ(world().all_gather(std::span<const float>(gas.star_formation_rate)), (std::vector<float>{0.5}));
    EXPECT_EQ(report.n_gas, 1);
}

TEST(RubixFile, OtherUnitsAreRefused) {
    const auto path = write("rubix_units", "cm");
    test::expect_error(test::error_of([&] { test::read_all(input(path)); }), Kind::data,
                       {"particles/stars/coords", "'cm'", "kpc"});
}

} // namespace
} // namespace tessera
