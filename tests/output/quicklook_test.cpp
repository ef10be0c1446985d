#include "tessera/output/quicklook.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include <zlib.h>

#include "output/canvas.hpp"
#include "tests/support/test_support.hpp"

namespace fs = std::filesystem;

namespace tessera {
namespace {

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();
constexpr std::uint32_t first_map_right = 96 + 360; // page_left + map_side of src/output/quicklook.cpp

std::string content_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::uint32_t big_endian(const std::string& bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) { value = value << 8U | static_cast<unsigned char>(bytes[at + i]); }
    return value;
}

/// A decoder of 8-bit RGB PNG files by the standard (ISO/IEC 15948), independent of the library that wrote them.
struct Png {
    std::uint32_t width = 0, height = 0;
    std::vector<unsigned char> pixels; // [y, x, 3], y downwards

    std::array<int, 3> at(std::uint32_t x, std::uint32_t y) const {
        const std::size_t i = 3 * (static_cast<std::size_t>(y) * width + x);
        return {pixels[i], pixels[i + 1], pixels[i + 2]};
    }
};

Png decode(const fs::path& path) {
    const std::string bytes = content_of(path);
    Png png;
    if (bytes.size() < 33 || bytes.compare(0, 8, "\x89PNG\r\n\x1a\n") != 0) { return png; }
    std::string packed;
    for (std::size_t at = 8; at + 12 <= bytes.size();) {
        const std::size_t length = big_endian(bytes, at);
        const std::string type = bytes.substr(at + 4, 4);
        const auto* begin = reinterpret_cast<const Bytef*>(bytes.data() + at + 4);
        EXPECT_EQ(crc32(0, begin, static_cast<uInt>(length + 4)), big_endian(bytes, at + 8 + length)) << type;
        if (type == "IHDR") {
            png.width = big_endian(bytes, at + 8);
            png.height = big_endian(bytes, at + 12);
            EXPECT_EQ(bytes.substr(at + 16, 2), std::string("\x08\x02")) << "8 bits, RGB";
        }
        if (type == "IDAT") { packed += bytes.substr(at + 8, length); }
        at += length + 12;
    }
    const std::size_t stride = 3 * static_cast<std::size_t>(png.width);
    std::vector<unsigned char> rows(png.height * (stride + 1));
    uLongf size = rows.size();
    EXPECT_EQ(uncompress(rows.data(), &size, reinterpret_cast<const Bytef*>(packed.data()), packed.size()), Z_OK);
    EXPECT_EQ(size, rows.size());
    png.pixels.assign(png.height * stride, 0);
    for (std::size_t y = 0; y < png.height; ++y) {
        const unsigned char filter = rows[y * (stride + 1)];
        for (std::size_t i = 0; i < stride; ++i) {
            const int a = i >= 3 ? png.pixels[y * stride + i - 3] : 0, b = y > 0 ? png.pixels[(y - 1) * stride + i] : 0;
            const int c = i >= 3 && y > 0 ? png.pixels[(y - 1) * stride + i - 3] : 0;
            const int p = a + b - c, pa = std::abs(p - a), pb = std::abs(p - b), pc = std::abs(p - c);
            const int paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
            const std::array<int, 5> guess{0, a, b, (a + b) / 2, paeth};
            png.pixels[y * stride + i] = static_cast<unsigned char>(rows[y * (stride + 1) + 1 + i] + guess.at(filter));
        }
    }
    return png;
}

/// A disc of n × n spaxels turning about the y axis, with three spectra.
QuickLook disc(std::int64_t n) {
    QuickLook look;
    look.title = "a disc";
    look.subtitle = {"z = 0.06 · 1000 stars", "MUSE · exact"};
    look.n_y = look.n_x = n;
    look.spaxel_size = 0.2;
    look.kpc_per_arcsec = 1.19;
    look.white_light_unit = "1e-20 erg/s/cm2";
    look.flux_unit = "1e-20 erg/s/cm2/Angstrom";
    look.medium = Medium::air;
    for (std::int64_t i = 0; i < n * n; ++i) {
        const double x = static_cast<double>(i % n) - 0.5 * static_cast<double>(n - 1);
        const double y = static_cast<double>(i / n) - 0.5 * static_cast<double>(n - 1);
        look.white_light.push_back(static_cast<float>(1e4 * std::exp(-std::hypot(x, y) / 2)));
        look.velocity.push_back(static_cast<float>(100 * x / (1 + std::abs(x))));
        look.dispersion.push_back(static_cast<float>(50 + std::abs(y)));
    }
    for (int i = 0; i < 100; ++i) { look.wavelength.push_back(4700 + 40.0 * i); }
    look.spaxels = choose_spaxels(look.white_light, n, n);
    for (MarkedSpaxel& spaxel : look.spaxels) { spaxel.flux.assign(100, 3.5F); }
    return look;
}

Png drawn(const QuickLook& look, const std::string& name) {
    const fs::path path = test::scratch("quicklook-" + name) / "cube.png";
    draw_quicklook(look, path.string());
    return decode(path);
}

/// Reddish and bluish pixels of the velocity map's left and right half.
struct Tint {
    int red = 0, blue = 0;
};
Tint tint(const Png& png, std::uint32_t left, std::uint32_t right) {
    Tint sum;
    for (std::uint32_t y = 180; y < 500; ++y) {
        for (std::uint32_t x = left; x < right; ++x) {
            const auto [r, g, b] = png.at(x, y);
            sum.red += r > b + 60 ? 1 : 0;
            sum.blue += b > r + 60 ? 1 : 0;
        }
    }
    return sum;
}

TEST(QuickLook, IsAPngThatDecodes) {
    const fs::path folder = test::scratch("quicklook-decodes");
    draw_quicklook(disc(25), (folder / "cube.png").string());
    const Png png = decode(folder / "cube.png");
    EXPECT_EQ(png.width, 1760U);
    EXPECT_EQ(png.height, 1040U);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1)
        << "nothing is left beside it";
}

