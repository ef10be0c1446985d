#include "tessera/comm/communicator.hpp"

#include <chrono>
#include <cstdlib>
#include <numeric>
#include <string>
#include <thread>

#include "tessera/core/region.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

TEST(Communicator, AllReduceSumsOverRanks) {
    auto& world = test::world();
    std::vector<double> data{1.0, static_cast<double>(world.rank())};
    world.all_reduce(data, Op::sum);
    EXPECT_EQ(data[0], world.size());
    EXPECT_EQ(data[1], world.size() * (world.size() - 1) / 2);
    EXPECT_EQ(world.all_reduce_value(world.rank(), Op::max), world.size() - 1);
}

TEST(Communicator, ReduceScatterGivesEachRankItsRaggedPart) {
    auto& world = test::world();
    const int p = world.size();
    std::vector<std::int64_t> counts; // 0, 1, 2, …: rank 0 receives nothing
    for (int r = 0; r < p; ++r) { counts.push_back(r); }
    const std::int64_t total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    std::vector<float> send(static_cast<std::size_t>(total));
    for (std::int64_t i = 0; i < total; ++i) {
        send[static_cast<std::size_t>(i)] = static_cast<float>((world.rank() + 1) * i);
    }
    std::vector<float> receive(static_cast<std::size_t>(counts[static_cast<std::size_t>(world.rank())]));
    world.reduce_scatter(buffer(std::span<float>(send)), buffer(std::span<float>(receive)), counts);
    const std::int64_t first = std::accumulate(counts.begin(), counts.begin() + world.rank(), std::int64_t{0});
    for (std::size_t i = 0; i < receive.size(); ++i) {
        EXPECT_EQ(receive[i], static_cast<float>(p * (p + 1) / 2 * (first + static_cast<std::int64_t>(i))));
    }
}

/// Nodes as the environment says, for what is split off meanwhile.
class PretendedNodes {
public:
    explicit PretendedNodes(int ranks) { setenv("TESSERA_RANKS_PER_NODE", std::to_string(ranks).c_str(), 1); }
    ~PretendedNodes() { unsetenv("TESSERA_RANKS_PER_NODE"); }
    PretendedNodes(const PretendedNodes&) = delete;
    PretendedNodes& operator=(const PretendedNodes&) = delete;
};

TEST(Communicator, ASumUnderWayGivesEachRankItsRaggedPartOnAnyNodes) {
    const int p = test::world().size();
    for (int on_node = 1; on_node <= p; ++on_node) { // the last node may have fewer
        const PretendedNodes nodes(on_node);
        const auto group = test::world().split(0, test::world().rank());
        std::vector<float> room;
        for (int turn = 0; turn < 3; ++turn) {
            std::vector<std::int64_t> counts;
            for (int r = 0; r < p; ++r) { counts.push_back(turn == 0 ? r : (7 * r + turn) % 5 * 1000); }
            const std::int64_t total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
            std::vector<float> send(static_cast<std::size_t>(total));
            for (std::int64_t i = 0; i < total; ++i) {
                send[static_cast<std::size_t>(i)] = static_cast<float>((group->rank() + 1) * (i + turn));
            }
            std::vector<float> receive(static_cast<std::size_t>(counts[static_cast<std::size_t>(group->rank())]));
            const std::int64_t before = group->traffic().bytes("reduce_scatter");
            const auto sum = group->start_reduce_scatter(buffer(std::span<float>(send)),
                                                         buffer(std::span<float>(receive)), counts, room);
            EXPECT_EQ(group->traffic().bytes("reduce_scatter") - before, (total - std::ssize(receive)) * 4);
            for (int i = 0; i < 100; ++i) { sum->advance(); }
            sum->finish();
            const std::int64_t first = std::accumulate(counts.begin(), counts.begin() + group->rank(), std::int64_t{0});
            for (std::size_t i = 0; i < receive.size(); ++i) {
                ASSERT_EQ(receive[i],
                          static_cast<float>(p * (p + 1) / 2 * (first + static_cast<std::int64_t>(i) + turn)))
                    << on_node << " ranks a node";
            }
        }
    }
}

TEST(Communicator, ANodeSendsItsSumOnceWhateverItsRanks) {
    const int p = test::world().size();
    constexpr std::int64_t part = 60; // of each rank
    for (int on_node = 1; on_node <= p; ++on_node) {
        const PretendedNodes nodes(on_node);
        const auto group = test::world().split(0, test::world().rank());
        std::vector<float> send(static_cast<std::size_t>(part * p)), receive(part), room;
        const std::vector<std::int64_t> counts(static_cast<std::size_t>(p), part);
        group->start_reduce_scatter(buffer(std::span<float>(send)), buffer(std::span<float>(receive)), counts, room)
            ->finish();
        const Traffic::Entry& sum = group->traffic().collective.at("reduce_scatter");
        EXPECT_EQ(sum.bytes, part * (p - 1) * 4);
        // Every node sends all parts but those of its own ranks.
        std::int64_t between = 0;
        for (int first = 0; first < p; first += on_node) { between += p - std::min(on_node, p - first); }
        EXPECT_EQ(group->all_reduce_value(sum.bytes_between, Op::sum), p == 1 ? 0 : part * 4 * between) << on_node;
    }
}

