// Which cubes a contact sheet shows, and that its picture does not grow with the catalogue.
#include "tessera/output/contact_sheet.hpp"

#include <array>
#include <cmath>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

/// Width and height from a PNG's header.
std::array<int, 2> size_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::array<unsigned char, 24> bytes{};
    file.read(reinterpret_cast<char*>(bytes.data()), bytes.size());
    EXPECT_EQ(bytes[1], 'P');
    const auto number = [&](std::size_t at) {
        return bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
    };
    return {number(16), number(20)};
}

TEST(ContactSheet, ShowsAllOrAnEvenChoice) {
    EXPECT_TRUE(choose_thumbnails(0).empty());
    EXPECT_EQ(choose_thumbnails(1), std::vector<std::size_t>{0});
    EXPECT_EQ(choose_thumbnails(3), (std::vector<std::size_t>{0, 1, 2}));
    for (const std::size_t n : {std::size_t{60}, std::size_t{61}, std::size_t{100000}}) {
        const auto chosen = choose_thumbnails(n);
        EXPECT_EQ(chosen.size(), most_thumbnails);
        EXPECT_EQ(std::set<std::size_t>(chosen.begin(), chosen.end()).size(), most_thumbnails);
        EXPECT_EQ(chosen.front(), 0U);
        EXPECT_EQ(chosen.back(), n - 1);
    }
}

TEST(ContactSheet, IsBoundedAndDrawsWhateverThereIs) {
    const auto folder = test::scratch("sheet");
    const float none = std::nanf("");
    std::vector<Thumbnail> cubes{{"0_0", "bright", 2, 3, {1, 2, 3, 4, 5, 6}},
                                 {"1_0", "dark", 1, 1, {0}},
                                 {"2_0", "nothing", 2, 2, {none, none, none, none}},
                                 {"3_0", "negative", 1, 4, {-1, -2, 1e-30F, 1e30F}}};
    const auto path = folder / "few.png";
    draw_contact_sheet("few", cubes, path.string());
    const auto few = size_of(path);
    while (cubes.size() < most_thumbnails) { cubes.push_back(cubes.front()); }
    draw_contact_sheet("many", cubes, path.string());
    const auto many = size_of(path);
    EXPECT_LT(few[0], many[0]);
    EXPECT_LE(many[0], 1500);
    EXPECT_LE(many[1], 1200);
    cubes.push_back(cubes.front());
    EXPECT_TRUE(test::error_of([&] { draw_contact_sheet("too many", cubes, path.string()); }).has_value());
    EXPECT_TRUE(test::error_of([&] { draw_contact_sheet("", {{"x", "", 2, 2, {1}}}, path.string()); }).has_value());
}

} // namespace
} // namespace tessera
