#include "tessera/core/random.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace tessera {
namespace {

// Known answers of the reference implementation (Random123, kat_vectors: philox4x32 with 10 rounds).
TEST(Philox, GivesTheKnownAnswers) {
    const Philox zeros = Philox::at(0, 0, 0);
    EXPECT_EQ(zeros.word[0], 0x6627e8d5U);
    EXPECT_EQ(zeros.word[1], 0xe169c58dU);
    EXPECT_EQ(zeros.word[2], 0xbc57ac4cU);
    EXPECT_EQ(zeros.word[3], 0x9b00dbd8U);
    const Philox ones = Philox::at(~0ULL, ~0ULL, ~0ULL);
    EXPECT_EQ(ones.word[0], 0x408f276dU);
    EXPECT_EQ(ones.word[1], 0x41c83b0eU);
    EXPECT_EQ(ones.word[2], 0xa20bc7c6U);
    EXPECT_EQ(ones.word[3], 0x6d5451fdU);
}

TEST(Philox, NormalsHaveZeroMeanAndUnitVariance) {
    const int n = 200000;
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < n; ++i) {
        const double value = Philox::at(7, 1, static_cast<std::uint64_t>(i)).normal();
        sum += value;
        squares += value * value;
    }
    // Five standard errors of mean and variance.
    EXPECT_NEAR(sum / n, 0.0, 5 / std::sqrt(n));
    EXPECT_NEAR(squares / n, 1.0, 5 * std::sqrt(2.0 / n));
}

// The sum of the bits of 2000 deviates, from the same formulas in Python, whose floats are IEEE doubles: it differs where a compiler
// merges products and sums.
TEST(Philox, NormalsHaveTheSameBitsEverywhere) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        for (const int which : {0, 1}) { sum += portable::bits_of(Philox::at(42, 7, i).normal(which)); }
    }
    EXPECT_EQ(Philox::at(42, 7, 0).normal(), -0x1.311863fafe122p+0);
    EXPECT_EQ(sum, 0x8368fec6822cd7f4U);
}

TEST(Philox, UniformsStayInsideTheOpenInterval) {
    const Philox lowest{{0, 0, 0, 0}};
    const Philox highest{{~0U, ~0U, ~0U, ~0U}};
    EXPECT_GT(lowest.uniform(0), 0.0);
    EXPECT_LT(highest.uniform(1), 1.0);
}

} // namespace
} // namespace tessera
