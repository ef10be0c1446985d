#pragma once

#include <cstdint>

#include "device/cuda_kernel_list.hpp"
#include "tessera/device/kernel.hpp"

namespace tessera::device {

/// One thread an index; more indices than a grid has threads go round again.
template <KernelBody Body>
__global__ void __launch_bounds__(threads_per_block) loop(const __grid_constant__ Body body, const std::int64_t n) {
    const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
    for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) {
        body(i);
    }
}

template <KernelBody Body>
CudaKernel cuda_kernel() {
    static_assert(sizeof(Body) <= 4000, "a loop body travels as a kernel's parameters, 4 KB in all on older drivers");
    return {Body::name, sizeof(Body), reinterpret_cast<const void*>(&loop<Body>)};
}

} // namespace tessera::device

#define TESSERA_JOIN_(a, b) a##b
#define TESSERA_JOIN(a, b) TESSERA_JOIN_(a, b)

/// Compiles a loop body for CUDA: one line a body, in src/<layer>/kernels.cu, outside of functions.
#define TESSERA_CUDA_KERNEL(Body)                                                                                      \
    static const ::tessera::device::RegisterKernel TESSERA_JOIN(registered_kernel_,                                    \
                                                                __LINE__)(::tessera::device::cuda_kernel<Body>());
