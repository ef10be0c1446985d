#include "tessera/core/log.hpp"
#include "tests/particles/tiny_snapshots.hpp"

namespace tessera {
namespace {

using test::input;
using test::TinyTng;
using test::world;

SnapshotOptions run_of(const TinyTng& tng, const std::string& name) {
    const auto folder = test::scratch(name);
    test::on_root([&] { tng.write(folder); });
    auto options = input(tng.base(folder));
    options.snapshot = TinyTng::snapshot;
    return options;
}

/// All stars of the tiny run but the wind, in physical units, by the formulas of the data release.
void expect_all_stars(const test::ReadAll& all) {
    constexpr double a = TinyTng::a, h = TinyTng::h;
    EXPECT_EQ(all.report.n_wind_dropped, 2);
    EXPECT_EQ(all.report.n_star, 12);
    ASSERT_EQ(all.stars.size(), 12);
    std::size_t at = 0;
    for (std::int64_t i = 0; i < TinyTng::n_star; ++i) {
        if (TinyTng::is_wind(i)) { continue; }
        EXPECT_EQ(all.stars.row[at], i);
        double dx = TinyTng::x(i) - TinyTng::x(0); // relative to the first row, nearest image
        if (dx > TinyTng::box / 2) { dx -= TinyTng::box; }
        if (dx < -TinyTng::box / 2) { dx += TinyTng::box; }
        EXPECT_NEAR(all.stars.x[at], dx * a / h, 1e-6 + 1e-6 * std::abs(dx)); // a float's step
        EXPECT_NEAR(all.stars.y[at], (TinyTng::y(i) - TinyTng::y(0)) * a / h, 1e-6);
        EXPECT_FLOAT_EQ(all.stars.vz[at], static_cast<float>(TinyTng::v(i, 2) * std::sqrt(a)));
        EXPECT_FLOAT_EQ(all.stars.initial_mass[at], static_cast<float>(TinyTng::initial_mass(i) * 1e10 / h));
        EXPECT_FLOAT_EQ(all.stars.mass[at], static_cast<float>(TinyTng::mass(i) * 1e10 / h));
        EXPECT_FLOAT_EQ(all.stars.metallicity[at], static_cast<float>(TinyTng::metallicity(i)));
        // The file holds formation times in single precision: 6e-8 of a, 15 Gyr a unit of a.
        EXPECT_NEAR(all.stars.age[at], TinyTng::age(i), 2e-6);
        ++at;
    }
}

/// The least that a cut-out may hold; `length_cgs` > 0 writes unit attributes of the positions.
void write_two_stars(const std::filesystem::path& path, double birth, double length_cgs = 0) {
    auto file = io::Hdf5File::create(path.string());
    auto header = file.create_group("Header");
    for (const auto& [key, value] : {std::pair{"Time", 0.5}, std::pair{"HubbleParam", 0.7}, std::pair{"Omega0", 0.3}}) {
        header.set(key, value);
    }
    auto stars = file.create_group("PartType4");
    test::put(stars, "Coordinates", {1, 2, 3, 4, 5, 6}, 3);
    test::put(stars, "Velocities", {1, 2, 3, 4, 5, 6}, 3);
    test::put(stars, "GFM_InitialMass", {1, 1});
    test::put(stars, "GFM_Metallicity", {0, 0});
    test::put(stars, "GFM_StellarFormationTime", {0.4, birth});
    if (length_cgs > 0) { test::units(stars, "Coordinates", 1, -1, length_cgs); }
}

TEST(TngSnapshot, ChunksOneWithoutStarsGiveAllStarsWithoutTheWind) {
    const auto all = test::read_all(run_of({}, "tng"));
    EXPECT_EQ(all.info.format, SnapshotFormat::tng);
    EXPECT_EQ(all.info.n_star_rows, 14);
    EXPECT_EQ(all.info.n_gas_rows, 5);
    EXPECT_EQ(all.info.files.size(), 2U);
    EXPECT_EQ(all.info.description, "TNG full snapshot 8, 3 chunks");
    EXPECT_DOUBLE_EQ(all.info.scale_factor, 0.5);
    EXPECT_DOUBLE_EQ(*all.info.box_size, 1000 * 0.5 / 0.7);
    EXPECT_DOUBLE_EQ(all.info.cosmology->h0(), 70);
    EXPECT_DOUBLE_EQ(all.info.cosmology->omega_m(), 0.3);
    expect_all_stars(all);
}

TEST(TngSnapshot, FileNamesTypesAndUnitAttributesMayDiffer) {
    TinyTng other;
    other.file_stem = "snapshot_";
    other.single_precision = false;
    other.attributes = false; // the table of the documentation serves
    other.high_word = false;
    const int before = log::warning_count();
    expect_all_stars(test::read_all(run_of(other, "tng_other")));
    EXPECT_EQ(log::warning_count(), before); // 64-bit totals are no lie
}

TEST(TngSnapshot, AFolderOfChunksOrOneFileAreInputToo) {
    auto options = run_of({}, "tng_folder");
    options.path += "/snapdir_008";
    options.snapshot.reset();
    expect_all_stars(test::read_all(options));

    TinyTng single;
    single.star_rows = {14};
    single.gas_rows = {5};
    options = run_of(single, "tng_single");
    options.path += "/snapdir_008/snap_008.0.hdf5";
    options.snapshot.reset();
    expect_all_stars(test::read_all(options));
}

TEST(TngSnapshot, HeadersThatLieAreOverruledWithAWarning) {
    TinyTng lying;
    lying.star_rows = {5, 0, 9};
    const auto options = run_of(lying, "tng_lies");
    test::on_root([&] { // chunk 2 loses a gas cell, the totals of all headers then are wrong
        TinyTng{}.write_chunk(std::filesystem::path(options.path) / "snapdir_008/snap_008.2.hdf5", 5, 9, 2);
    });
    const int before = log::warning_count();
    const auto all = test::read_all(options);
    EXPECT_EQ(all.info.n_gas_rows, 4);
    if (world().is_root()) { EXPECT_EQ(log::warning_count(), before + 1); }
    expect_all_stars(all);
}

TEST(TngSnapshot, GasHasTheTemperatureOfItsInternalEnergy) {
    const auto snapshot = open_snapshot(run_of({}, "tng_gas"), world());
    ReadReport report;
    const Gas gas = snapshot->read_gas(snapshot->provisional_origin(), report);
    EXPECT_EQ(report.n_gas, 5);
    // u = 150 (km/s)^2, x_e = 1: mu = 4 / (1 + 2.28 + 3.04) = 0.632911, T = 2/3 u mu m_p / k_B = 7667.7 K
    for (const float t : gas.temperature) {
        EXPECT_NEAR(t, 2.0 / 3 * 150e10 * 4 / 6.32 * 1.67262192e-24 / 1.380649e-16, 0.01);
    }
    EXPECT_EQ(gas.temperature.size(), gas.mass.size());
}

TEST(TngSnapshot, AMiniSnapshotWithoutAFieldSaysSo) {
    const auto folder = test::scratch("tng_mini");
    TinyTng mini;
    mini.dropped_field = "GFM_InitialMass";
    test::on_root([&] { mini.write_chunk(folder / "snap_009.hdf5", 0, 14, 0); });
    auto options = input(folder, SnapshotFormat::tng);
    options.snapshot = 9;
    test::expect_error(test::error_of([&] { test::read_all(options); }), Kind::data,
                       {"snap_009.hdf5:/PartType4", "initial mass", "GFM_InitialMass", "TNG mini snapshot 9",
                        "there: Coordinates, GFM_Metallicity"});
}

TEST(TngSnapshot, UnitAttributesWinOverTheTableWithAWarning) {
    const auto path = test::scratch("tng_mpc") / "cutout.hdf5";
    test::on_root([&] { write_two_stars(path, 0.4, 3.0856775814913673e24); });
    const int before = log::warning_count();
    const auto all = test::read_all(input(path));
    EXPECT_NEAR(all.stars.x[1], 3 * 0.5 / 0.7 * 1000, 1e-3); // a float's step at 2000 kpc is 1e-4
    if (world().is_root()) {
        EXPECT_EQ(log::warning_count(), before + 2);
    } // this one, and that present masses are missing
}

TEST(TngSnapshot, StarsFromTheFutureAreRefusedButForRounding) {
    const auto write = [](const std::string& name, double birth) {
        const auto path = test::scratch(name) / "cutout.hdf5";
        test::on_root([&] { write_two_stars(path, birth); });
        return input(path);
    };
    EXPECT_EQ(test::read_all(write("tng_rounding", 0.50002)).stars.age[1], 0);
    test::expect_error(test::error_of([&] { test::read_all(write("tng_future", 0.51)); }), Kind::data,
                       {"GFM_StellarFormationTime, row 1", "0.51", "0.5"});
    test::expect_error(test::error_of([&] { test::read_all(write("tng_nan", std::nan(""))); }), Kind::data,
                       {"GFM_StellarFormationTime, row 1", "nan"});
}

TEST(TngSnapshot, NothingButWindIsNoStarAtAll) {
    const auto path = test::scratch("tng_wind") / "cutout.hdf5";
    test::on_root([&] { TinyTng{}.write_chunk(path, 11, 1, 0); });
    test::expect_error(test::error_of([&] { test::read_all(input(path)); }), Kind::data,
                       {"cutout.hdf5", "no star at all", "1 of 1 rows are wind"});
}

TEST(TngSnapshot, SubhaloDataOfTheFileIsTheCentre) {
    const auto path = test::scratch("tng_rubix_made") / "galaxy.hdf5";
    test::on_root([&] {
        auto file = io::Hdf5File::create(path.string());
        auto header = file.create_group("Header");
        for (const auto& [key, value] :
             {std::pair{"Time", 0.5}, std::pair{"HubbleParam", 0.7}, std::pair{"Omega0", 0.3}}) {
            header.set(key, value);
        }
        test::put(file, "PartType4/Coordinates", {11, 22, 33}, 3);
        test::put(file, "PartType4/Velocities", {1, 2, 3}, 3);
        test::put(file, "PartType4/GFM_InitialMass", {1});
        test::put(file, "PartType4/GFM_Metallicity", {0});
        test::put(file, "PartType4/GFM_StellarFormationTime", {0.4});
        for (const auto& [name, value] : {std::pair{"pos_x", 10.0}, std::pair{"pos_y", 20.0}, std::pair{"pos_z", 30.0},
                                          std::pair{"halfmassrad_stars", 7.0}}) {
            test::put_number(file, std::string("SubhaloData/") + name, value);
        }
    });
    const auto all = test::read_all(input(path));
    const double f = 0.5 / 0.7;
    ASSERT_TRUE(all.info.galaxy.centre.has_value());
    EXPECT_NEAR((*all.info.galaxy.centre)[2], 30 * f, 1e-9);
    EXPECT_NEAR(*all.info.galaxy.half_mass_radius, 7 * f, 1e-9);
    EXPECT_NEAR(all.stars.x[0], f, 1e-6);
}

TEST(TngSnapshot, MissingSnapshotsChunksAndHeadersAreErrors) {
    auto options = run_of({}, "tng_errors");
    options.snapshot = 7;
    test::expect_error(test::error_of([&] { open_snapshot(options, world()); }), Kind::data,
                       {"no file of snapshot 7", "snapdir_007", "simulation.snapshot"});
    options.snapshot = 8;
    test::on_root(
        [&] { std::filesystem::remove(std::filesystem::path(options.path) / "snapdir_008/snap_008.1.hdf5"); });
    test::expect_error(test::error_of([&] { open_snapshot(options, world()); }), Kind::data,
                       {"snap_008.2.hdf5 after chunk 0", "snap_008.1.hdf5"});

    const auto path = test::scratch("tng_header") / "cutout.hdf5";
    test::on_root([&] {
        auto file = io::Hdf5File::create(path.string());
        test::put(file, "PartType4/Coordinates", {11, 22, 33}, 3);
        test::put(file, "PartType4/GFM_Metallicity", {0});
        file.create_group("Header").set("Time", 0.5);
    });
    test::expect_error(test::error_of([&] { open_snapshot(input(path), world()); }), Kind::data,
                       {"cutout.hdf5:/Header", "HubbleParam"});
}

} // namespace
} // namespace tessera
