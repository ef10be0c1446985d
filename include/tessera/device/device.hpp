#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tessera/core/view.hpp"

namespace tessera::device {

/// One GPU that this process can see.
struct Gpu {
    std::string name;
    std::int64_t memory = 0;  ///< bytes
    int major = 0, minor = 0; ///< compute capability
};

/// Whether this build contains CUDA code, and the toolkit's version ("13.0"), empty without.
bool built_with_cuda();
std::string cuda_version();

/// The GPUs of this node; empty without CUDA, without a driver, or without a GPU.
std::vector<Gpu> gpus();

/// Loops on the host, OpenMP threads. `threads` >= 1.
struct Host {
    int threads = 1;
};

/// The threads a rank should use: `asked` if positive, else the cores this process may run on divided by the ranks that
/// share the node (OMP_NUM_THREADS wins over both when set and asked is 0).
int threads_for(int asked, int ranks_on_node);

/// block(i) for i in [0, n), any order, threads take one at a time: spaxels differ in their number of stars by orders of
/// magnitude. What a block throws ends the program: check before the loop.
void run_blocks(const Host& where, std::int64_t n, const std::function<void(std::int64_t)>& block);

/// body(i) for i in [0, n), in any order, no two at once on the same i. `grain` consecutive i's go to a thread at a time.
template <class Body>
void for_each(const Host& where, std::int64_t n, std::int64_t grain, const Body& body) {
    run_blocks(where, (n + grain - 1) / grain, [&](std::int64_t block) {
        const std::int64_t end = (block + 1) * grain < n ? (block + 1) * grain : n;
        for (std::int64_t i = block * grain; i < end; ++i) { body(i); }
    });
}

} // namespace tessera::device
