#include <stdexcept>
#include <string>

#include <cuda_runtime.h>

#include "tests/device/every_functor.hpp"

namespace tessera::test {

namespace {

void check(cudaError_t code, const char* call) {
    if (code != cudaSuccess) { throw std::runtime_error(std::string(call) + ": " + cudaGetErrorString(code)); }
}

__global__ void evaluate(EveryFunctor functor, std::int64_t n) {
    const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < n) { functor(i); }
}

} // namespace

std::vector<double> functors_on_gpu(std::int64_t n) {
    const float knots[5] = {0.0F, 0.5F, 1.0F, 2.5F, 4.0F};
    float* ages = nullptr;
    double* out = nullptr;
    const std::size_t bytes = static_cast<std::size_t>(n * functor_columns) * sizeof(double);
    check(cudaMalloc(&ages, sizeof knots), "cudaMalloc");
    check(cudaMalloc(&out, bytes), "cudaMalloc");
    check(cudaMemcpy(ages, knots, sizeof knots, cudaMemcpyHostToDevice), "cudaMemcpy");
    evaluate<<<static_cast<unsigned>((n + 255) / 256), 256>>>(EveryFunctor{{ages, 5}, out}, n);
    check(cudaGetLastError(), "evaluate<<<>>>");
    std::vector<double> result(static_cast<std::size_t>(n * functor_columns));
    check(cudaMemcpy(result.data(), out, bytes, cudaMemcpyDeviceToHost), "cudaMemcpy");
    check(cudaFree(ages), "cudaFree");
    check(cudaFree(out), "cudaFree");
    return result;
}

} // namespace tessera::test
