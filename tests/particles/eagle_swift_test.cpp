#include "tests/particles/tiny_snapshots.hpp"

namespace tessera {
namespace {

using test::input;
using test::world;

constexpr double a = 0.8, h = 0.6777, omega_m = 0.307;

/// EAGLE: cMpc/h, 1e10 Msun/h, km sqrt(a)/s, with the release's attribute names; Time is a time, not a.
std::filesystem::path write_eagle(const std::string& name, bool attributes, bool code_units) {
    const auto path = test::scratch(name) / "snap_027_z000p101.0.hdf5";
    test::on_root([&] {
        auto file = io::Hdf5File::create(path.string());
        auto header = file.create_group("Header");
        header.set("RunLabel", std::string("EAGLE RefL0025N0376"));
        for (const auto& [key, value] :
             {std::pair{"ExpansionFactor", a}, std::pair{"Time", 0.0123}, std::pair{"HubbleParam", h},
              std::pair{"Omega0", omega_m}, std::pair{"OmegaLambda", 1 - omega_m}, std::pair{"BoxSize", 16.9425}}) {
            header.set(key, value);
        }
        const std::vector<std::int64_t> n{0, 0, 0, 0, 2, 0};
        header.set("NumPart_ThisFile", std::span(n));
        if (code_units) {
            auto units = file.create_group("Units");
            units.set("UnitLength_in_cm", 3.0856775814913673e24);
            units.set("UnitMass_in_g", 1.988409870698051e43);
            units.set("UnitVelocity_in_cm_per_s", 1e5);
        }
        auto stars = file.create_group("PartType4");
        test::put(stars, "Coordinates", {1, 2, 3, 1.001, 2, 3}, 3);
        test::put(stars, "Velocity", {10, 20, 30, 40, 50, 60}, 3);
        test::put(stars, "InitialMass", {1e-4, 2e-4});
        test::put(stars, "Mass", {0.5e-4, 1e-4});
        test::put(stars, "Metallicity", {0.9, 0.9});
        test::put(stars, "SmoothedMetallicity", {0.01, 0.02});
        test::put(stars, "StellarFormationTime", {0.4, 0.75});
        if (!attributes) { return; }
        const auto set = [&](const char* dataset, double a_exponent, double h_exponent, double cgs) {
            auto there = stars.dataset(dataset);
            there.set("aexp-scale-exponent", a_exponent);
            there.set("h-scale-exponent", h_exponent);
            there.set("CGSConversionFactor", cgs);
        };
        set("Coordinates", 1, -1, 3.0856775814913673e24);
        set("Velocity", 0.5, 0, 1e5);
        set("InitialMass", 0, -1, 1.988409870698051e43);
        set("Mass", 0, -1, 1.988409870698051e43);
    });
    return path;
}

void expect_eagle_stars(const test::ReadAll& all) {
    EXPECT_EQ(all.info.format, SnapshotFormat::eagle);
    EXPECT_DOUBLE_EQ(all.info.scale_factor, a);
    EXPECT_NEAR(*all.info.box_size, 16942.5 * a / h, 1e-6);
    EXPECT_NEAR(all.stars.x[1], 1.0 * a / h, 1e-6);
    EXPECT_FLOAT_EQ(all.stars.vy[1], static_cast<float>(50 * std::sqrt(a)));
    EXPECT_FLOAT_EQ(all.stars.initial_mass[1], static_cast<float>(2e6 / h));
    EXPECT_FLOAT_EQ(all.stars.mass[0], static_cast<float>(0.5e6 / h));
    EXPECT_FLOAT_EQ(all.stars.metallicity[0], 0.01F);
    for (const auto& [i, birth] : {std::pair{0U, 0.4}, std::pair{1U, 0.75}}) {
        // A float's step at 7 Gyr is 5e-7.
        EXPECT_NEAR(all.stars.age[i], test::closed_form_age(a, h, omega_m) - test::closed_form_age(birth, h, omega_m),
                    1e-6);
    }
}

TEST(EagleSnapshot, IsDetectedAndScaledByItsAttributes) {
    expect_eagle_stars(test::read_all(input(write_eagle("eagle", true, false))));
}

TEST(EagleSnapshot, IsScaledByItsCodeUnitsWithoutAttributes) {
    expect_eagle_stars(test::read_all(input(write_eagle("eagle_units", false, true))));
}

TEST(EagleSnapshot, UnitsAreNeverGuessed) {
    const auto path = write_eagle("eagle_none", false, false);
    test::expect_error(test::error_of([&] { test::read_all(input(path)); }), Kind::data,
                       {"/PartType4/Coordinates", "no unit attributes", "CGSConversionFactor"});
}

TEST(EagleSnapshot, SubhalosNeedATngLayout) {
    auto options = input(write_eagle("eagle_subhalo", true, false));
    options.subhalo = 0;
    test::expect_error(test::error_of([&] { open_snapshot(options, world()); }), Kind::config,
                       {"simulation.subhalo", "eagle"});
}

/// SWIFT: comoving Mpc, 1e10 Msun, peculiar km/s, no h.
std::filesystem::path write_swift(const std::string& name, const std::string& birth_field,
                                  const std::vector<double>& births) {
    const auto path = test::scratch(name) / "snap_0001.hdf5";
    test::on_root([&] {
        auto file = io::Hdf5File::create(path.string());
        auto header = file.create_group("Header");
        header.set("Code", std::string("SWIFT"));
        const std::vector<double> one_a{a}, box{25, 25, 25}, time{2.0};
        header.set("Scale-factor", std::span(one_a));
        header.set("BoxSize", std::span(box));
        header.set("Time", std::span(time));
        const std::vector<std::int64_t> n{0, 0, 0, 0, 2, 0, 0};
        header.set("NumPart_ThisFile", std::span(n));
        auto cosmology = file.create_group("Cosmology");
        cosmology.set("Cosmological run", static_cast<std::int64_t>(birth_field == "BirthTimes" ? 0 : 1));
        cosmology.set("h", h);
        cosmology.set("Omega_m", omega_m);
        cosmology.set("Omega_lambda", 1 - omega_m);
        auto units = file.create_group("Units");
        units.set("Unit length in cgs (U_L)", 3.0856775814913673e24);
        units.set("Unit mass in cgs (U_M)", 1.988409870698051e43);
        units.set("Unit time in cgs (U_t)", 3.0856775814913673e19);
        auto stars = file.create_group("PartType4");
        test::put(stars, "Coordinates", {1, 2, 3, 1.001, 2, 3}, 3);
        test::put(stars, "Velocities", {10, 20, 30, 40, 50, 60}, 3);
        test::put(stars, "InitialMasses", {1e-4, 2e-4});
        test::put(stars, "Masses", {0.5e-4, 1e-4});
        test::put(stars, "MetalMassFractions", {0.01, 0.02});
        test::put(stars, birth_field, births);
        if (name == "swift_physical") {
            auto there = stars.dataset("Coordinates");
            there.set("Conversion factor to CGS (not including cosmological corrections)", 3.0856775814913673e24);
            there.set("a-scale exponent", 1.0);
            there.set("h-scale exponent", 0.0);
            there.set("Value stored as physical", 1.0);
        }
    });
    return path;
}

TEST(SwiftSnapshot, IsDetectedAndScaledByItsUnitsWithoutH) {
    const auto all = test::read_all(input(write_swift("swift", "BirthScaleFactors", {0.4, 0.75})));
    EXPECT_EQ(all.info.format, SnapshotFormat::swift);
    EXPECT_NEAR(*all.info.box_size, 25000 * a, 1e-6);
    EXPECT_NEAR(all.stars.x[1], 1.0 * a, 1e-6);
    EXPECT_FLOAT_EQ(all.stars.vy[1], 50);
    EXPECT_FLOAT_EQ(all.stars.initial_mass[1], 2e6);
    EXPECT_NEAR(all.stars.age[0], test::closed_form_age(a, h, omega_m) - test::closed_form_age(0.4, h, omega_m), 1e-6);
}

TEST(SwiftSnapshot, ValuesStoredAsPhysicalTakeNoScaleFactor) {
    EXPECT_NEAR(test::read_all(input(write_swift("swift_physical", "BirthScaleFactors", {0.4, 0.75}))).stars.x[1], 1.0,
                1e-6);
}

TEST(SwiftSnapshot, RunsWithoutExpansionCountBirthTimes) {
    const auto all = test::read_all(input(write_swift("swift_time", "BirthTimes", {0.5, 2.0})));
    EXPECT_NEAR(all.stars.age[0], 1.5 * 3.0856775814913673e19 / 3.15576e16, 1e-3); // 1467 Gyr: a float's step is 1e-4
    EXPECT_EQ(all.stars.age[1], 0);
    EXPECT_FALSE(all.info.redshift.has_value());
}

TEST(SwiftSnapshot, AStarOfTheInitialConditionsHasNoAge) {
    const auto path = write_swift("swift_ic", "BirthScaleFactors", {0.4, -1});
    test::expect_error(test::error_of([&] { test::read_all(input(path)); }), Kind::data,
                       {"BirthScaleFactors, row 1", "-1", "above 0"});
}

} // namespace
} // namespace tessera
