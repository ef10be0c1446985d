// The emulation gives the answers that a GPU must give: device/cuda runs the same checks.
#include "tessera/device/constants.hpp"
#include "tests/device/accelerator_checks.hpp"

namespace tessera {
namespace {

class Emulation : public testing::TestWithParam<test::AcceleratorCheck> {};

TEST_P(Emulation, Passes) {
    const auto gpu = device::emulate({.memory = 1 << 26});
    GetParam().run(*gpu);
}

TEST_P(Emulation, PassesWithThreadsAndWithoutTheValidator) {
    const auto gpu = device::emulate({.memory = 1 << 26, .checked = false, .threads = 2});
    GetParam().run(*gpu);
}

TEST(KeptThings, AreMadeOnceAndTheLatestStay) {
    const auto gpu = device::emulate({.memory = 1 << 20});
    int n_made = 0;
    const auto ask = [&](const std::string& key, std::int64_t n) {
        return gpu->keep<device::Buffer<float>>(key, 4 * n, [&] {
            ++n_made;
            return std::make_shared<device::Buffer<float>>(gpu->compute(), n, "kept");
        });
    };
    const float* first = ask("a", 1000)->data();
    EXPECT_EQ(ask("a", 1000)->data(), first);
    EXPECT_EQ(n_made, 1);
    ask("b", 10000); // 44 KB, less than a sixteenth of the memory
    EXPECT_EQ(ask("a", 1000)->data(), first);
    ask("c", 10000); // too much together: the one that was longest not asked for goes
    EXPECT_EQ(n_made, 3);
    EXPECT_EQ(ask("a", 1000)->data(), first);
    ask("b", 10000);
    EXPECT_EQ(n_made, 4);
    ask("large", 20000);
    ask("large", 20000);
    EXPECT_EQ(n_made, 6) << "more than a sixteenth is its user's alone";
    for (int i = 0; i < 64; ++i) { ask(std::to_string(i), 1); }
    EXPECT_EQ(n_made, 70);
    ask("a", 1000);
    EXPECT_EQ(n_made, 71) << "64 others were asked for since";
}

TEST(KeptThings, GoWhereTheirMemoryIsNeeded) {
    const auto gpu = device::emulate({.memory = 1 << 20});
    const auto make = [&] { return std::make_shared<device::Buffer<float>>(gpu->compute(), 10000, "kept"); };
    const auto in_use = gpu->keep<device::Buffer<float>>("in use", 40000, make);
    gpu->keep<device::Buffer<float>>("not in use", 0, make);
    const std::int64_t most = (1 << 20) - 40000;
    const device::Buffer<std::byte> large(gpu->compute(), most, "all the rest");
    EXPECT_EQ(gpu->free_memory(), 0);
}

TEST(KeptThings, EqualNumbersGoUpOnce) {
    const auto gpu = device::emulate({.memory = 1 << 20});
    const std::vector<double> numbers{1, 2, 3};
    const auto one = device::keep_constants(*gpu, numbers, "numbers");
    const auto same = device::keep_constants(*gpu, std::vector<double>(numbers), "numbers");
    EXPECT_EQ(one, same);
    EXPECT_EQ(gpu->info().work.uploads, 1);
    EXPECT_NE(one, device::keep_constants(*gpu, std::vector<double>{1, 2, 4}, "numbers"));
    EXPECT_NE(one, device::keep_constants(*gpu, numbers, "other numbers"));
    EXPECT_EQ(gpu->info().work.uploads, 3);
}

INSTANTIATE_TEST_SUITE_P(Checks, Emulation, testing::ValuesIn(test::accelerator_checks), test::name_of_check);

} // namespace
} // namespace tessera
