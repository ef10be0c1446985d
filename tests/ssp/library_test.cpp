// Reading the HDF5 dialects on any number of ranks, writing the plain layout, and every way in which a file can be wrong.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h> // a data set of text, which our own writer has no use for

#include "tessera/io/hdf5.hpp"
#include "tessera/ssp/library.hpp"
#include "tests/support/test_support.hpp"

using namespace tessera;
using testing::HasSubstr;

namespace {

/// A small library as a file has it: every part can be spoilt.
struct File {
    std::string age_name = "age", metallicity_name = "metallicity", wavelength_name = "wavelength", flux_name = "flux";
    std::vector<double> age{0.1, 1, 10}, metallicity{0.004, 0.02}, wavelength{4000, 5000, 6000, 7000};
    std::vector<double> flux;             ///< empty: 1, 2, 3 …
    std::vector<std::int64_t> flux_shape; ///< empty: [metallicity, age, wavelength]
    std::string age_unit = "Gyr", metallicity_unit = "mass fraction", wavelength_unit = "Angstrom",
                flux_unit = "Lsun/Angstrom per Msun formed";
    std::string medium;
};

void put(io::Hdf5Group& file, const std::string& name, const std::vector<std::int64_t>& shape,
         const std::vector<double>& values, const std::string& unit) {
    if (name.empty()) { return; }
    auto dataset = file.create_dataset(name, io::NumberType::float64, shape);
    if (!values.empty()) { dataset.write_all<double>(values); }
    if (!unit.empty()) { dataset.set("unit", unit); }
}

std::int64_t length(const std::vector<double>& values) { return static_cast<std::int64_t>(values.size()); }

/// Writes on rank 0; the path on every rank.
std::string write(const File& content, const std::string& name) {
    const std::string path = (test::scratch("ssp_library") / (name + ".h5")).string();
    if (test::world().is_root()) {
        io::Hdf5Group file = io::Hdf5File::create(path);
        put(file, content.age_name, {length(content.age)}, content.age, content.age_unit);
        put(file, content.metallicity_name, {length(content.metallicity)}, content.metallicity,
            content.metallicity_unit);
        put(file, content.wavelength_name, {length(content.wavelength)}, content.wavelength, content.wavelength_unit);
        std::vector<std::int64_t> shape = content.flux_shape;
        if (shape.empty()) { shape = {length(content.metallicity), length(content.age), length(content.wavelength)}; }
        std::vector<double> flux = content.flux;
        if (flux.empty()) {
            std::int64_t n = 1;
            for (const std::int64_t extent : shape) { n *= extent; }
            for (std::int64_t i = 0; i < n; ++i) { flux.push_back(double(i + 1)); }
        }
        put(file, content.flux_name, shape, flux, content.flux_unit);
        if (!content.medium.empty()) { file.dataset("wavelength").set("medium", content.medium); }
    }
    test::world().barrier();
    return path;
}

ssp::Library read(const std::string& path, const ssp::ReadHints& hints = {},
                  ssp::Format format = ssp::Format::automatic) {
    ssp::LibraryOptions options;
    options.path = path;
    options.format = format;
    return ssp::read_library(options, test::world(), hints);
}

/// Every rank must refuse, with kind data, in words that hold all of `parts`.
void expect_refused(const std::string& path, const std::vector<std::string>& parts, const ssp::ReadHints& hints = {}) {
    const auto error = test::error_of([&] { read(path, hints); });
    ASSERT_TRUE(error) << path << " was read";
    EXPECT_EQ(error->kind(), Kind::data) << error->what();
    EXPECT_THAT(error->what(), HasSubstr(std::filesystem::path(path).filename().string()));
    for (const std::string& part : parts) { EXPECT_THAT(error->what(), HasSubstr(part)); }
}

} // namespace

