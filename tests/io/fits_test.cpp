// FITS: what is written comes back, with checksums; and what the user reads when a file is not what it should be.
#include "tessera/io/fits.hpp"

#include <cmath>
#include <csignal>
#include <fstream>
#include <limits>
#include <numeric>

#include <sys/resource.h>

#include <fitsio.h>
#include <gmock/gmock.h>

#include "tests/io/expect_checksums.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

using io::FitsColumn;
using io::FitsPixel;
using io::FitsReader;
using io::FitsWriter;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

std::string small_file(const std::string& folder) {
    const std::string path = (test::scratch(folder) / "small [1].fits").string(); // brackets are part of the name
    FitsWriter file(path);
    file.set("CREATOR", "a test");
    const std::array<std::int64_t, 3> shape{3, 2, 4};
    file.add_image("DATA", FitsPixel::float32, shape);
    file.set("BUNIT", "10**(-20)*erg/s/cm**2/Angstrom", "unit");
    file.set("CRVAL1", 1.0 / 3.0);
    file.set("NSTAR", (std::int64_t{1} << 53) + 1);
    file.set("FLAG", true);
    file.set("NOTHING", std::numeric_limits<double>::quiet_NaN());
    file.set("LONGTEXT", std::string(150, 'x') + "é");
    file.set("seconds_synthesis", 1.5, "longer than eight characters");
    file.comment("a comment");
    std::vector<float> pixels(24);
    std::iota(pixels.begin(), pixels.end(), 0.0F);
    pixels[5] = std::numeric_limits<float>::quiet_NaN();
    const std::span<const float> all(pixels);
    file.add_image("DQ", FitsPixel::int32, std::array<std::int64_t, 2>{1, 3});
    file.add_image("WAVE", FitsPixel::float64, std::array<std::int64_t, 1>{2});
    const std::vector<FitsColumn> columns{{"WAVE", "Angstrom", std::vector<double>{1.5, 2.5}},
                                          {"N", "", std::vector<std::int64_t>{7, -1}},
                                          {"TEXT", "", std::vector<std::string>{"a: 1", "longer"}}};
    file.add_table("TABLE", columns);
    file.lay_out();
    file.write_planes<float>("DATA", 2, all.last(8));
    file.write_planes<float>("DATA", 0, all.first(16));
    file.write_planes<std::int32_t>("DQ", 0, std::array<std::int32_t, 3>{1, -2, 3});
    file.write_planes<double>("WAVE", 0, std::array<double, 2>{4750.123456789, 4751.0});
    file.close();
    return path;
}

TEST(Fits, ImagesTablesAndKeywordsComeBack) {
    const FitsReader file(small_file("fits-round"));
    ASSERT_EQ(file.hdus().size(), 5U);
    EXPECT_EQ(file.find_text(0, "CREATOR"), "a test");
    EXPECT_TRUE(file.hdus()[0].shape.empty());
    const int data = file.index("data");
    EXPECT_EQ(data, 1);
    EXPECT_THAT(file.hdus()[1].shape, ElementsAre(3, 2, 4));
    const auto pixels = file.read_image<double>(data);
    for (std::size_t i = 0; i < 24; ++i) {
        if (i == 5) {
            EXPECT_TRUE(std::isnan(pixels[i]));
        } else {
            EXPECT_EQ(pixels[i], static_cast<double>(i));
        }
    }
    EXPECT_THAT(file.read_image<std::int32_t>(2), ElementsAre(1, -2, 3));
    EXPECT_THAT(file.read_image<double>(3), ElementsAre(4750.123456789, 4751.0));
    EXPECT_THAT(file.read_image<float>(3), ElementsAre(4750.123456789F, 4751.0F));

    EXPECT_EQ(file.find_text(data, "BUNIT"), "10**(-20)*erg/s/cm**2/Angstrom");
    EXPECT_NEAR(file.number(data, "CRVAL1"), 1.0 / 3.0, 1e-15); // 15 decimals are written
    EXPECT_EQ(file.find_text(data, "NSTAR"), "9007199254740993");
    EXPECT_EQ(file.find_text(data, "FLAG"), "T");
    EXPECT_EQ(file.find_number(data, "NOTHING"), std::nullopt);
    EXPECT_EQ(file.find_text(data, "LONGTEXT"), std::string(150, 'x') + "??"); // two bytes of UTF-8
    EXPECT_EQ(file.find_number(data, "seconds_synthesis"), 1.5);
    EXPECT_EQ(file.find_text(data, "ABSENT"), std::nullopt);
    EXPECT_EQ(file.find_number(data, "BUNIT"), std::nullopt);
    EXPECT_TRUE(file.has_key(data, "BUNIT"));

    const int table = file.index("TABLE");
    EXPECT_TRUE(file.hdus()[4].is_table);
    EXPECT_THAT(file.columns(table), ElementsAre("WAVE", "N", "TEXT"));
    EXPECT_THAT(file.read_column(table, "wave"), ElementsAre(1.5, 2.5));
    EXPECT_THAT(file.read_column(table, "N"), ElementsAre(7, -1));
    EXPECT_THAT(file.read_text_column(table, "TEXT"), ElementsAre("a: 1", "longer"));
}

