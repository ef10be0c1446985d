// The CUDA side of the device layer over a fake of CUDA on the host: the checks that every accelerator passes, and what happens when
// a call fails. It says nothing about CUDA itself; device/cuda does, where there is a GPU.
#include <cstdlib>
#include <set>

#include "device/cuda_backend.hpp"
#include "tests/device/accelerator_checks.hpp"
#include "tests/device/fake_cuda.hpp"

namespace tessera {
namespace {

namespace fake = test::fake;
using device::CudaAccelerator;

class CudaCalls : public testing::TestWithParam<test::AcceleratorCheck> {};

TEST_P(CudaCalls, Passes) {
    {
        CudaAccelerator gpu(0);
        GetParam().run(gpu);
    }
    EXPECT_EQ(fake::n_left(), 0) << "something was not given back";
    EXPECT_EQ(fake::pending_error(), cudaSuccess);
}

INSTANTIATE_TEST_SUITE_P(Checks, CudaCalls, testing::ValuesIn(test::accelerator_checks), test::name_of_check);

/// Every call that there is, once at least.
void everything() {
    CudaAccelerator gpu(0);
    device::Buffer<float> a(gpu.compute(), std::vector<float>(64, 1.0F), "a"), b(gpu.compute(), 64, "b");
    const auto from = gpu.compute().mark();
    gpu.compute().zero(b);
    gpu.compute().copy(b.data(), a.data(), b.bytes());
    gpu.compute().for_each(64, device::SelfCheckScale{a.data(), b.data(), 2.0F});
    gpu.compute().multiply({.left = a.data(),
                            .right = a.data(),
                            .out = b.data(),
                            .n_i = 2,
                            .n_j = 2,
                            .n_k = 2,
                            .left_row = 2,
                            .right_row = 2,
                            .out_row = 2});
    gpu.compute().multiply({.left = a.data(),
                            .right = a.data(),
                            .out = b.data(),
                            .n_i = 2,
                            .n_j = 2,
                            .n_k = 2,
                            .left_row = 2,
                            .right_row = 2,
                            .out_row = 2,
                            .n_batch = 2,
                            .left_stride = 4,
                            .right_stride = 4,
                            .out_stride = 4});
    gpu.compute().multiply({.out = b.data(), .n_i = 2, .n_j = 2, .n_k = 0, .out_row = 2});
    gpu.compute().finish(); // before the plan's destructor, which waits too
    {
        const auto plan = gpu.plan_fft(gpu.compute(), 1, 4, 4);
        plan->forward(a.data(), b.data());
        plan->inverse(b.data(), a.data());
    }
    const auto to = gpu.compute().mark();
    gpu.transfer().wait_for(to);
    gpu.transfer().host_wait(to);
    EXPECT_GE(gpu.compute().seconds_between(from, to), 0);
    device::Pinned<float> pinned(gpu, 10);
    EXPECT_GT(gpu.free_memory(), 0);
    gpu.compute().finish();
}

TEST(CudaErrors, EachFailingCallIsNamed) {
    fake::calls().clear();
    everything();
    const auto calls = fake::calls();
    EXPECT_GT(calls.size(), 35U);
    // Called by destructors, which cannot throw.
    const std::set<std::string> silent{"cudaStreamDestroy", "cudaEventDestroy", "cudaMemPoolDestroy", "cudaFreeAsync",
                                       "cudaFreeHost",      "cublasDestroy",    "cufftDestroy"};
    for (const auto& [name, count] : calls) {
        // No enumerator of the three libraries is 999 but cudaErrorUnknown: unknown codes must be errors too.
        fake::fail_next(name, 999);
        const auto error = test::error_of(everything);
        fake::fail_next("", 0);
        EXPECT_EQ(error.has_value(), !silent.contains(name)) << name;
        EXPECT_EQ(fake::pending_error(), cudaSuccess) << name;
        EXPECT_EQ(fake::n_left(), 0) << name << ": something was not given back";
        if (!error) { continue; }
        EXPECT_EQ(error->kind(), Kind::resource) << name;
        EXPECT_THAT(std::string(error->what()), testing::HasSubstr(name));
    }
}

TEST(CudaErrors, AKernelThatFailsIsNamed) {
    fake::fail_next("cudaLaunchKernel", cudaErrorInvalidValue);
    const auto error = test::error_of(everything);
    ASSERT_TRUE(error);
    EXPECT_THAT(std::string(error->what()), testing::HasSubstr("cudaLaunchKernel (device/self_check_scale)"));
    EXPECT_THAT(std::string(error->what()), testing::HasSubstr("cudaErrorInvalidValue"));
}

TEST(CudaErrors, AGpuThatThisBuildHasNoCodeForIsSaid) {
    fake::fail_next("cudaFuncGetAttributes", cudaErrorNoKernelImageForDevice);
    const auto error = test::error_of(everything);
    ASSERT_TRUE(error);
    EXPECT_THAT(std::string(error->what()), testing::HasSubstr("compute capability"));
    EXPECT_THAT(std::string(error->what()), testing::HasSubstr("CMAKE_CUDA_ARCHITECTURES"));
}

TEST(CudaErrors, LackOfMemoryInCublasAndCufftSaysHowMuchIsFree) {
    for (const auto& [name, code] : {std::pair{"cublasCreate", static_cast<int>(CUBLAS_STATUS_ALLOC_FAILED)},
                                     std::pair{"cufftMakePlanMany64", static_cast<int>(CUFFT_ALLOC_FAILED)}}) {
        fake::fail_next(name, code);
        const auto error = test::error_of(everything);
        ASSERT_TRUE(error);
        EXPECT_THAT(std::string(error->what()), testing::HasSubstr("of 64.0 MiB free"));
    }
}

TEST(CudaMemory, WhatIsReleasedButStillInUseIsWaitedForBeforeGivingUp) {
    CudaAccelerator gpu(0);
    const std::int64_t most = fake::memory / 4 * 3;
    { const device::Buffer<char> first(gpu.compute(), most, "first"); }
    fake::calls().clear();
    const device::Buffer<char> second(gpu.transfer(), most, "second");
    EXPECT_EQ(fake::calls()["cudaMemPoolTrimTo"], 1);
    EXPECT_EQ(gpu.free_memory(), fake::memory - most);
}

TEST(CudaMemory, PinnedPiecesAreUsedAgain) {
    CudaAccelerator gpu(0);
    fake::calls().clear();
    for (int round = 0; round < 10; ++round) { const device::Pinned<float> piece(gpu, 1000 - round); }
    EXPECT_EQ(fake::calls()["cudaHostAlloc"], 1);
    const device::Pinned<char> much_smaller(gpu, 10);
    EXPECT_EQ(fake::calls()["cudaHostAlloc"], 2) << "a large piece is not wasted on a small wish";
    fake::fail_next("cudaHostAlloc", cudaErrorMemoryAllocation);
    const device::Pinned<float> larger(gpu, 5000);
    EXPECT_EQ(fake::calls()["cudaFreeHost"], 1) << "what nobody has goes before giving up";
}

TEST(CudaProducts, ShortFactorsOnlyIfAskedFor) {
    unsetenv("TESSERA_TF32");
    everything();
    EXPECT_EQ(fake::math_mode(), CUBLAS_DEFAULT_MATH);
    setenv("TESSERA_TF32", "1", 1);
    everything();
    EXPECT_EQ(fake::math_mode(), CUBLAS_TF32_TENSOR_OP_MATH);
    unsetenv("TESSERA_TF32");
}

} // namespace
} // namespace tessera
