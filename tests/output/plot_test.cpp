// The parts that pictures are made of: ticks, units, stretch and colours.
#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "output/colour_map.hpp"
#include "output/stretch.hpp"
#include "output/ticks.hpp"

namespace tessera {
namespace {

using Labels = std::vector<std::string>;

TEST(Ticks, AreMultiplesOfOneTwoOrFive) {
    EXPECT_EQ(nice_ticks({0, 10}, 6).label, (Labels{"0", "2", "4", "6", "8", "10"}));
    EXPECT_EQ(nice_ticks({-2.5, 2.5}, 6).label, (Labels{"−2", "−1", "0", "1", "2"}));
    EXPECT_EQ(nice_ticks({4700.15, 9351.4}, 12).label,
              (Labels{"5000", "5500", "6000", "6500", "7000", "7500", "8000", "8500", "9000"}));
    EXPECT_EQ(nice_ticks({0, 0.3}, 4).label, (Labels{"0.0", "0.1", "0.2", "0.3"}));
}

TEST(Ticks, LieInsideTheRangeEvenlyAndAreAtMostAsManyAsAsked) {
    for (const double low : {-3.7e-7, -120.0, 0.0, 17.3, 9.9e8}) {
        for (double span : {1e-6, 0.37, 4.2, 999.0, 3e9}) {
            span = std::max(span, 1e-5 * std::abs(low)); // narrower ones lose their spacing to rounding
            for (int n = 2; n <= 12; ++n) {
                const Ticks ticks = nice_ticks({low, low + span}, n);
                ASSERT_LE(ticks.value.size(), static_cast<std::size_t>(n));
                ASSERT_EQ(ticks.value.size(), ticks.label.size());
                for (std::size_t i = 0; i < ticks.value.size(); ++i) {
                    EXPECT_GE(ticks.value[i], low - 1e-8 * span);
                    EXPECT_LE(ticks.value[i], low + span * (1 + 1e-8));
                    if (i > 1) {
                        EXPECT_NEAR(ticks.value[i] - ticks.value[i - 1], ticks.value[1] - ticks.value[0], 1e-6 * span);
                    }
                }
                if (n >= 5) { EXPECT_GE(ticks.value.size(), 2U) << low << " " << span << " " << n; }
            }
        }
    }
}

TEST(Ticks, LargeAndSmallValuesShareAFactor) {
    const Ticks large = nice_ticks({0, 3.2e7}, 4);
    EXPECT_EQ(large.exponent, 7);
    EXPECT_EQ(large.label, (Labels{"0", "1", "2", "3"}));
    const Ticks small = nice_ticks({0, 4e-6}, 5);
    EXPECT_EQ(small.exponent, -6);
    EXPECT_EQ(small.label, (Labels{"0", "1", "2", "3", "4"}));
    EXPECT_EQ(nice_ticks({6000, 53000}, 6).exponent, 0);
}

TEST(Ticks, NoRangeGivesNone) {
    const double infinity = std::numeric_limits<double>::infinity();
    EXPECT_TRUE(nice_ticks({1, 1}, 5).value.empty());
    EXPECT_TRUE(nice_ticks({2, 1}, 5).value.empty());
    EXPECT_TRUE(nice_ticks({1e9, 1e9 + 1e-6}, 5).value.empty()) << "rounding errors";
    EXPECT_TRUE(nice_ticks({0, infinity}, 5).value.empty());
    EXPECT_TRUE(nice_ticks({std::nan(""), 1}, 5).value.empty());
}

TEST(Ticks, PaddingGivesEveryRangeASpan) {
    EXPECT_DOUBLE_EQ(padded({0, 10}, 0.1).high, 11);
    EXPECT_DOUBLE_EQ(padded({0, 0}, 0.1).low, -1);
    EXPECT_DOUBLE_EQ(padded({5, 5}, 0.1).high, 10);
    EXPECT_DOUBLE_EQ(padded({std::nan(""), 5}, 0.1).high, 1);
}

TEST(Ticks, ZeroHasNoSign) {
    EXPECT_EQ(number_text(-0.01, 1), "0.0");
    EXPECT_EQ(number_text(-0.06, 1), "−0.1");
}

TEST(Units, ReadAsAPersonWritesThem) {
    EXPECT_EQ(readable_unit("1e-20 erg/s/cm2/Angstrom"), "10⁻²⁰ erg s⁻¹ cm⁻² Å⁻¹");
    EXPECT_EQ(readable_unit("1e-20 erg s-1 cm-2 Angstrom-1"), "10⁻²⁰ erg s⁻¹ cm⁻² Å⁻¹");
    EXPECT_EQ(readable_unit("10**(-20)*erg/s/cm**2/Angstrom"), "10⁻²⁰ erg s⁻¹ cm⁻² Å⁻¹");
    EXPECT_EQ(readable_unit("Lsun/Angstrom"), "L☉ Å⁻¹");
    EXPECT_EQ(readable_unit("Lsun"), "L☉");
    EXPECT_EQ(readable_unit("km/s"), "km s⁻¹");
    EXPECT_EQ(readable_unit("1e-20 erg/s/cm2"), "10⁻²⁰ erg s⁻¹ cm⁻²");
    EXPECT_EQ(readable_unit("1e-20 erg/s/cm2/Angstrom Angstrom"), "10⁻²⁰ erg s⁻¹ cm⁻²");
    EXPECT_EQ(readable_unit("Lsun/Angstrom Angstrom"), "L☉");
    EXPECT_EQ(readable_unit("widgets"), "widgets");
    EXPECT_EQ(readable_unit(""), "");
    EXPECT_EQ(readable_unit("1"), "");
    EXPECT_EQ(power_of_ten(-17), "10⁻¹⁷");
}

TEST(Stretch, IsLinearBelowTheSofteningAndLogarithmicAbove) {
    const AsinhStretch stretch({0, 1e-3F, 1, 10, 100, 1000, 1e4F});
    EXPECT_DOUBLE_EQ(stretch(0), 0);
    EXPECT_DOUBLE_EQ(stretch(-5), 0);
    EXPECT_DOUBLE_EQ(stretch(1e4), 1);
    EXPECT_DOUBLE_EQ(stretch(1e9), 1);
    EXPECT_DOUBLE_EQ(stretch.softening(), 1e4 / 3000); // the image's faint light is below what the bar can show
    // asinh x = ln 2x + 1/(4x^2) - ...: at x = 300 a decade is ln 10 to 3e-6 of it.
    const double scale = std::asinh(1e4 / stretch.softening());
    EXPECT_NEAR((stretch(1e4) - stretch(1e3)) * scale, std::log(10.0), 1e-5);
}

TEST(Stretch, TicksAscendFromZero) {
    for (const auto& image : {std::vector<float>{1, 20, 500, 30000}, {4.9F, 5, 5.1F}, {1e-9F, 1e-6F}, {2e12F}}) {
        const Ticks ticks = AsinhStretch(image).ticks();
        ASSERT_GE(ticks.value.size(), 2U);
        EXPECT_EQ(ticks.label.front(), "0");
        for (std::size_t i = 1; i < ticks.value.size(); ++i) { EXPECT_GT(ticks.value[i], ticks.value[i - 1]); }
        EXPECT_LE(ticks.value.back(), 1 + 1e-9);
    }
    EXPECT_TRUE(AsinhStretch({0, -1, std::numeric_limits<float>::quiet_NaN()}).ticks().value.empty());
    EXPECT_EQ(AsinhStretch({})(1.0), 0);
}

TEST(Stretch, UsualValuesIgnoreAFewWildOnes) {
    std::vector<float> values(100, 10);
    values[3] = -1e6F;
    EXPECT_DOUBLE_EQ(largest_usual(values), 10);
    EXPECT_DOUBLE_EQ(largest_usual({}), 0);
    EXPECT_GT(usual_range(values).span(), 0);
    EXPECT_DOUBLE_EQ(percentile({1, 2, 3}, 0.5), 2);
}

/// Lightness L of Oklab from sRGB, by Ottosson's forward formulas (the maps are made by the inverse ones).
double lightness(const Colour& colour) {
    const auto linear = [](double v) { return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4); };
    const double r = linear(colour.red), g = linear(colour.green), b = linear(colour.blue);
    const double l = std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const double m = std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const double s = std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s;
}

TEST(ColourMaps, LightnessRisesEvenly) {
    // 1e-3: the table of 256 colours rounds the place by 1/510 of a range of at most 0.84; clipping into sRGB adds to it.
    for (const ColourMap* map : {&light_map(), &scalar_map()}) {
        const double low = lightness(map->at(0)), high = lightness(map->at(1));
        EXPECT_LT(low, 0.3);
        EXPECT_GT(high, 0.94);
        for (double t = 0; t <= 1; t += 0.05) {
            EXPECT_NEAR(lightness(map->at(t)), low + t * (high - low), 0.012) << t;
        }
    }
}

TEST(ColourMaps, DivergingIsCentredOnANeutralAndEquallyDarkOnBothSides) {
    const ColourMap& map = diverging_map();
    const Colour centre = map.at(0.5);
    EXPECT_NEAR(centre.red, centre.green, 0.01);
    EXPECT_NEAR(centre.blue, centre.green, 0.01);
    EXPECT_GT(lightness(centre), 0.95);
    for (double t = 0.05; t <= 0.5; t += 0.05) {
        EXPECT_NEAR(lightness(map.at(0.5 - t)), lightness(map.at(0.5 + t)), 0.02) << t;
        EXPECT_GT(map.at(0.5 - t).blue, map.at(0.5 - t).red);
        EXPECT_GT(map.at(0.5 + t).red, map.at(0.5 + t).blue);
    }
}

TEST(ColourMaps, EndsContinueAndNothingIsOutsideTheGamut) {
    for (const ColourMap* map : {&light_map(), &scalar_map(), &diverging_map()}) {
        EXPECT_EQ(map->at(-3).red, map->at(0).red);
        EXPECT_EQ(map->at(7).green, map->at(1).green);
        EXPECT_EQ(map->at(std::nan("")).blue, map->at(0).blue);
        for (double t = 0; t <= 1; t += 0.01) {
            for (const double part : {map->at(t).red, map->at(t).green, map->at(t).blue}) {
                EXPECT_GE(part, 0);
                EXPECT_LE(part, 1);
            }
        }
    }
}

} // namespace
} // namespace tessera
