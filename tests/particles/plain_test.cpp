#include <fstream>
#include <map>

#include <hdf5.h> // text is nothing that the program writes as a dataset

#include "tests/particles/tiny_snapshots.hpp"

namespace tessera {
namespace {

using test::input;
using test::world;

/// What a test does differently from the good file of 5 stars and 3 gas cells.
struct Plain {
    std::map<std::string, std::vector<double>> stars{
        {"coordinates", {1e5, 2e5, 3e5, 1e5 + 0.001, 2e5, 3e5, 9, 8, 7, 1, 2, 3, 4, 5, 6}},
        {"velocities", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
        {"initial_mass", {1e5, 2e5, 3e5, 4e5, 0}},
        {"metallicity", {0, 0.01, 0.02, 0.03, 1}},
        {"age", {0, 1, 2, 3, 13}},
    };
    std::map<std::string, std::vector<double>> gas{{"coordinates", {1, 2, 3, 4, 5, 6, 7, 8, 9}},
                                                   {"velocities", {1, 2, 3, 4, 5, 6, 7, 8, 9}},
                                                   {"masses", {10, 20, 30}}};
    std::function<void(io::Hdf5Group&)> more = [](io::Hdf5Group&) {};

    std::filesystem::path write(const std::string& name) const {
        const auto path = test::scratch(name) / "disc.hdf5";
        test::on_root([&] {
            auto file = io::Hdf5File::create(path.string());
            for (const auto& [field, values] : stars) {
                test::put(file, "stars/" + field, values, field == "coordinates" || field == "velocities" ? 3 : 1);
            }
            for (const auto& [field, values] : gas) {
                test::put(file, "gas/" + field, values, field == "coordinates" || field == "velocities" ? 3 : 1);
            }
            more(file);
        });
        return path;
    }
};

std::optional<Error> reading(const std::filesystem::path& path) {
    return test::error_of([&] { test::read_all(input(path)); });
}

TEST(PlainFile, IsDetectedAndGivesItsStarsForAnyRankCount) {
    const auto all = test::read_all(input(Plain{}.write("good")), std::array{1e5, 2e5, 3e5});
    EXPECT_EQ(all.info.format, SnapshotFormat::plain);
    EXPECT_EQ(all.info.n_star_rows, 5);
    EXPECT_EQ(all.info.n_gas_rows, 3);
    EXPECT_EQ(all.info.bytes_to_read, 5 * 9 * 8 + 3 * 7 * 8);
    EXPECT_FALSE(all.info.redshift.has_value());
    EXPECT_EQ(all.report.n_star, 5);
    EXPECT_EQ(all.report.n_wind_dropped, 0);
    ASSERT_EQ(all.stars.size(), 5);
    // 1 pc at 10^5 kpc: lost if positions became float before the origin was subtracted (step 8 pc).
    EXPECT_NEAR(all.stars.x[1], 0.001, 1e-9);
    EXPECT_FLOAT_EQ(all.stars.z[4], 6 - 3e5);
    EXPECT_FLOAT_EQ(all.stars.vy[2], 8);
    EXPECT_FLOAT_EQ(all.stars.age[4], 13);
    EXPECT_FLOAT_EQ(all.stars.metallicity[4], 1);
    EXPECT_EQ(all.stars.mass, all.stars.initial_mass); // the default
    EXPECT_EQ(all.stars.row, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
}

TEST(PlainFile, TakesPresentMassAndFactsOfTheGalaxyWhenThere) {
    Plain plain;
    plain.stars["mass"] = {1, 2, 3, 4, 5};
    plain.more = [](io::Hdf5Group& file) {
        auto galaxy = file.create_group("galaxy");
        const std::vector<double> centre{1, 2, 3}, velocity{4, 5, 6};
        galaxy.set("centre", std::span(centre));
        galaxy.set("velocity", std::span(velocity));
        galaxy.set("half_mass_radius", 3.5);
        file.set("redshift", 0.25);
        file.dataset("stars/age").set("unit", "Gyr");
        file.dataset("stars/velocities").set("unit", "km / s");
    };
    const auto all = test::read_all(input(plain.write("facts")));
    EXPECT_EQ(all.stars.mass, (std::vector<float>{1, 2, 3, 4, 5}));
    EXPECT_EQ(all.info.redshift, 0.25);
    EXPECT_DOUBLE_EQ(all.info.scale_factor, 0.8);
    EXPECT_EQ(all.info.galaxy.centre, (std::array{1.0, 2.0, 3.0}));
    EXPECT_EQ(all.info.galaxy.velocity, (std::array{4.0, 5.0, 6.0}));
    EXPECT_EQ(all.info.galaxy.half_mass_radius, 3.5);
    EXPECT_FLOAT_EQ(all.stars.x[2], 9 - 1); // the centre is the provisional origin
}

TEST(PlainFile, PositionsAreTheNearestPeriodicImage) {
    Plain plain;
    plain.stars["coordinates"] = {0.5, 0, 0, 99.5, 0, 0, 50.0, 0, 0, 10, 0, 0, 90, 0, 0};
    plain.more = [](io::Hdf5Group& file) { file.set("box_size", 100.0); };
    const auto all = test::read_all(input(plain.write("periodic")), std::array{99.0, 0.0, 0.0});
    EXPECT_EQ(all.stars.x, (std::vector<float>{1.5F, 0.5F, -49.0F, 11.0F, -9.0F}));
}

TEST(PlainFile, GasIsReadWithWhatItHas) {
    Plain plain;
    plain.gas["temperature"] = {1e4, 2e4, 3e4};
    const auto snapshot = open_snapshot(input(plain.write("gas")), world());
    ReadReport report;
    const Gas gas = snapshot->read_gas({0, 0, 0}, report);
    EXPECT_EQ(report.n_gas, 3);
    EXPECT_EQ(world().all_gather(std::span<const float>(gas.mass)), (std::vector<float>{10, 20, 30}));
    EXPECT_EQ(world().all_gather(std::span<const float>(gas.temperature)), (std::vector<float>{1e4, 2e4, 3e4}));
    EXPECT_TRUE(gas.density.empty());

    auto options = input(plain.write("no_gas"));
    options.gas = false;
    const auto without = open_snapshot(options, world());
    EXPECT_EQ(without->info().n_gas_rows, 0);
    EXPECT_EQ(without->read_gas({0, 0, 0}, report).size(), 0);
    const Gas lean = snapshot->read_gas({0, 0, 0}, report, GasFields::place_and_mass);
    EXPECT_EQ(lean.x, gas.x);
    EXPECT_EQ(lean.z, gas.z);
    EXPECT_EQ(lean.mass, gas.mass);
    EXPECT_TRUE(lean.vx.empty() && lean.density.empty() && lean.temperature.empty());
}

TEST(PlainFile, BadValuesNameDatasetRowAndValueOnEveryRank) {
    const auto with = [](const std::string& field, std::size_t i, double value) {
        Plain plain;
        plain.stars[field][i] = value;
        return reading(plain.write("bad"));
    };
    test::expect_error(with("initial_mass", 3, -2e5), Kind::data,
                       {"disc.hdf5:/stars/initial_mass, row 3", "-200000", "at least 0"});
    test::expect_error(with("age", 4, -0.5), Kind::data, {"/stars/age, row 4", "-0.5"});
    test::expect_error(with("metallicity", 0, -0.01), Kind::data, {"/stars/metallicity, row 0", "-0.01"});
    test::expect_error(with("metallicity", 2, 1.5), Kind::data, {"/stars/metallicity, row 2", "1.5", "mass fraction"});
    test::expect_error(with("coordinates", 4, std::nan("")), Kind::data,
                       {"/stars/coordinates, row 1", "nan", "finite"});
    test::expect_error(with("velocities", 14, HUGE_VAL), Kind::data, {"/stars/velocities, row 4", "inf"});
    test::expect_error(with("initial_mass", 1, 1e300), Kind::data, {"/stars/initial_mass, row 1", "1e+300"});
}

TEST(PlainFile, TheFirstBadRowIsReportedWhateverTheRankCount) {
    Plain plain;
    plain.stars["age"][1] = -1;
    plain.stars["initial_mass"][4] = -1;
    plain.stars["metallicity"][2] = std::nan("");
    test::expect_error(reading(plain.write("several")), Kind::data, {"/stars/age, row 1"});
}

TEST(PlainFile, MissingFieldListsWhatIsThere) {
    Plain plain;
    plain.stars.erase("metallicity");
    test::expect_error(reading(plain.write("missing")), Kind::data,
                       {"disc.hdf5:/stars", "metallicity", "there: age, coordinates, initial_mass, velocities"});
    Plain no_positions;
    no_positions.stars.erase("coordinates");
    test::expect_error(reading(no_positions.write("no_positions")), Kind::data, {"positions", "coordinates"});
}

TEST(PlainFile, DifferingLengthsWrongShapesAndTextAreErrors) {
    Plain lengths;
    lengths.stars["age"].pop_back();
    test::expect_error(reading(lengths.write("lengths")), Kind::data, {"/stars/age", "4 rows", "5"});

    Plain shape;
    shape.stars.erase("age");
    shape.more = [](io::Hdf5Group& file) { test::put(file, "stars/age", std::vector<double>(10, 1.0), 2); };
    test::expect_error(reading(shape.write("shape")), Kind::data, {"/stars/age", "shape [5, 2]", "one number a row"});

    Plain flat;
    flat.stars.erase("coordinates");
    flat.more = [](io::Hdf5Group& file) { test::put(file, "stars/coordinates", std::vector<double>(5, 1.0)); };
    test::expect_error(reading(flat.write("flat")), Kind::data, {"/stars/coordinates", "shape [5]", "[rows, 3]"});
}

TEST(PlainFile, TextWhereNumbersBelongIsAnError) {
    Plain plain;
    plain.stars.erase("age");
    const auto path = plain.write("text");
    test::on_root([&] {
        const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
        const hid_t type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, 4);
        const hsize_t n = 5;
        const hid_t space = H5Screate_simple(1, &n, nullptr);
        const hid_t dataset = H5Dcreate2(file, "stars/age", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        H5Dclose(dataset);
        H5Sclose(space);
        H5Tclose(type);
        H5Fclose(file);
    });
    test::expect_error(reading(path), Kind::data, {"/stars/age", "text", "numbers"});
}

TEST(PlainFile, ContradictingUnitsAreRefusedNamingBoth) {
    Plain plain;
    plain.more = [](io::Hdf5Group& file) { file.dataset("stars/coordinates").set("unit", "Mpc"); };
    test::expect_error(reading(plain.write("units")), Kind::data, {"/stars/coordinates", "'Mpc'", "kpc"});
}

TEST(PlainFile, AbsurdFactsOfTheGalaxyAreRefused) {
    for (const auto& [name, value] :
         {std::pair{"box_size", -5.0}, std::pair{"redshift", -1.0}, std::pair{"half_mass_radius", 0.0}}) {
        Plain plain;
        plain.more = [&](io::Hdf5Group& file) { file.set(name, value); };
        test::expect_error(reading(plain.write("absurd")), Kind::data,
                           {"disc.hdf5", name, fmt::format("found {}", value)});
    }
}

TEST(PlainFile, WithoutStarsIsAnError) {
    Plain plain;
    for (auto& [field, values] : plain.stars) { values.clear(); }
    test::expect_error(reading(plain.write("empty")), Kind::data, {"disc.hdf5", "no star at all"});
}

TEST(Input, TruncatedOrOtherFilesAreNamedOnEveryRank) {
    const auto path = Plain{}.write("truncated");
    test::on_root([&] { std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2); });
    test::expect_error(reading(path), Kind::data, {"disc.hdf5"});
    const auto text = test::scratch("text_file") / "notes.hdf5";
    test::on_root([&] { std::ofstream(text) << "not HDF5"; });
    test::expect_error(reading(text), Kind::data, {"notes.hdf5"});
}

TEST(PlainFile, HasNoSubhalos) {
    auto options = input(Plain{}.write("subhalo"));
    options.subhalo = 3;
    test::expect_error(test::error_of([&] { open_snapshot(options, world()); }), Kind::config,
                       {"simulation.subhalo", "plain"});
}

TEST(Input, WithoutPathOrFileOrLayoutIsAnError) {
    test::expect_error(test::error_of([] { open_snapshot({}, world()); }), Kind::config, {"simulation.path"});
    const auto folder = test::scratch("nothing");
    test::expect_error(reading(folder / "none.hdf5"), Kind::data, {"none.hdf5", "no such file"});
    test::expect_error(reading(folder), Kind::data, {"no file ending in .hdf5"});
    test::on_root([&] { io::Hdf5File::create((folder / "what.hdf5").string()).create_group("Something"); });
    test::expect_error(
        reading(folder / "what.hdf5"), Kind::data,
        {"what.hdf5", "nothing that identifies", "SimulationName", "GFM_", "/stars", "simulation.format"});
}

} // namespace
} // namespace tessera