TEST(ReadLibrary, TheRubixLayoutArrivesOnEveryRank) {
    File content;
    content.medium = "air";
    const ssp::Library library = read(write(content, "good"));
    EXPECT_EQ(library.format, "rubix");
    EXPECT_EQ(library.name, "good");
    EXPECT_EQ(library.medium, Medium::air);
    EXPECT_EQ(library.age, content.age);
    EXPECT_EQ(library.metallicity, content.metallicity);
    EXPECT_EQ(library.wavelength, content.wavelength);
    ASSERT_EQ(library.flux.size(), 24u);
    for (std::size_t i = 0; i < 24; ++i) { EXPECT_EQ(library.flux[i], float(i + 1)); }
    EXPECT_EQ(library.nodes()(4, 2), 4 * 4 + 2 + 1); // node = iZ n_age + i_age
    EXPECT_EQ(library.checksum, ssp::checksum_of(library));
    EXPECT_FALSE(library.resolution_fwhm);
}

TEST(ReadLibrary, UnitsOfTheFileAreConverted) {
    File content;
    content.age = {-1, 0, 1};
    content.age_unit = "log10(Gyr)";
    content.metallicity = {-2, -1.5};
    content.metallicity_unit = "log10(Z)";
    content.wavelength = {400, 500, 600, 700};
    content.wavelength_unit = "nm";
    content.flux_unit = "erg/s/Angstrom/Msun";
    content.flux.assign(24, 3.828e33);
    const ssp::Library library = read(write(content, "units"));
    EXPECT_NEAR(library.age[0], 0.1, 1e-15);
    EXPECT_NEAR(library.age[2], 10, 1e-14);
    EXPECT_NEAR(library.metallicity[1], std::pow(10, -1.5), 1e-16);
    EXPECT_NEAR(library.wavelength[3], 7000, 1e-11);
    for (const float value : library.flux) { EXPECT_FLOAT_EQ(value, 1); } // solar luminosity, IAU 2015
}

TEST(ReadLibrary, AgesInYearsAndTheirLogarithmAreUnderstood) {
    File content;
    content.age = {1e8, 1e9, 1e10};
    content.age_unit = "yr";
    EXPECT_NEAR(read(write(content, "yr")).age[2], 10, 1e-12);
    content.age = {8, 9, 10};
    content.age_unit = "log10(yr)";
    EXPECT_NEAR(read(write(content, "log_yr")).age[1], 1, 1e-12);
    content.age = {100, 1000, 10000};
    content.age_unit = "Myr";
    EXPECT_NEAR(read(write(content, "myr")).age[0], 0.1, 1e-12);
}

TEST(ReadLibrary, TheDspsLayoutIsConvertedFromPerHertz) {
    File content;
    content.age_name = "ssp_lg_age_gyr";
    content.metallicity_name = "ssp_lgmet";
    content.wavelength_name = "ssp_wave";
    content.flux_name = "ssp_flux";
    content.age = {-1, 0, 1};
    content.metallicity = {-2.5, -1.7};
    content.age_unit = content.metallicity_unit = content.wavelength_unit = content.flux_unit = "";
    content.flux.assign(24, 1e-15);
    const ssp::Library library = read(write(content, "dsps"));
    EXPECT_EQ(library.format, "dsps");
    EXPECT_EQ(library.medium, Medium::vacuum);
    EXPECT_NEAR(library.age[0], 0.1, 1e-15);
    EXPECT_NEAR(library.metallicity[0], std::pow(10, -2.5), 1e-16);
    for (std::size_t i = 0; i < 24; ++i) { // c / lambda^2, c = 2.99792458e18 Angstrom/s
        EXPECT_FLOAT_EQ(library.flux[i],
                        static_cast<float>(1e-15 * 2.99792458e18 / std::pow(content.wavelength[i % 4], 2)));
    }
}

TEST(ReadLibrary, TheRealBc03FileIsRead) {
    const auto path = test::shared("data/ssp/bc03_miles_rubix.h5");
    if (!path) { GTEST_SKIP() << test::absent("data/ssp/bc03_miles_rubix.h5"); }
    const ssp::Library library = read(path->string());
    EXPECT_EQ(library.n_metallicity(), 7);
    EXPECT_EQ(library.n_age(), 56);
    EXPECT_EQ(library.n_wave(), 6789);
    EXPECT_NEAR(library.metallicity.back(), 0.1, 1e-8); // float32 in the file
    EXPECT_NEAR(library.age.back(), 20, 1e-6);
    const auto sums = test::world().all_gather_value(static_cast<std::int64_t>(library.checksum));
    for (const std::int64_t sum : sums) { EXPECT_EQ(sum, sums[0]); }
    EXPECT_EQ(library.checksum, ssp::checksum_of(library)) << "what arrived is what was sent";
}