TEST(QuickLook, VelocityIsBlueWhereApproachingAndRedWhereReceding) {
    const Png png = drawn(disc(25), "velocity");
    const std::uint32_t left = 96 + 552, centre = left + 180, right = left + 360;
    const Tint approaching = tint(png, left + 10, centre - 40), receding = tint(png, centre + 40, right - 10);
    EXPECT_GT(approaching.blue, 10000);
    EXPECT_GT(receding.red, 10000);
    EXPECT_LT(approaching.red, approaching.blue / 20); // marks only
    EXPECT_LT(receding.blue, receding.red / 20);
}

TEST(QuickLook, RowsRunUpwardsAndColumnsToTheRight) {
    QuickLook look = disc(4);
    look.spaxels.clear();
    std::fill(look.white_light.begin(), look.white_light.end(), 0.0F);
    look.white_light[3 * 4 + 0] = 1; // the last row, first column: upper left on the page
    const Png png = drawn(look, "orientation");
    std::uint32_t n_bright = 0, most_right = 0, lowest = 0, highest = png.height, lowest_dark = 0;
    for (std::uint32_t y = 130; y < 560; ++y) {
        for (std::uint32_t x = 100; x < first_map_right - 4; ++x) {
            const auto [r, g, b] = png.at(x, y);
            const Colour bright = light_map().at(1), dark = light_map().at(0);
            const auto is = [&, red = r, green = g](const Colour& c) {
                return std::abs(red - std::lround(255 * c.red)) < 2 && std::abs(green - std::lround(255 * c.green)) < 2;
            };
            if (is(bright) && b < 250) { // not the white of the page
                ++n_bright;
                most_right = std::max(most_right, x);
                lowest = std::max(lowest, y);
                highest = std::min(highest, y);
            }
            if (is(dark)) { lowest_dark = std::max(lowest_dark, y); }
        }
    }
    EXPECT_GT(n_bright, 80U * 80U); // a quarter of 360 in each direction, less the frame
    EXPECT_LE(most_right, 96U + 90U);
    EXPECT_LE(lowest - highest, 90U);
    EXPECT_GT(lowest_dark, lowest + 250U);
}

