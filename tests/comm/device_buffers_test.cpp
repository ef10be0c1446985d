// Every collective on an accelerator's memory gives what it gives on the host's, and counts the same bytes.
#include "tessera/comm/device_communicator.hpp"

#include <numeric>

#include <gmock/gmock.h>

#include "comm/staging.hpp"
#include "tests/support/accelerators.hpp"

namespace tessera {
namespace {

class DeviceBuffers : public test::OnAccelerator {
protected:
    void SetUp() override {
        test::OnAccelerator::SetUp();
        if (IsSkipped()) { return; }
        gpu_group_ = device_communicator(test::world(), accelerator());
    }
    void TearDown() override { gpu_group_.reset(); }

    Communicator& comm() { return gpu_group_ ? *gpu_group_ : test::world(); }
    device::Queue& queue() { return accelerator().exchange(); }
    template <class T>
    device::Buffer<T> up(const std::vector<T>& host) {
        device::Buffer<T> out(queue(), host, "a test");
        queue().finish(); // `host` may go
        return out;
    }
    /// What the host holds after work(host buffers…) and the accelerator after the same work there, with the bytes counted.
    template <class T, class Work>
    void expect_as_on_host(const char* collective, const std::vector<T>& send, std::size_t n_receive,
                           const Work& work) {
        const auto counted = [&](Buffer from, Buffer to) {
            const std::int64_t before = comm().traffic().bytes(collective);
            work(from, to);
            return comm().traffic().bytes(collective) - before;
        };
        std::vector<T> from = send, to(n_receive, T{7});
        const device::Buffer<T> device_from = up(from), device_to = up(to);
        const std::int64_t host_bytes = counted(buffer(std::span<T>(from)), buffer(std::span<T>(to)));
        const std::int64_t device_bytes = counted(buffer(queue(), device_from), buffer(queue(), device_to));
        comm().wait(queue());
        EXPECT_EQ(test::values_of(queue(), device_to), to);
        EXPECT_EQ(test::values_of(queue(), device_from), from);
        EXPECT_EQ(device_bytes, host_bytes);
    }

private:
    std::unique_ptr<Communicator> gpu_group_;
};

/// Small integers, other ones on each rank.
template <class T>
std::vector<T> numbers(std::int64_t n) {
    std::vector<T> out(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<T>((static_cast<std::int64_t>(i) * (test::world().rank() + 3)) % 31);
    }
    return out;
}

/// Nothing, one element, and more than two pieces of staging, the last one ragged.
const std::vector<std::int64_t> lengths{0, 1, 1000, 5 * staging_bytes / 8 + 3};

TEST_P(DeviceBuffers, AllReduce) {
    const auto expect = [&](const auto& send, Op op) {
        expect_as_on_host("all_reduce", send, 0, [&](Buffer from, Buffer) { comm().all_reduce(from, op); });
    };
    for (const Op op : {Op::sum, Op::min, Op::max}) {
        expect(numbers<float>(1000), op);
        expect(numbers<double>(1000), op);
        expect(numbers<std::int64_t>(1000), op);
        expect(numbers<std::int32_t>(1000), op);
    }
    for (const std::int64_t n : lengths) { expect(numbers<float>(n), Op::sum); }
}

TEST_P(DeviceBuffers, ReduceScatterOfRaggedAndEqualParts) {
    const int p = comm().size();
    const auto check = [&](const std::vector<std::int64_t>& counts) {
        const std::int64_t total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
        const auto own = static_cast<std::size_t>(counts[static_cast<std::size_t>(comm().rank())]);
        expect_as_on_host("reduce_scatter", numbers<float>(total), own,
                          [&](Buffer from, Buffer to) { comm().reduce_scatter(from, to, counts); });
    };
    for (const std::int64_t unit : lengths) {
        std::vector<std::int64_t> ragged;
        for (int r = 0; r < p; ++r) { ragged.push_back(r * unit); } // rank 0 receives nothing
        check(ragged);
        check(std::vector<std::int64_t>(static_cast<std::size_t>(p), unit / p));
    }
    std::vector<std::int64_t> planes;
    for (int r = 0; r < p; ++r) { planes.push_back(35 * (11 / p + (r < 11 % p ? 1 : 0))); }
    check(planes);
}

TEST_P(DeviceBuffers, Broadcast) {
    const auto expect = [&](const auto& send, int root) {
        expect_as_on_host("broadcast", send, 0, [&](Buffer from, Buffer) { comm().broadcast(from, root); });
    };
    for (int root = 0; root < comm().size(); ++root) { expect(numbers<std::uint8_t>(1000), root); }
    for (const std::int64_t n : lengths) { expect(numbers<float>(n), comm().size() - 1); }
}

TEST_P(DeviceBuffers, AllGatherOfRaggedAndEqualParts) {
    for (const std::int64_t unit : lengths) {
        for (const bool ragged : {true, false}) {
            std::vector<std::int64_t> counts;
            for (int r = 0; r < comm().size(); ++r) { counts.push_back(ragged ? (r * unit) / 2 : unit); }
            const std::int64_t total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
            expect_as_on_host("all_gather", numbers<float>(counts[static_cast<std::size_t>(comm().rank())]),
                              static_cast<std::size_t>(total),
                              [&](Buffer from, Buffer to) { comm().all_gather(from, to, counts); });
        }
    }
}

TEST_P(DeviceBuffers, AllToAllOfRaggedParts) {
    // Rank r sends to rank t: (r + 2t) % 3 units; zeros are among the counts.
    const auto count = [](int from, int to) { return static_cast<std::int64_t>((from + 2 * to) % 3); };
    for (const std::int64_t unit : lengths) {
        std::vector<std::int64_t> n_send, n_receive;
        for (int r = 0; r < comm().size(); ++r) {
            n_send.push_back(count(comm().rank(), r) * unit);
            n_receive.push_back(count(r, comm().rank()) * unit);
        }
        const std::int64_t sent = std::accumulate(n_send.begin(), n_send.end(), std::int64_t{0});
        const std::int64_t received = std::accumulate(n_receive.begin(), n_receive.end(), std::int64_t{0});
        expect_as_on_host("all_to_all", numbers<std::int32_t>(sent), static_cast<std::size_t>(received),
                          [&](Buffer from, Buffer to) { comm().all_to_all(from, n_send, to, n_receive); });
    }
}

struct AddRank {
    static constexpr const char* name = "test/add_rank";
    float* value;
    float rank;
    void operator()(std::int64_t i) const { value[i] += rank; }
};

TEST_P(DeviceBuffers, ACollectiveComesAfterWhatTheQueueWasGivenAndBeforeWhatItIsGivenNext) {
    if (std::string(GetParam()) == "cuda") { GTEST_SKIP() << "its kernel is not among those of the library"; }
    const int p = comm().size();
    device::Buffer<float> data = up(std::vector<float>(100, 1.0F));
    const AddRank add{data.data(), static_cast<float>(comm().rank())};
    queue().for_each(100, add);
    comm().all_reduce(buffer(queue(), data), Op::sum);
    queue().for_each(100, AddRank{data.data(), 0.5F});
    const float sum = static_cast<float>(p) + static_cast<float>(p * (p - 1)) / 2.0F;
    EXPECT_EQ(test::values_of(queue(), data), std::vector<float>(100, sum + 0.5F));
}

TEST_P(DeviceBuffers, HostMemoryGoesTheSameWayAsEver) {
    EXPECT_EQ(comm().all_reduce_value(std::int64_t{1}, Op::sum), comm().size());
    EXPECT_EQ(comm().exclusive_sum(2), 2 * comm().rank());
    EXPECT_EQ(comm().native(), test::world().native());
}

TEST_P(DeviceBuffers, GroupsOfASplitWorkAlone) {
    const auto group = comm().split(comm().rank() % 2, comm().rank());
    const device::Buffer<float> data = up(std::vector<float>{1, 2, 3});
    group->all_reduce(buffer(queue(), data), Op::sum);
    group->wait(queue());
    const auto n = static_cast<float>(group->size());
    EXPECT_EQ(test::values_of(queue(), data), (std::vector<float>{n, 2 * n, 3 * n}));
}

TEST_P(DeviceBuffers, BuffersOfTwoPlacesAreAnError) {
    std::vector<float> host(static_cast<std::size_t>(comm().size()));
    const device::Buffer<float> data = up(std::vector<float>(1));
    const std::vector<std::int64_t> one(host.size(), 1);
    const auto error =
        test::error_of([&] { comm().reduce_scatter(buffer(std::span<float>(host)), buffer(queue(), data), one); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_THAT(error->what(), testing::HasSubstr("two places"));
    queue().finish();
}

INSTANTIATE_TEST_SUITE_P(On, DeviceBuffers, test::every_accelerator());

TEST(RankOnNode, CountsTheRanksOfANode) {
    auto& world = test::world();
    const auto places = world.all_gather_value(static_cast<std::int32_t>(world.rank_on_node()));
    ASSERT_EQ(world.ranks_on_node(), world.size()) << "tests run on one node";
    for (int r = 0; r < world.size(); ++r) { EXPECT_EQ(places[static_cast<std::size_t>(r)], r); }
}

} // namespace
} // namespace tessera