TEST(WriteLibrary, ThePlainLayoutComesBackBitForBit) {
    ssp::Library library = ssp::demo_library();
    library.age[3] = 0.1 / 3 * 0.15; // bits that no decimal text would keep
    library.resolution_fwhm = 2.51;
    library.imf = "Kroupa (2001)";
    library.medium = Medium::vacuum;
    library.checksum = ssp::checksum_of(library);
    const std::string path = (test::scratch("ssp_write") / "plain library.h5").string();
    if (test::world().is_root()) { ssp::write_library(library, path); }
    test::world().barrier();
    const ssp::Library back = read(path);
    EXPECT_EQ(back.format, "plain");
    EXPECT_EQ(back.name, library.name);
    EXPECT_EQ(back.source, path);
    EXPECT_EQ(back.imf, library.imf);
    EXPECT_EQ(back.medium, library.medium);
    EXPECT_EQ(back.resolution_fwhm, library.resolution_fwhm);
    EXPECT_EQ(back.metallicity, library.metallicity);
    EXPECT_EQ(back.age, library.age);
    EXPECT_EQ(back.wavelength, library.wavelength);
    EXPECT_EQ(back.flux, library.flux);
    EXPECT_EQ(back.checksum, library.checksum);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(std::filesystem::path(path).parent_path()), {}), 1)
        << "nothing left aside";
    EXPECT_EQ(read(path, {}, ssp::Format::rubix).flux, library.flux) << "also readable as the layout RUBIX knows";
}

TEST(WriteLibrary, AnUnwritablePlaceIsAResourceError) {
    const std::string path = (test::scratch("ssp_write") / "no such folder" / "x.h5").string();
    const auto error = test::error_of([&] { ssp::write_library(ssp::demo_library(), path); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_THAT(error->what(), HasSubstr("x.h5"));
}

TEST(ReadLibrary, AnAlteredPlainFileIsRefused) {
    const std::string path = (test::scratch("ssp_write") / "altered.h5").string();
    if (test::world().is_root()) {
        ssp::write_library(ssp::demo_library(), path);
        const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), flux = H5Dopen2(file, "flux", H5P_DEFAULT);
        auto values = ssp::demo_library().flux;
        values[values.size() / 2] *= 1.5f;
        H5Dwrite(flux, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
        H5Dclose(flux);
        H5Fclose(file);
    }
    test::world().barrier();
    expect_refused(path, {"checksum"});
}

TEST(ReadLibrary, VersionOneOfThePlainLayoutCarriesFnv1a) {
    const std::string path = (test::scratch("ssp_write") / "version one.h5").string();
    const ssp::Library demo = ssp::demo_library();
    if (test::world().is_root()) {
        // FNV-1a as its authors print it, byte by byte.
        std::uint64_t hash = 14695981039346656037ULL;
        const auto add = [&hash](const void* data, std::size_t n) {
            for (std::size_t i = 0; i < n; ++i) {
                hash ^= static_cast<const unsigned char*>(data)[i];
                hash *= 1099511628211ULL;
            }
        };
        for (const std::int64_t extent : {demo.n_metallicity(), demo.n_age(), demo.n_wave()}) { add(&extent, 8); }
        for (const auto* axis : {&demo.metallicity, &demo.age, &demo.wavelength}) {
            add(axis->data(), axis->size() * 8);
        }
        add(demo.flux.data(), demo.flux.size() * 4);
        ssp::write_library(demo, path);
        const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
        const auto write = [file](const char* name, hid_t type, const void* value) {
            H5Adelete(file, name);
            const hid_t space = H5Screate(H5S_SCALAR),
                        attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
            H5Awrite(attribute, type, value);
            H5Aclose(attribute);
            H5Sclose(space);
        };
        const std::int64_t one = 1;
        write("version", H5T_NATIVE_INT64, &one);
        const std::string text = fmt::format("{:016x}", hash);
        const hid_t type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, text.size());
        write("checksum", type, text.data());
        H5Tclose(type);
        H5Fclose(file);
    }
    test::world().barrier();
    EXPECT_EQ(read(path).flux, demo.flux);
    EXPECT_EQ(read(path).checksum, demo.checksum) << "the program's own, whatever the file carries";
}

TEST(ReadLibrary, DemoNeedsNoFile) {
    const ssp::Library library = read("demo");
    EXPECT_EQ(library.checksum, ssp::demo_library().checksum);
}

TEST(ReadLibrary, AFileThatIsNotThereOrNoLibraryIsRefused) {
    const auto folder = test::scratch("ssp_refused");
    expect_refused((folder / "absent.h5").string(), {"no such file"});
    expect_refused(folder.string(), {"folder"});
    if (test::world().is_root()) {
        std::ofstream(folder / "empty.h5");
        std::ofstream(folder / "words.h5") << "these are words, not numbers\n";
        io::Hdf5File::create((folder / "other.h5").string()).create_group("PartType4");
    }
    test::world().barrier();
    expect_refused((folder / "empty.h5").string(), {"empty file"});
    expect_refused((folder / "words.h5").string(), {"none of the known formats"});
    expect_refused((folder / "other.h5").string(), {"PartType4"});
}

TEST(ReadLibrary, ATruncatedFileIsRefused) {
    const std::string path = write({}, "cut");
    if (test::world().is_root()) { std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2); }
    test::world().barrier();
    expect_refused(path, {});
}