TEST(QuickLook, TheSameInputGivesTheSameBytes) {
    const fs::path folder = test::scratch("quicklook-same");
    draw_quicklook(disc(9), (folder / "a.png").string());
    draw_quicklook(disc(9), (folder / "b.png").string());
    EXPECT_EQ(content_of(folder / "a.png"), content_of(folder / "b.png"));
}

TEST(QuickLook, VectorFormatsFollowTheExtension) {
    const fs::path folder = test::scratch("quicklook-vector");
    draw_quicklook(disc(5), (folder / "cube.svg").string());
    draw_quicklook(disc(5), (folder / "cube.PDF").string());
    EXPECT_NE(content_of(folder / "cube.svg").find("<svg"), std::string::npos);
    EXPECT_EQ(content_of(folder / "cube.PDF").substr(0, 5), "%PDF-");
}

TEST(QuickLook, OddInputsAreDrawnWithoutFuss) {
    QuickLook nothing; // no spaxel, no wavelength, no text
    EXPECT_EQ(drawn(nothing, "nothing").width, 1760U);

    EXPECT_EQ(drawn(disc(1), "one").width, 1760U);
    EXPECT_EQ(drawn(disc(2), "two").width, 1760U);

    QuickLook dark = disc(7);
    std::fill(dark.white_light.begin(), dark.white_light.end(), 0.0F);
    std::fill(dark.velocity.begin(), dark.velocity.end(), nan_value);
    std::fill(dark.dispersion.begin(), dark.dispersion.end(), nan_value);
    for (MarkedSpaxel& spaxel : dark.spaxels) { std::fill(spaxel.flux.begin(), spaxel.flux.end(), 0.0F); }
    EXPECT_EQ(drawn(dark, "dark").width, 1760U);

    QuickLook holes = disc(7);
    holes.dispersion.clear();
    holes.kpc_per_arcsec = std::numeric_limits<double>::infinity();
    std::fill(holes.white_light.begin(), holes.white_light.end(), nan_value);
    holes.velocity[3] = std::numeric_limits<float>::infinity();
    holes.spaxels[0].flux.assign(holes.wavelength.size(), nan_value);
    holes.spaxels[1].flux[5] = nan_value;
    holes.spaxels[2].flux[5] = 1e30F;
    EXPECT_EQ(drawn(holes, "holes").width, 1760U);

    QuickLook line = disc(3); // 1 × 9 spaxels, still and negative light, one wavelength
    line.n_y = 1;
    line.n_x = 9;
    line.spaxel_size = 0;
    std::fill(line.white_light.begin(), line.white_light.end(), -1.0F);
    std::fill(line.velocity.begin(), line.velocity.end(), 0.0F);
    line.wavelength = {5000};
    line.spaxels = {{.y = 0, .x = 8, .label = "last", .flux = {1}}};
    EXPECT_EQ(drawn(line, "line").width, 1760U);

    QuickLook unreadable = disc(3);
    unreadable.title =
        "caf\xe9 \xff\xf0\x80\x80\x80 \xed\xa0\x80"; // not UTF-8: the bytes of a file name may be anything
    unreadable.subtitle = {std::string(2000, 'x'), "", "\t"};
    EXPECT_EQ(drawn(unreadable, "unreadable").width, 1760U);
}

TEST(QuickLook, SizesThatDoNotFitAreAnError) {
    const fs::path folder = test::scratch("quicklook-sizes");
    const auto kind_of = [&folder](const QuickLook& look) {
        const auto error = test::error_of([&] { draw_quicklook(look, (folder / "cube.png").string()); });
        EXPECT_TRUE(fs::is_empty(folder));
        return error ? error->kind() : Kind::partial;
    };
    QuickLook short_map = disc(5);
    short_map.velocity.pop_back();
    EXPECT_EQ(kind_of(short_map), Kind::internal);
    QuickLook short_spectrum = disc(5);
    short_spectrum.spaxels[1].flux.pop_back();
    EXPECT_EQ(kind_of(short_spectrum), Kind::internal);
    QuickLook outside = disc(5);
    outside.spaxels[1].x = 5;
    EXPECT_EQ(kind_of(outside), Kind::internal);
}

