// Row weights of all ranks' stars, brought together: the sum that an ordered map makes, on every rank, and no byte more than promised.
#include "synthesis/weight_exchange.hpp"

#include <map>
#include <set>

#include "synthesis/key_union.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/random.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

constexpr std::uint32_t most_key = ~0U;
constexpr std::int64_t agreements = 5 * 4; ///< bytes: whether all ranks could do their part

TEST(KeyUnion, HasEveryKeyOnceAndInOrder) {
    constexpr std::uint32_t high = most_key - 2000; // near the end of what a key can be
    const std::vector<std::vector<std::uint32_t>> lists{
        {high + 3, high + 63, high + 64, high + 65, high + 1000, most_key},
        {high, high + 64, high + 127, high + 128, high + 1000},
        {high + 5, high + 6, high + 7, high + 1999}};
    std::set<std::uint32_t> expected;
    KeyUnion keys;
    keys.begin(17, 90); // of another union
    keys.add(50);
    keys.close();
    keys.begin(high, most_key);
    for (const auto& list : lists) {
        for (const std::uint32_t key : list) {
            keys.add(key);
            expected.insert(key);
        }
    }
    EXPECT_EQ(keys.close(), expected.size());
    std::vector<std::uint32_t> found;
    keys.each([&](std::uint32_t key) { found.push_back(key); });
    EXPECT_EQ(found, std::vector<std::uint32_t>(expected.begin(), expected.end()));
    for (std::size_t i = 0; i < found.size(); ++i) { EXPECT_EQ(keys.place(found[i]), i); }
}

/// What rank `rank` brings: keys close together and far apart, some lists empty, weights of either sign.
std::vector<RowList> lists_of(int rank, std::int64_t n_list) {
    std::vector<RowList> lists(static_cast<std::size_t>(n_list));
    for (std::int64_t i = 0; i < n_list; ++i) {
        RowList& list = lists[static_cast<std::size_t>(i)];
        list.spaxel = 10 * i;
        std::set<std::uint32_t> keys;
        const Philox count = Philox::at(7, static_cast<std::uint64_t>(rank), static_cast<std::uint64_t>(i));
        const std::uint32_t n = count.word[0] % 4 == 0 ? 0 : count.word[1] % 200;
        for (std::uint32_t k = 0; k < n; ++k) {
            const Philox random = Philox::at(8 + k, static_cast<std::uint64_t>(rank), static_cast<std::uint64_t>(i));
            keys.insert(i % 7 == 3 ? random.word[0] % 100000 + 4200000000U : random.word[0] % 500);
        }
        for (const std::uint32_t key : keys) {
            list.key.push_back(key);
            list.weight.push_back(static_cast<float>(key % 1000) * 1.7F - 300 + static_cast<float>(rank));
        }
    }
    return lists;
}

TEST(WeightExchange, EveryRankHasTheSumOfAll) {
    auto& world = test::world();
    for (const std::int64_t n_list : {0, 1, 3, 40}) {
        for (const int threads : {1, 3}) {
            const auto got = sum_over_ranks(lists_of(world.rank(), n_list), {threads}, world);
            ASSERT_EQ(std::ssize(got), n_list);
            for (std::int64_t i = 0; i < n_list; ++i) {
                std::map<std::uint32_t, double> sum;
                for (int rank = 0; rank < world.size(); ++rank) {
                    const RowList list = lists_of(rank, n_list)[static_cast<std::size_t>(i)];
                    for (std::size_t k = 0; k < list.key.size(); ++k) {
                        sum[list.key[k]] += static_cast<double>(list.weight[k]);
                    }
                }
                const RowList& list = got[static_cast<std::size_t>(i)];
                EXPECT_EQ(list.spaxel, 10 * i);
                ASSERT_EQ(list.key.size(), sum.size());
                ASSERT_EQ(list.weight.size(), sum.size());
                std::size_t k = 0;
                for (const auto& [key, weight] : sum) {
                    ASSERT_EQ(list.key[k], key);
                    ASSERT_EQ(list.weight[k], static_cast<float>(weight)) << "list " << i << ", key " << key;
                    ++k;
                }
            }
        }
    }
}

TEST(WeightExchange, SendsEightBytesAWeight) {
    auto& world = test::world();
    constexpr std::int64_t n_list = 40;
    const auto own = lists_of(world.rank(), n_list);
    std::int64_t n_out = 0, n_others = 0, n_summed = 0, n_mine = 0;
    for (std::int64_t i = 0; i < n_list; ++i) {
        if (i % world.size() != world.rank()) {
            n_out += own[static_cast<std::size_t>(i)].size();
            ++n_others;
            continue;
        }
        std::set<std::uint32_t> keys;
        for (int rank = 0; rank < world.size(); ++rank) {
            const RowList list = lists_of(rank, n_list)[static_cast<std::size_t>(i)];
            keys.insert(list.key.begin(), list.key.end());
        }
        n_summed += std::ssize(keys);
        ++n_mine;
    }
    const Traffic before = world.traffic();
    sum_over_ranks(lists_of(world.rank(), n_list), {1}, world);
    EXPECT_EQ(world.traffic().bytes("all_to_all") - before.bytes("all_to_all"), 8 * (n_others + n_out));
    EXPECT_EQ(world.traffic().bytes("all_gather") - before.bytes("all_gather"),
              (8 * (n_mine + n_summed) + agreements) * (world.size() - 1));
}

} // namespace
} // namespace tessera
