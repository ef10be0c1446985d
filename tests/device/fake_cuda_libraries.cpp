// cuBLAS and cuFFT, and what only nvcc can compile: the kernels, and CUB's.
#include <numeric>
#include <vector>

#include "device/cuda_backend.hpp"
#include "device/cuda_kernel_list.hpp"
#include "device/self_check.hpp"
#include "tests/device/fake_cuda_state.hpp"

namespace tessera::test::fake {

namespace {

struct Factor {
    const float* data;
    std::int64_t leading;
    long long stride;
};

/// Column-major, as cuBLAS's manual says: C (m × n) = alpha op(A) op(B) + beta C. Scalars are read at once: host pointer mode.
cublasStatus_t gemm(cublasOperation_t op_a, cublasOperation_t op_b, std::int64_t m, std::int64_t n, std::int64_t k,
                    float alpha, const Factor& a, const Factor& b, float beta, float* c, std::int64_t ldc,
                    long long stride_c, std::int64_t n_batch) {
    const bool turn_a = op_a != CUBLAS_OP_N;
    const bool turn_b = op_b != CUBLAS_OP_N;
    const std::int64_t one = 1;
    if (m < 0 || n < 0 || k < 0 || a.leading < std::max(one, turn_a ? k : m) ||
        b.leading < std::max(one, turn_b ? n : k) || ldc < std::max(one, m)) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    give(state().blas_stream, [=] {
        for (std::int64_t batch = 0; batch < n_batch; ++batch) {
            const float* a_data = a.data + batch * a.stride;
            const float* b_data = b.data + batch * b.stride;
            for (std::int64_t at = 0; at < m * n; ++at) {
                const std::int64_t row = at % m;
                const std::int64_t column = at / m;
                float sum = 0;
                for (std::int64_t i = 0; i < k; ++i) {
                    sum += a_data[turn_a ? i + row * a.leading : row + i * a.leading] *
                           b_data[turn_b ? column + i * b.leading : i + column * b.leading];
                }
                float& out = c[batch * stride_c + row + column * ldc];
                out = alpha * sum + (beta == 0 ? 0 : beta * out);
            }
        }
    });
    return CUBLAS_STATUS_SUCCESS;
}

} // namespace

} // namespace tessera::test::fake

using namespace tessera::test::fake;

#define FAKE_BLAS(name)                                                                                                \
    if (const int failure = called(name); failure != 0) { return static_cast<cublasStatus_t>(failure); }
#define FAKE_FFT(name)                                                                                                 \
    if (const int failure = called(name); failure != 0) { return static_cast<cufftResult>(failure); }