TEST(ReadLibrary, AMissingDataSetIsNamed) {
    for (std::string File::* name :
         {&File::age_name, &File::metallicity_name, &File::wavelength_name, &File::flux_name}) {
        File content;
        const std::string missing = content.*name;
        content.*name = "";
        expect_refused(write(content, "without_" + missing), {missing});
    }
}

TEST(ReadLibrary, AWrongShapeIsNamedWithBoth) {
    File content;
    content.flux_shape = {3, 2, 4};
    expect_refused(write(content, "transposed"), {"/flux", "[3, 2, 4]", "[2, 3, 4]"});
    content.flux_shape = {24};
    expect_refused(write(content, "flat"), {"/flux", "[24]"});
    content.flux_shape = {};
    content.age = {};
    content.flux = {1};
    content.flux_shape = {1};
    expect_refused(write(content, "no_age"), {"/age", "empty"});
}

TEST(ReadLibrary, TextInsteadOfNumbersIsNamed) {
    File content;
    content.age_name = "";
    const std::string path = write(content, "text");
    if (test::world().is_root()) {
        const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, 8);
        const hsize_t n = 3;
        const hid_t space = H5Screate_simple(1, &n, nullptr);
        const hid_t data = H5Dcreate2(file, "age", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, "young\0\0\0middle\0\0old\0\0\0\0");
        H5Dclose(data);
        H5Sclose(space);
        H5Tclose(type);
        H5Fclose(file);
    }
    test::world().barrier();
    expect_refused(path, {"/age", "text", "numbers"});
}

TEST(ReadLibrary, NumbersThatAreNoneAreRefused) {
    const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
    File content;
    content.flux.assign(24, 1);
    content.flux[17] = nan;
    expect_refused(write(content, "nan"), {"flux", "nan", "5000 Angstrom", "0.02"});
    content.flux[17] = infinity;
    expect_refused(write(content, "inf"), {"flux", "inf"});
    content.flux.clear();
    content.wavelength[1] = nan;
    expect_refused(write(content, "nan_wavelength"), {"wavelength", "nan"});
}