TEST(Fits, EveryHduCarriesItsChecksum) {
    const std::string path = small_file("fits-checksum");
    test::expect_checksums(path);
}

TEST(Fits, ScaledIntegersAreReadAsTheNumbersTheyMean) {
    const std::string path = (test::scratch("fits-scaled") / "scaled.fits").string();
    int status = 0;
    fitsfile* file = nullptr;
    long axes[1] = {3};
    double scale = 0.5, zero = 10.0;
    short stored[3] = {0, 1, -4};
    fits_create_diskfile(&file, path.c_str(), &status);
    fits_create_img(file, SHORT_IMG, 1, axes, &status);
    fits_write_img(file, TSHORT, 1, 3, stored, &status);
    fits_update_key(file, TDOUBLE, "BSCALE", &scale, nullptr, &status);
    fits_update_key(file, TDOUBLE, "BZERO", &zero, nullptr, &status);
    fits_close_file(file, &status);
    ASSERT_EQ(status, 0);
    EXPECT_THAT(FitsReader(path).read_image<double>(0), ElementsAre(10.0, 10.5, 8.0));
}

void expect_data_error(const std::optional<Error>& error, const std::string& path, const std::string& part) {
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::data);
    EXPECT_THAT(error->what(), HasSubstr(path));
    EXPECT_THAT(error->what(), HasSubstr(part));
}

TEST(Fits, BadFilesAreNamed) {
    const auto folder = test::scratch("fits-bad");
    const std::string good = small_file("fits-good");
    const std::string text = (folder / "text.fits").string(), truncated = (folder / "truncated.fits").string();
    std::ofstream(text) << "this is not FITS\n";
    std::filesystem::copy_file(good, truncated);
    std::filesystem::resize_file(truncated, 2880 * 2 + 40); // inside the pixels of the first image
    const auto open = [](const std::string& path) { return error_of([&] { FitsReader file(path); }); };
    expect_data_error(open(text), text, "does not begin like FITS");
    expect_data_error(open((folder / "absent.fits").string()), "absent.fits", "no such file");
    expect_data_error(open(folder.string()), folder.string(), "a folder");
    expect_data_error(open(truncated), truncated, "truncated: fetch");
}

TEST(Fits, WhatAFileLacksIsNamedWithTheNearest) {
    const std::string path = small_file("fits-lacks");
    const FitsReader file(path);
    expect_data_error(error_of([&] { file.index("DATE"); }), path, "nearest name is 'DATA'");
    expect_data_error(error_of([&] { file.read_image<float>(0); }), path, "a header without data");
    expect_data_error(error_of([&] { file.read_image<float>(4); }), path, "a table");
    expect_data_error(error_of([&] { file.read_column(4, "WAVES"); }), path, "nearest name is 'WAVE'");
    expect_data_error(error_of([&] { file.read_column(4, "TEXT"); }), path, "found text; expected numbers");
    expect_data_error(error_of([&] { file.read_text_column(4, "N"); }), path, "found numbers; expected text");
    expect_data_error(error_of([&] { file.number(1, "BUNIT"); }), path, "the text '10**");
    expect_data_error(error_of([&] { file.number(1, "ABSENT"); }), path, "no such keyword");
}

TEST(Fits, AnUnwritableFolderIsAResourceError) {
    const std::string path = (test::scratch("fits-unwritable") / "absent" / "cube.fits").string();
    const auto error = error_of([&] { FitsWriter file(path); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_THAT(error->what(), HasSubstr(path));
    EXPECT_THAT(error->what(), HasSubstr("cannot be written"));
}

TEST(Fits, AFullDiskIsAResourceErrorAndLeavesNoFile) {
    const std::string path = (test::scratch("fits-full") / "cube.fits").string();
    void (*const handler)(int) = std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit limit{100000, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto error = error_of([&] {
        FitsWriter file(path);
        file.add_image("DATA", FitsPixel::float32, std::array<std::int64_t, 2>{100, 1000});
        file.lay_out();
    });
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_THAT(error->what(), HasSubstr(path));
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Fits, TheVersionIsNamed) { EXPECT_THAT(FitsWriter::library_version(), HasSubstr("CFITSIO ")); }

} // namespace
} // namespace tessera
