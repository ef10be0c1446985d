#include "view/order_statistics.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "tessera/core/random.hpp"
#include "tests/support/test_support.hpp"
#include "view/exact_sum.hpp"

namespace tessera {
namespace {

std::vector<float> values_of(int rank, int n) {
    std::vector<float> out;
    for (int i = 0; i < n; ++i) {
        out.push_back(static_cast<float>(
            1000 * Philox::at(5, static_cast<std::uint64_t>(rank), static_cast<std::uint64_t>(i)).normal()));
    }
    return out;
}

std::vector<float> sorted_over_ranks(const std::vector<float>& own) {
    auto all = test::world().all_gather(std::span<const float>(own));
    std::sort(all.begin(), all.end());
    return all;
}

/// Weight 1, or that of its index.
WeightedValues weighted(const std::vector<float>& own, bool by_index) {
    return {static_cast<std::int64_t>(own.size()),
            [&own, by_index](std::int64_t first, std::int64_t last, float* values, std::int64_t* weights) {
                EXPECT_LE(last - first, WeightedValues::most_items);
                for (std::int64_t i = first; i < last; ++i) {
                    values[i - first] = own[static_cast<std::size_t>(i)];
                    weights[i - first] = by_index ? i : 1;
                }
            }};
}

TEST(MedianOf, OnlyWhatIsChosenCounts) {
    auto& world = test::world();
    const auto own = values_of(world.rank(), 101);
    std::vector<std::uint8_t> chosen;
    std::vector<float> some;
    for (std::size_t i = 0; i < own.size(); ++i) {
        chosen.push_back(i % 3 == 0 ? 1 : 0);
        if (i % 3 == 0) { some.push_back(own[i]); }
    }
    const std::int64_t n = 34 * world.size();
    EXPECT_EQ(median_of(device::Host{2}, own, n, world, chosen), median_of(device::Host{}, some, n, world));
}

TEST(MedianOf, EqualsTheMiddleOfTheSortedValues) {
    auto& world = test::world();
    for (const int n : {1, 2, 7, 100, 1001}) {
        // Ranks hold different numbers, the second none; both parities of the total occur.
        const auto own = values_of(world.rank(), world.rank() == 1 ? 0 : n + world.rank());
        const auto all = sorted_over_ranks(own);
        const std::size_t half = all.size() / 2;
        const double expected =
            all.size() % 2 == 1 ? all[half] : 0.5 * (static_cast<double>(all[half]) + all[half - 1]);
        EXPECT_EQ(median_of(device::Host{2}, own, static_cast<std::int64_t>(all.size()), world), expected);
    }
}

TEST(MedianOf, EqualAndExtremeValuesAreNoTrouble) {
    auto& world = test::world();
    const std::vector<float> same(5, -3.25F);
    EXPECT_EQ(median_of(device::Host{}, same, 5 * world.size(), world), -3.25);
    const std::vector<float> extremes{-3e38F, 0.0F, 3e38F};
    EXPECT_EQ(median_of(device::Host{}, extremes, 3 * world.size(), world), 0.0);
    const std::vector<float> tiny{-1e-40F, 1e-40F, 2e-40F};
    EXPECT_EQ(median_of(device::Host{}, tiny, 3 * world.size(), world), static_cast<double>(1e-40F));
}

TEST(ValueAtWeight, EveryOrderStatisticIsExact) {
    auto& world = test::world();
    const auto own = values_of(world.rank(), 20);
    const auto all = sorted_over_ranks(own);
    for (std::size_t k = 0; k < all.size(); ++k) {
        EXPECT_EQ(value_at_weight(device::Host{}, weighted(own, false), static_cast<std::int64_t>(k), world), all[k]);
    }
}

TEST(ValueAtWeight, WeightsCountAsRepeatedValues) {
    auto& world = test::world();
    const auto own = values_of(world.rank(), 9);
    std::vector<float> repeated;
    for (std::size_t i = 0; i < own.size(); ++i) {
        repeated.insert(repeated.end(), i, own[i]);
    } // weight i, 0 among them
    const auto all = sorted_over_ranks(repeated);
    for (std::size_t k = 0; k < all.size(); ++k) {
        EXPECT_EQ(value_at_weight(device::Host{2}, weighted(own, true), static_cast<std::int64_t>(k), world), all[k]);
    }
}

TEST(ValueAtWeight, TrafficDoesNotGrowWithTheNumberOfValues) {
    auto& world = test::world();
    const auto bytes = [&](int n) {
        const auto own = values_of(world.rank(), n);
        const std::int64_t before = world.traffic().bytes("all_reduce");
        value_at_weight(device::Host{2}, weighted(own, false), n / 2, world);
        return world.traffic().bytes("all_reduce") - before;
    };
    EXPECT_EQ(bytes(10), bytes(50000));
}

TEST(ExactSums, AreTheSameHoweverTheItemsAreSpread) {
    auto& world = test::world();
    constexpr std::int64_t n = 10007;
    const auto term = [](std::int64_t i) {
        return std::array<double, 2>{Philox::at(1, 1, static_cast<std::uint64_t>(i)).normal() * 1e10, 0.1};
    };
    const auto self = make_self_communicator();
    const auto expected = exact_sums<2>(device::Host{}, n, {1e11, 0.1}, n, term, *self);
    const std::int64_t first = n * world.rank() / world.size(), last = n * (world.rank() + 1) / world.size();
    const auto found = exact_sums<2>(
        device::Host{2}, last - first, {1e11, 0.1}, n, [&](std::int64_t i) { return term(first + i); }, world);
    EXPECT_EQ(found, expected);
    long double slow = 0;
    for (std::int64_t i = 0; i < n; ++i) { slow += term(i)[0]; }
    EXPECT_NEAR(expected[0], static_cast<double>(slow),
                n * 1e11 * 0x1p-46); // cut at 2^-(62 - 14) of the bound's power of two, a term
    EXPECT_NEAR(expected[1], 0.1 * n, n * 0.1 * 0x1p-46);
    EXPECT_EQ(
        (exact_sums<1>(device::Host{}, 0, {0.0}, 0, [](std::int64_t) { return std::array{1.0}; }, world)[0]), 0.0);
}

} // namespace
} // namespace tessera