extern "C" {

const char* cublasGetStatusString(cublasStatus_t) { return "a status that was asked for"; }
cublasStatus_t cublasCreate(cublasHandle_t* handle) {
    FAKE_BLAS("cublasCreate")
    *handle = reinterpret_cast<cublasHandle_t>(new int);
    ++state().left;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy(cublasHandle_t handle) {
    const int failure = called("cublasDestroy");
    delete reinterpret_cast<int*>(handle);
    --state().left;
    return static_cast<cublasStatus_t>(failure);
}
cublasStatus_t cublasSetStream(cublasHandle_t, cudaStream_t stream) {
    FAKE_BLAS("cublasSetStream")
    state().blas_stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetPointerMode(cublasHandle_t, cublasPointerMode_t mode) {
    FAKE_BLAS("cublasSetPointerMode")
    return mode == CUBLAS_POINTER_MODE_HOST ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasSetAtomicsMode(cublasHandle_t, cublasAtomicsMode_t) {
    FAKE_BLAS("cublasSetAtomicsMode")
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t mode) {
    FAKE_BLAS("cublasSetMathMode")
    state().math = mode;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSgemmStridedBatched_64(cublasHandle_t, cublasOperation_t op_a, cublasOperation_t op_b,
                                            std::int64_t m, std::int64_t n, std::int64_t k, const float* alpha,
                                            const float* a, std::int64_t lda, long long stride_a, const float* b,
                                            std::int64_t ldb, long long stride_b, const float* beta, float* c,
                                            std::int64_t ldc, long long stride_c, std::int64_t n_batch) {
    FAKE_BLAS("cublasSgemmStridedBatched")
    return gemm(op_a, op_b, m, n, k, *alpha, {a, lda, stride_a}, {b, ldb, stride_b}, *beta, c, ldc, stride_c, n_batch);
}
cublasStatus_t cublasSgemm_64(cublasHandle_t, cublasOperation_t op_a, cublasOperation_t op_b, std::int64_t m,
                              std::int64_t n, std::int64_t k, const float* alpha, const float* a, std::int64_t lda,
                              const float* b, std::int64_t ldb, const float* beta, float* c, std::int64_t ldc) {
    FAKE_BLAS("cublasSgemm")
    return gemm(op_a, op_b, m, n, k, *alpha, {a, lda, 0}, {b, ldb, 0}, *beta, c, ldc, 0, 1);
}

cufftResult cufftCreate(cufftHandle* handle) {
    FAKE_FFT("cufftCreate")
    static int next = 1;
    *handle = next++;
    state().plans[*handle];
    ++state().left;
    return CUFFT_SUCCESS;
}
cufftResult cufftDestroy(cufftHandle handle) {
    const int failure = called("cufftDestroy");
    state().left -= static_cast<int>(state().plans.erase(handle));
    return static_cast<cufftResult>(failure);
}
cufftResult cufftSetAutoAllocation(cufftHandle handle, int automatic) {
    FAKE_FFT("cufftSetAutoAllocation")
    state().plans.at(handle).automatic = automatic != 0;
    return CUFFT_SUCCESS;
}
cufftResult cufftMakePlanMany64(cufftHandle handle, int rank, long long* n, long long* in, long long, long long,
                                long long* out, long long, long long, cufftType type, long long n_batch,
                                std::size_t* bytes) {
    FAKE_FFT("cufftMakePlanMany64")
    if (in != nullptr || out != nullptr || rank < 1 || rank > 2) { return CUFFT_INVALID_VALUE; }
    auto& plan = state().plans.at(handle);
    plan.type = type;
    plan.fft = std::make_shared<tessera::device::EmulatedFft>(n_batch, rank == 1 ? 1 : n[0], n[rank - 1]);
    *bytes = static_cast<std::size_t>(plan.fft->plane_bytes());
    return CUFFT_SUCCESS;
}
cufftResult cufftSetStream(cufftHandle handle, cudaStream_t stream) {
    FAKE_FFT("cufftSetStream")
    state().plans.at(handle).stream = stream;
    return CUFFT_SUCCESS;
}
cufftResult cufftSetWorkArea(cufftHandle handle, void* scratch) {
    FAKE_FFT("cufftSetWorkArea")
    state().plans.at(handle).scratch = scratch;
    return on_device(scratch, 1) ? CUFFT_SUCCESS : CUFFT_INVALID_VALUE;
}
cufftResult cufftExecR2C(cufftHandle handle, cufftReal* in, cufftComplex* out) {
    FAKE_FFT("cufftExecR2C")
    auto& plan = state().plans.at(handle);
    if (plan.type != CUFFT_R2C || plan.scratch == nullptr) { return CUFFT_INVALID_PLAN; }
    if (reinterpret_cast<std::uintptr_t>(in) % 8 != 0) { return CUFFT_UNALIGNED_DATA; }
    give(plan.stream, [fft = plan.fft, in, out] { fft->forward(in, reinterpret_cast<float*>(out)); });
    return CUFFT_SUCCESS;
}
cufftResult cufftExecC2R(cufftHandle handle, cufftComplex* in, cufftReal* out) {
    FAKE_FFT("cufftExecC2R")
    auto& plan = state().plans.at(handle);
    if (plan.type != CUFFT_C2R || plan.scratch == nullptr) { return CUFFT_INVALID_PLAN; }
    if (reinterpret_cast<std::uintptr_t>(out) % 8 != 0) { return CUFFT_UNALIGNED_DATA; }
    give(plan.stream, [fft = plan.fft, in, out] { fft->inverse(reinterpret_cast<float*>(in), out); });
    return CUFFT_SUCCESS;
}

} // extern "C"

namespace tessera::device {

namespace {
template <class Body>
CudaKernel listed() {
    return {Body::name, sizeof(Body), &kernel_of<Body>()};
}
} // namespace

const CudaKernel* find_kernel(std::string_view name) {
    static const CudaKernel all[] = {listed<SelfCheckScale>(), listed<SelfCheckSum>(), listed<SelfCheckRandom>(),
                                     listed<SelfCheckMath>(), listed<SelfCheckSlow>()};
    const auto* it = std::ranges::find_if(all, [&](const CudaKernel& kernel) { return name == kernel.name; });
    return it == std::end(all) ? nullptr : it;
}

void CudaQueue::sort_by_key(const std::uint32_t* keys, const std::uint32_t* values, std::uint32_t* keys_out,
                            std::uint32_t* values_out, std::int64_t n, int n_bit) {
    const Buffer<std::uint32_t> scratch(*this, n, "sort");
    give(stream_, [=] {
        const std::uint32_t mask = n_bit >= 32 ? ~0U : (1U << static_cast<unsigned>(n_bit)) - 1;
        std::vector<std::uint32_t> order(static_cast<std::size_t>(n));
        std::iota(order.begin(), order.end(), 0U);
        std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return keys[i] & mask; });
        for (std::size_t i = 0; i < order.size(); ++i) {
            keys_out[i] = keys[order[i]];
            values_out[i] = values[order[i]];
        }
    });
}

void CudaQueue::exclusive_sum(const std::int64_t* in, std::int64_t* out, std::int64_t n) {
    give(stream_, [=] { std::exclusive_scan(in, in + n, out, std::int64_t{0}); });
}

} // namespace tessera::device