TEST(Communicator, ASumUnderWayDoesNotDependOnWhatArrivesFirst) {
    const PretendedNodes nodes(2);
    const auto group = test::world().split(0, test::world().rank());
    const int p = group->size();
    const std::vector<std::int64_t> counts(static_cast<std::size_t>(p), 50);
    std::vector<float> first, room;
    for (int turn = 0; turn < 4; ++turn) {
        std::vector<float> send, receive(50);
        for (int i = 0; i < 50 * p; ++i) { send.push_back(1 / static_cast<float>(i + 1 + 77 * group->rank())); }
        if (turn > 0) { std::this_thread::sleep_for(std::chrono::milliseconds((group->rank() * 7 + turn) % p)); }
        group->start_reduce_scatter(buffer(std::span<float>(send)), buffer(std::span<float>(receive)), counts, room)
            ->finish();
        if (turn == 0) { first = receive; }
        EXPECT_EQ(receive, first);
    }
}

TEST(Communicator, AnExchangeUnderWayDeliversWhatTheBlockingOneDoes) {
    auto& world = test::world();
    const int p = world.size();
    std::vector<std::int64_t> n_send, n_receive;
    std::vector<float> send, expected;
    for (int r = 0; r < p; ++r) {
        n_send.push_back((world.rank() + 2 * r) % 3 * 500);
        n_receive.push_back((r + 2 * world.rank()) % 3 * 500);
        for (int i = 0; i < n_send.back(); ++i) { send.push_back(static_cast<float>(1000 * world.rank() + i)); }
    }
    expected.resize(static_cast<std::size_t>(std::accumulate(n_receive.begin(), n_receive.end(), std::int64_t{0})));
    auto received = expected;
    world.all_to_all(buffer(std::span<float>(send)), n_send, buffer(std::span<float>(expected)), n_receive);
    const std::int64_t before = world.traffic().bytes("all_to_all");
    const auto messages =
        world.start_all_to_all(buffer(std::span<float>(send)), n_send, buffer(std::span<float>(received)), n_receive);
    EXPECT_EQ(world.traffic().bytes("all_to_all") - before,
              (std::ssize(send) - n_send[static_cast<std::size_t>(world.rank())]) * 4);
    world.barrier(); // other collectives may pass between
    messages->advance();
    messages->finish();
    EXPECT_EQ(received, expected);
}

TEST(Communicator, NodesOfNoRanksAreAnError) {
    if (test::world().size() == 1) { GTEST_SKIP() << "one rank has no use for nodes"; }
    const PretendedNodes nodes(0);
    const auto group = test::world().split(0, test::world().rank());
    const std::vector<std::int64_t> counts(static_cast<std::size_t>(group->size()), 0);
    std::vector<float> nothing, room;
    const auto error = test::error_of([&] {
        group->start_reduce_scatter(buffer(std::span<float>(nothing)), buffer(std::span<float>(nothing)), counts, room);
    });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::config);
}

TEST(Communicator, AllToAllDeliversRaggedMessagesInRankOrder) {
    auto& world = test::world();
    const int p = world.size();
    // Rank r sends to rank t: (r + 2t) % 3 elements of value 100 r + t; zeros are among the counts.
    const auto count = [](int from, int to) { return static_cast<std::int64_t>((from + 2 * to) % 3); };
    std::vector<std::int64_t> n_send;
    std::vector<std::int64_t> n_receive;
    std::vector<std::int32_t> send;
    std::vector<std::int32_t> expected;
    for (int r = 0; r < p; ++r) {
        n_send.push_back(count(world.rank(), r));
        n_receive.push_back(count(r, world.rank()));
        send.insert(send.end(), static_cast<std::size_t>(n_send.back()), 100 * world.rank() + r);
        expected.insert(expected.end(), static_cast<std::size_t>(n_receive.back()), 100 * r + world.rank());
    }
    std::vector<std::int32_t> receive(expected.size());
    world.all_to_all(buffer(std::span<std::int32_t>(send)), n_send, buffer(std::span<std::int32_t>(receive)),
                     n_receive);
    EXPECT_EQ(receive, expected);
}

TEST(Communicator, GathersRaggedPartsInRankOrder) {
    auto& world = test::world();
    const std::vector<std::int64_t> mine(static_cast<std::size_t>(world.rank()), world.rank());
    const auto all = world.all_gather(std::span<const std::int64_t>(mine));
    std::vector<std::int64_t> expected;
    for (int r = 0; r < world.size(); ++r) { expected.insert(expected.end(), static_cast<std::size_t>(r), r); }
    EXPECT_EQ(all, expected);
    EXPECT_EQ(world.exclusive_sum(2), 2 * world.rank());
}

