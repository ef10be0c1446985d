#include "tessera/device/device.hpp"

#include <atomic>
#include <cstdlib>
#include <vector>

#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

TEST(HostLoop, VisitsEveryIndexOnceWhateverGrainAndThreads) {
    for (const int threads : {1, 3}) {
        for (const std::int64_t grain : {1, 7, 1000}) {
            std::vector<std::atomic<int>> visits(101);
            device::for_each(device::Host{threads}, 101, grain,
                             [&](std::int64_t i) { ++visits[static_cast<std::size_t>(i)]; });
            for (const auto& count : visits) { EXPECT_EQ(count, 1); }
        }
    }
}

TEST(HostLoop, AnEmptyRangeIsNoWork) {
    device::for_each(device::Host{2}, 0, 4, [](std::int64_t) { FAIL(); });
}

TEST(Threads, AskedForWinsThenTheEnvironmentThenTheShareOfTheNode) {
    EXPECT_EQ(device::threads_for(5, 2), 5);
    const char* before = std::getenv("OMP_NUM_THREADS");
    const std::string kept = before == nullptr ? "" : before;
    setenv("OMP_NUM_THREADS", "3", 1);
    EXPECT_EQ(device::threads_for(0, 2), 3);
    unsetenv("OMP_NUM_THREADS");
    EXPECT_GE(device::threads_for(0, 1), 1);
    EXPECT_EQ(device::threads_for(0, 100000), 1);
    if (before != nullptr) { setenv("OMP_NUM_THREADS", kept.c_str(), 1); }
}

TEST(Gpus, WithoutAUsableOneTheListIsEmptyNotAnError) {
    const auto gpus = device::gpus();
    if (!device::built_with_cuda()) { EXPECT_TRUE(gpus.empty()); }
    for (const auto& gpu : gpus) { EXPECT_GT(gpu.memory, 0); }
}

} // namespace
} // namespace tessera
