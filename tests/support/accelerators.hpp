// For tests of code that works on an accelerator: the emulation always, and a GPU where this machine has one.
#pragma once

#include <memory>
#include <string>

#include "tessera/device/accelerator.hpp"
#include "tessera/device/device.hpp"
#include "tests/support/test_support.hpp"

namespace tessera::test {

/// TEST_P over "emulated" and "cuda"; a test of a GPU that is not there is skipped. Collective: ranks of a node share its GPUs.
class OnAccelerator : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        const bool gpu = std::string(GetParam()) == "cuda";
        const bool absent = gpu && device::gpus().empty();
        if (world().all_reduce_value(std::int32_t{absent}, Op::max) != 0) { GTEST_SKIP() << "no GPU"; }
        accelerator_ = device::open_accelerator(GetParam(), world().rank_on_node(), 1);
    }
    device::Accelerator& accelerator() { return *accelerator_; }

private:
    std::unique_ptr<device::Accelerator> accelerator_;
};

inline auto every_accelerator() { return testing::Values("emulated", "cuda"); }

/// All of a buffer, when its queue is done.
template <class T>
std::vector<T> values_of(device::Queue& queue, const device::Buffer<T>& buffer) {
    std::vector<T> host(static_cast<std::size_t>(buffer.size()));
    queue.download(buffer, std::span<T>(host));
    queue.finish();
    return host;
}

} // namespace tessera::test
