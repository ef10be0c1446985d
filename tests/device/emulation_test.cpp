// The emulation gives the answers that a GPU must give: device/cuda runs the same checks.
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

INSTANTIATE_TEST_SUITE_P(Checks, Emulation, testing::ValuesIn(test::accelerator_checks), test::name_of_check);

} // namespace
} // namespace tessera
