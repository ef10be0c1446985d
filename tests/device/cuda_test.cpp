// A GPU gives the answers of accelerator_checks.hpp, as the emulation does; errors name what failed.
#include <cstdlib>

#include "device/cuda_library.hpp"
#include "tests/device/accelerator_checks.hpp"

namespace tessera {
namespace {

struct NotRegistered {
    static constexpr const char* name = "test/not_registered";
    float* out;
    void operator()(std::int64_t i) const { out[i] = 1; }
};

class Cuda : public testing::TestWithParam<test::AcceleratorCheck> {
protected:
    void SetUp() override {
        if (device::gpus().empty()) { GTEST_SKIP() << "no GPU here: " << device::why_no_gpu(); }
        unsetenv("TESSERA_TF32"); // products are compared in full single precision
    }
};
using CudaErrors = Cuda;

TEST_P(Cuda, Passes) {
    const auto gpu = device::open_cuda(0);
    GetParam().run(*gpu);
}

INSTANTIATE_TEST_SUITE_P(Checks, Cuda, testing::ValuesIn(test::accelerator_checks), test::name_of_check);

TEST_F(CudaErrors, AnIndexBeyondTheLast) {
    const auto count = static_cast<int>(device::gpus().size());
    for (const int index : {count, 1000, -1}) {
        const auto error = test::error_of([&] { device::open_cuda(index); });
        ASSERT_TRUE(error);
        EXPECT_EQ(error->kind(), Kind::resource);
        EXPECT_THAT(std::string(error->what()), testing::HasSubstr(std::to_string(count) + " GPU"));
    }
}

TEST_F(CudaErrors, AKernelThatWasNotCompiledIsNamed) {
    const auto gpu = device::open_cuda(0);
    device::Buffer<float> out(gpu->compute(), 10, "out");
    const auto error = test::error_of([&] { gpu->compute().for_each(10, NotRegistered{out.data()}); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_THAT(std::string(error->what()), testing::HasSubstr("test/not_registered"));
}

TEST_F(CudaErrors, AFailingCallIsNamedAndTheNextOnesWork) {
    const auto gpu = device::open_cuda(0);
    const auto error = test::error_of([&] { gpu->compute().copy(nullptr, nullptr, std::int64_t{1} << 50); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_THAT(std::string(error->what()), testing::HasSubstr("cudaMemcpyAsync"));
    EXPECT_THAT(std::string(error->what()), testing::HasSubstr("cudaErrorInvalidValue"));
    test::copies(*gpu);
}

TEST_F(CudaErrors, TwoOnOneGpuDoNotDisturbEachOther) {
    const auto one = device::open_cuda(0);
    {
        const auto two = device::open_cuda(0);
        test::loops(*two);
        test::loops(*one);
    }
    test::loops(*one);
    EXPECT_NE(one->compute().native(), nullptr);
    EXPECT_EQ(one->info().kind, "cuda");
}

TEST_F(CudaErrors, RanksTakeTheGpusInTurn) {
    const auto count = static_cast<int>(device::gpus().size());
    for (int rank = 0; rank < 2 * count + 1; ++rank) {
        const auto gpu = device::open_accelerator("auto", rank, 1);
        ASSERT_NE(gpu, nullptr);
        EXPECT_EQ(gpu->info().index, rank % count);
        test::zeroes(*gpu);
    }
    EXPECT_EQ(device::open_accelerator("cuda:0", 3, 1)->info().index, 0);
}

} // namespace
} // namespace tessera