TEST(ReadLibrary, AxesThatDoNotAscendAreRefused) {
    File content;
    content.age = {0.1, 10, 1};
    expect_refused(write(content, "age_order"), {"age", "1 after 10", "ascending"});
    content.age = {0.1, 1, 1};
    expect_refused(write(content, "age_twice"), {"age", "ascending"});
    content.age = {0.1, 1, 10};
    content.wavelength = {4000, 6000, 5000, 7000};
    expect_refused(write(content, "wavelength_order"), {"wavelength", "5000 after 6000"});
    content.wavelength = {4000, 5000, 6000, 7000};
    content.metallicity = {0.02, 0.004};
    expect_refused(write(content, "metallicity_order"), {"metallicity", "ascending"});
}

TEST(ReadLibrary, SpectraWithoutAnyLightAreRefused) {
    File content;
    content.flux.assign(24, 1);
    for (std::size_t i = 8; i < 12; ++i) { content.flux[i] = 0; }
    expect_refused(write(content, "dark"), {"flux", "zeros", "0.004", "10 Gyr"});
}

// RUBIX's own BC03 file: log10(age/yr) 0, 5.1 … 10.3 without a unit, which its configuration calls Gyr.
TEST(ReadLibrary, AgesThatLookLikeLogarithmsAreRefusedUntilTheUserSaysWhatTheyAre) {
    File content;
    content.age = {0};
    for (int i = 0; i <= 104; ++i) { content.age.push_back(5.1 + 0.05 * i); }
    content.age_unit = "";
    const std::vector<std::string> hint{"/age", "look like log10(yr);", "--age-unit 'log10(yr)'"};
    expect_refused(write(content, "no_unit"), hint);
    content.age_unit = "Gyr";
    const std::string path = write(content, "lying_unit");
    expect_refused(path, hint);
    ssp::ReadHints hints;
    hints.age_unit = ssp::AgeUnit::log10_yr;
    const ssp::Library library = read(path, hints);
    EXPECT_NEAR(library.age.back(), std::pow(10, 1.3), 1e-9);
    EXPECT_NEAR(library.age[0], 1e-9, 1e-20);
}

TEST(ReadLibrary, UnitsThatTheValuesContradictAreRefused) {
    File content;
    content.age = {100, 1000, 10000};
    expect_refused(write(content, "gyr_is_myr"), {"/age", "look like Myr", "25 Gyr"});
    content.age = {-1, 0, 1};
    expect_refused(write(content, "gyr_is_log"), {"/age", "log10(Gyr)"});
    content.age = {0.1, 1, 10};
    content.age_unit = "fortnight";
    expect_refused(write(content, "fortnight"), {"/age", "fortnight"});
    content.age_unit = "Gyr";
    content.metallicity = {-2, -1.7};
    expect_refused(write(content, "negative_metallicity"), {"/metallicity", "logarithms", "--metallicity-unit"});
    content.metallicity = {0.2, 1};
    expect_refused(write(content, "solar_metallicity"), {"/metallicity", "solar units"});
    content.metallicity_unit = "Z/Zsun";
    expect_refused(write(content, "which_sun"), {"/metallicity", "--solar-metallicity"});
    ssp::ReadHints hints;
    hints.solar_metallicity = 0.02;
    EXPECT_NEAR(read(write(content, "this_sun"), hints).metallicity[0], 0.004, 1e-15);
    content.metallicity_unit = "mass fraction";
    content.metallicity = {0.004, 0.02};
    content.flux_unit = "candela";
    expect_refused(write(content, "candela"), {"/flux", "candela"});
    content.flux_unit = "";
    content.wavelength_unit = "furlong";
    expect_refused(write(content, "furlong"), {"/wavelength", "furlong"});
    content.wavelength_unit = "Angstrom";
    content.wavelength = {0.4, 0.5, 0.6, 0.7};
    expect_refused(write(content, "micron"), {"/wavelength", "micrometres"});
    content.wavelength = {4000, 5000, 6000, 7000};
    content.medium = "water";
    expect_refused(write(content, "water"), {"water", "air or vacuum"});
}

TEST(ReadLibrary, AHintOverridesTheFilesMedium) {
    File content;
    content.medium = "air";
    ssp::ReadHints hints;
    hints.medium = Medium::vacuum;
    EXPECT_EQ(read(write(content, "medium"), hints).medium, Medium::vacuum);
}