TEST(Communicator, SplitsIntoGroupsThatWorkAlone) {
    auto& world = test::world();
    const auto group = world.split(world.rank() % 2, world.rank());
    const int members = group->all_reduce_value(std::int32_t{1}, Op::sum);
    EXPECT_EQ(members, group->size());
    EXPECT_EQ(group->size(), (world.size() + 1 - world.rank() % 2) / 2);
}

TEST(Communicator, GroupsThatWorkAtOnceShareTheirNode) {
    auto& world = test::world();
    const auto alone = world.split(world.rank(), 0, Others::work);
    EXPECT_EQ(alone->size(), 1);
    EXPECT_EQ(alone->ranks_on_node(), world.ranks_on_node());
    EXPECT_EQ(alone->rank_on_node(), world.rank_on_node());
    const auto part = alone->split(0, 0); // alone among the members of its own group, which still shares the node
    EXPECT_EQ(part->ranks_on_node(), 1);
    EXPECT_EQ(world.split(world.rank(), 0)->ranks_on_node(), 1) << "the others wait";
}

TEST(Communicator, EveryNumberOfACounterIsGivenOnce) {
    auto& world = test::world();
    constexpr std::int64_t total = 300;
    std::vector<std::int64_t> mine;
    {
        const auto counter = world.counter();
        for (std::int64_t i = counter->fetch_add(1); i < total; i = counter->fetch_add(1)) { mine.push_back(i); }
        world.barrier();
        EXPECT_GE(counter->fetch_add(0), total);
    }
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    auto all = world.all_gather(std::span<const std::int64_t>(mine));
    std::sort(all.begin(), all.end());
    std::vector<std::int64_t> expected(total);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(all, expected);
}

TEST(Communicator, CountsTheBytesOfACollective) {
    auto& world = test::world();
    const auto group = world.split(0, world.rank());
    std::vector<float> data(12);
    group->all_reduce(data, Op::sum);
    EXPECT_EQ(group->traffic().bytes("all_reduce"), 2 * 48 * (world.size() - 1) / world.size());
}

TEST(Agree, EveryRankThrowsTheErrorOfTheLowestFailingRank) {
    auto& world = test::world();
    const int failing = world.size() - 1; // the last alone, and rank 0 where there is only one
    const auto error = test::error_of([&] {
        agree(world, [&] {
            if (world.rank() >= failing) {
                throw Error({.kind = Kind::data, .where = "rank " + std::to_string(world.rank()), .found = "NaN"});
            }
        });
    });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), Kind::data);
    EXPECT_STREQ(error->what(), ("rank " + std::to_string(failing) + ": found NaN").c_str());
}

TEST(Agree, AFailedAllocationIsAResourceError) {
    auto& world = test::world();
    const auto error = test::error_of([&] { agree(world, [] { throw std::bad_alloc(); }); });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), Kind::resource);
}

TEST(Agree, LetsSuccessPass) {
    EXPECT_FALSE(test::error_of([] { agree(test::world(), [] {}); }).has_value());
}

TEST(SleepingBarrier, WaitsForTheLastOne) {
    auto& world = test::world();
    const auto group = world.split(0, world.rank());
    if (world.is_root()) { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }
    EXPECT_TRUE(group->sleep_until_all_arrive());
    EXPECT_TRUE(group->sleep_until_all_arrive(60));
    EXPECT_EQ(group->traffic().collective.at("barrier").calls, 2);
}

TEST(SleepingBarrier, GivesUpWhenPatienceEnds) {
    auto& world = test::world();
    if (world.size() == 1) { GTEST_SKIP() << "nobody to wait for"; }
    const auto group = world.split(0, world.rank());
    if (!world.is_root()) { EXPECT_FALSE(group->sleep_until_all_arrive(0.02)); }
    world.barrier();
    if (world.is_root()) { EXPECT_TRUE(group->sleep_until_all_arrive()) << "the others came before they left"; }
    world.barrier();
}

TEST(Traffic, IsCountedByRegionToo) {
    auto& world = test::world();
    const auto group = world.split(0, world.rank());
    {
        const Region outer("outer");
        static_cast<void>(group->all_reduce_value(1.0, Op::sum));
        const Region inner("inner");
        static_cast<void>(group->all_reduce_value(1.0, Op::sum));
        static_cast<void>(group->all_reduce_value(1.0, Op::sum));
    }
    group->barrier();
    const Traffic& traffic = group->traffic();
    EXPECT_EQ(traffic.by_region.at("outer").at("all_reduce").calls, 1);
    EXPECT_EQ(traffic.by_region.at("outer/inner").at("all_reduce").calls, 2);
    EXPECT_EQ(traffic.by_region.at("").at("barrier").calls, 1);
    EXPECT_EQ(traffic.by_region.at("outer/inner").at("all_reduce").bytes, 2 * traffic.bytes("all_reduce") / 3);
}

} // namespace
} // namespace tessera
