// The functions that give the same bits on any processor, against the C library's in long double.
#include "tessera/core/portable_math.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include "tessera/core/random.hpp"

namespace tessera {
namespace {

constexpr long double two_pi = 6.283185307179586476925286766559005768L;

/// |got - wanted| in steps of double at `wanted`.
double steps(double got, long double wanted) {
    int exponent = 0;
    (void)std::frexp(wanted, &exponent);
    return static_cast<double>(std::abs(static_cast<long double>(got) - wanted) / std::ldexp(1.0L, exponent - 53));
}

/// Reduced to a small argument by exact differences, which long double needs as well.
long double exact_cosine(double t) {
    const long double x = t;
    if (t <= 0.125) { return std::cos(two_pi * x); }
    if (t < 0.375) { return std::sin(two_pi * (0.25L - x)); }
    if (t <= 0.625) { return -std::cos(two_pi * (0.5L - x)); }
    if (t < 0.875) { return std::sin(two_pi * (x - 0.75L)); }
    return std::cos(two_pi * (1 - x));
}
long double exact_sine(double t) {
    const long double x = t;
    if (t <= 0.125) { return std::sin(two_pi * x); }
    if (t < 0.375) { return std::cos(two_pi * (0.25L - x)); }
    if (t <= 0.625) { return std::sin(two_pi * (0.5L - x)); }
    if (t < 0.875) { return -std::cos(two_pi * (x - 0.75L)); }
    return -std::sin(two_pi * (1 - x));
}

Philox draw(std::int64_t i) { return Philox::at(1, 2, static_cast<std::uint64_t>(i)); }

TEST(PortableMath, TheLogarithmIsWithinOneStep) {
    double worst = 0;
    const auto look = [&](double x) {
        worst = std::max(worst, steps(portable::log(x), std::log(static_cast<long double>(x))));
    };
    for (std::int64_t i = 0; i < 300000; ++i) {
        look(draw(i).uniform(0));
        look(std::ldexp(draw(i).uniform(0), -static_cast<int>(i % 1000))); // every size
        look(std::ldexp(draw(i).uniform(0), static_cast<int>(i % 1000)));  // above one as well
        look(1 -
             std::ldexp(draw(i).uniform(1), -static_cast<int>(i % 52))); // towards one, where the logarithm is small
        look(std::sqrt(0.5) * (1 + (draw(i).uniform(1) - 0.5) * 1e-6));  // where the exponent changes over
    }
    look(portable::fraction(0));
    look(portable::fraction((1ULL << 52U) - 1));
    EXPECT_LT(worst, 1.0);
    EXPECT_EQ(portable::log(1.0), 0.0);
}

TEST(PortableMath, SineAndCosineOfATurnAreWithinTwoSteps) {
    double worst = 0;
    const auto look = [&](double t) {
        worst = std::max(worst, steps(portable::cos_turn(t), exact_cosine(t)));
        worst = std::max(worst, steps(portable::sin_turn(t), exact_sine(t)));
    };
    constexpr std::array corners{0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875};
    for (std::int64_t i = 0; i < 100000; ++i) {
        look(draw(i).uniform(0));
        look(std::ldexp(draw(i).uniform(0), -static_cast<int>(i % 60)));
        for (const double corner : corners) {
            const double near = std::ldexp(draw(i).uniform(1), -4 - static_cast<int>(i % 48));
            if (corner + near != corner) { look(corner + near); }
            if (corner - near != corner) { look(corner - near); }
        }
    }
    EXPECT_LT(worst, 2.0);
}

TEST(PortableMath, QuartersOfATurnAreExact) {
    for (const double t : {0.25, 0.75}) { EXPECT_EQ(portable::cos_turn(t), 0.0) << t; }
    for (const double t : {0.0, 0.5, 1.0}) { EXPECT_EQ(portable::sin_turn(t), 0.0) << t; }
    EXPECT_EQ(portable::cos_turn(0.0), 1.0);
    EXPECT_EQ(portable::cos_turn(0.5), -1.0);
    EXPECT_EQ(portable::cos_turn(1.0), 1.0);
    EXPECT_EQ(portable::sin_turn(0.25), 1.0);
    EXPECT_EQ(portable::sin_turn(0.75), -1.0);
}

TEST(PortableMath, FractionsAreThoseOfTheIntegers) {
    for (std::int64_t i = 0; i < 1000; ++i) {
        const std::uint64_t n = (static_cast<std::uint64_t>(draw(i).word[0]) << 20U) | (draw(i).word[1] >> 12U);
        EXPECT_EQ(portable::fraction(n), (static_cast<double>(n) + 0.5) / 0x1.0p52);
    }
    EXPECT_EQ(portable::fraction(0), 0x1.0p-53);
    EXPECT_EQ(portable::fraction((1ULL << 52U) - 1), 1 - 0x1.0p-53);
}

} // namespace
} // namespace tessera
