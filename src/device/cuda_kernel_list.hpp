#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::device {

/// A loop body compiled for CUDA.
struct CudaKernel {
    const char* name;
    std::size_t bytes;    ///< of the body
    const void* function; ///< __global__ void(body, std::int64_t n)
};

/// The kernels of this library, by name; filled while it is loaded. Null if there is none.
const CudaKernel* find_kernel(std::string_view name);
std::vector<std::string> kernel_names();

struct RegisterKernel {
    explicit RegisterKernel(const CudaKernel& kernel);
};

inline constexpr int threads_per_block = 256; ///< at most

} // namespace tessera::device
