#include "tessera/device/tasks.hpp"

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

using device::Host;
using device::Tasks;
using device::with_tasks;

TEST(Tasks, EachRunsOnceBeforeWaitReturns) {
    for (const int threads : {1, 2, 5}) {
        std::vector<int> runs(1000);
        with_tasks(Host{threads}, [&](Tasks& tasks) {
            for (int round = 1; round <= 3; ++round) {
                tasks.start(1000, [&](std::int64_t i) { ++runs[static_cast<std::size_t>(i)]; });
                tasks.wait();
                EXPECT_EQ(std::accumulate(runs.begin(), runs.end(), 0), 1000 * round);
            }
            tasks.start(1, [&](std::int64_t) { runs[0] = 77; });
        });
        EXPECT_EQ(runs[0], 77) << "without a wait: before with_tasks returns";
        EXPECT_EQ(runs[999], 3);
    }
}

TEST(Tasks, MainStaysOnTheCallingThread) {
    const auto here = std::this_thread::get_id();
    with_tasks(Host{4}, [&](Tasks& tasks) {
        tasks.start(8, [](std::int64_t) {});
        tasks.wait();
        EXPECT_EQ(std::this_thread::get_id(), here);
    });
}

TEST(Tasks, AnErrorOfMainPassesWhenAllTasksAreDone) {
    for (const int threads : {1, 3}) {
        std::atomic<int> done = 0;
        const auto error = test::error_of([&] {
            with_tasks(Host{threads}, [&](Tasks& tasks) {
                tasks.start(50, [&](std::int64_t) { ++done; });
                throw Error({.kind = Kind::data, .where = "here", .found = "this"});
            });
        });
        ASSERT_TRUE(error);
        EXPECT_EQ(error->kind(), Kind::data);
        EXPECT_EQ(done, 50);
    }
}

TEST(Tasks, NestedOnesShareTheThreads) {
    std::vector<int> outer(10), inner(10);
    with_tasks(Host{3}, [&](Tasks& tasks) {
        tasks.start(10, [&](std::int64_t i) { outer[static_cast<std::size_t>(i)] = 1; });
        with_tasks(Host{3}, [&](Tasks& more) {
            more.start(10, [&](std::int64_t i) { inner[static_cast<std::size_t>(i)] = 1; });
        });
        EXPECT_EQ(std::accumulate(inner.begin(), inner.end(), 0), 10);
    });
    EXPECT_EQ(std::accumulate(outer.begin(), outer.end(), 0), 10);
}

} // namespace
} // namespace tessera