TEST(QuickLook, AnUnknownExtensionIsAConfigurationError) {
    const auto error = test::error_of([] { draw_quicklook(disc(5), "cube.jpeg"); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::config);
    EXPECT_NE(std::string(error->what()).find("'.jpeg'"), std::string::npos) << error->what();
    EXPECT_NE(std::string(error->what()).find(".svg"), std::string::npos) << error->what();
}

TEST(QuickLook, AnUnwritablePathIsAResourceErrorAndLeavesNothing) {
    const fs::path folder = test::scratch("quicklook-unwritable");
    const auto missing =
        test::error_of([&] { draw_quicklook(disc(5), (folder / "no-such-folder" / "cube.png").string()); });
    ASSERT_TRUE(missing);
    EXPECT_EQ(missing->kind(), Kind::resource);
    EXPECT_NE(std::string(missing->what()).find("no-such-folder/cube.png"), std::string::npos) << missing->what();
    EXPECT_NE(std::string(missing->what()).find("no folder"), std::string::npos) << missing->what();

    fs::create_directories(folder / "cube.png" / "full"); // a folder in the way
    const auto in_the_way = test::error_of([&] { draw_quicklook(disc(5), (folder / "cube.png").string()); });
    ASSERT_TRUE(in_the_way);
    EXPECT_EQ(in_the_way->kind(), Kind::resource);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1) << "only the folder itself";
}

TEST(QuickLook, AFullDiskIsAResourceError) {
    if (!fs::exists("/dev/full")) { GTEST_SKIP() << "/dev/full is not here: nothing that is always full"; }
    const fs::path folder = test::scratch("quicklook-full");
    // The picture goes aside as .cube.png.partial: a link there to a device that is always full.
    fs::create_symlink("/dev/full", folder / ".cube.png.partial");
    const auto error = test::error_of([&] { draw_quicklook(disc(5), (folder / "cube.png").string()); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_NE(std::string(error->what()).find("No space left"), std::string::npos) << error->what();
    EXPECT_TRUE(fs::is_empty(folder));
}

TEST(ChooseSpaxels, TakesTheBrightestThenTheRingsOfHalfAndNinetyPercent) {
    // Light at distances 0 (10), 2 (2 × 5 on the x axis) and 5 (2 × 3): total 26; half is reached at radius 2, 90 % at 5.
    const std::int64_t n = 13;
    std::vector<float> light(static_cast<std::size_t>(n * n));
    const auto at = [&](std::int64_t y, std::int64_t x) -> float& {
        return light[static_cast<std::size_t>(y * n + x)];
    };
    at(6, 6) = 10;
    at(6, 4) = 4;
    at(6, 8) = 6;
    at(6, 1) = at(6, 11) = 3;
    const auto chosen = choose_spaxels(light, n, n);
    ASSERT_EQ(chosen.size(), 3U);
    EXPECT_EQ(chosen[0].label, "centre");
    EXPECT_EQ(chosen[0].y, 6);
    EXPECT_EQ(chosen[0].x, 6);
    EXPECT_EQ(chosen[1].label, "half-light radius");
    EXPECT_EQ(chosen[1].x, 8) << "the brighter of the ring";
    EXPECT_EQ(chosen[2].label, "outskirts");
    EXPECT_EQ(chosen[2].x, 1) << "the far side";
}

TEST(ChooseSpaxels, SmallAndDarkImagesGiveFewer) {
    EXPECT_TRUE(choose_spaxels({}, 0, 0).empty());
    EXPECT_EQ(choose_spaxels({7}, 1, 1).size(), 1U);
    const auto dark = choose_spaxels(std::vector<float>(25, 0.0F), 5, 5);
    ASSERT_EQ(dark.size(), 1U);
    EXPECT_EQ(dark[0].y, 2);
    EXPECT_EQ(dark[0].x, 2);
    std::vector<float> masked(25, nan_value);
    masked[7] = 2;
    masked[8] = -5;
    const auto one = choose_spaxels(masked, 5, 5);
    ASSERT_EQ(one.size(), 1U);
    EXPECT_EQ(one[0].y * 5 + one[0].x, 7);
}

} // namespace
} // namespace tessera
