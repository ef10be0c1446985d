#include "tests/device/fake_cuda.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include "device/cuda_backend.hpp"
#include "device/cuda_kernel_list.hpp"
#include "device/emulated_fft.hpp"
#include "device/self_check.hpp"

namespace tessera::test::fake {

namespace {

struct Stream {
    std::deque<std::function<void()>> work;
    std::int64_t given = 0, done = 0;
    void run_until(std::int64_t count) {
        while (done < count) {
            const auto next = std::move(work.front());
            work.pop_front();
            ++done;
            next();
        }
    }
};
using StreamPointer = std::shared_ptr<Stream>;

struct Event {
    StreamPointer stream; ///< null before it is recorded
    std::int64_t count = 0;
    std::shared_ptr<double> seconds = std::make_shared<double>(-1);
};

struct Plan {
    std::shared_ptr<device::EmulatedFft> fft; ///< lives while transforms wait
    cufftType type = CUFFT_R2C;
    cudaStream_t stream = nullptr;
    bool automatic = true;
    void* scratch = nullptr;
};

struct State {
    std::map<std::string, int> calls;
    std::string failing;
    int code = 0;
    cudaError_t last = cudaSuccess;
    int left = 0;
    std::int64_t used = 0, reserved = 0;
    std::map<char*, std::int64_t> live; ///< device memory, bytes
    std::map<int, Plan> plans;
    cublasMath_t math = CUBLAS_PEDANTIC_MATH;
    cudaStream_t blas_stream = nullptr;
};
State& state() {
    static State one;
    return one;
}

/// Counts a call. @return  the code to fail with, 0 to go on
int called(const char* name) {
    State& s = state();
    ++s.calls[name];
    if (s.failing != name) { return 0; }
    s.failing.clear();
    return s.code;
}
cudaError_t remember(cudaError_t code) {
    if (code != cudaSuccess) { state().last = code; }
    return code;
}

StreamPointer& of(cudaStream_t stream) { return *reinterpret_cast<StreamPointer*>(stream); }
Event& of(cudaEvent_t event) { return *reinterpret_cast<Event*>(event); }

template <class Work>
void give(cudaStream_t stream, Work&& work) {
    of(stream)->work.emplace_back(std::forward<Work>(work));
    ++of(stream)->given;
}

bool on_device(const void* memory_, std::size_t bytes) {
    const auto* begin = static_cast<const char*>(memory_);
    return std::ranges::any_of(state().live, [&](const auto& piece) {
        return begin >= piece.first && begin + bytes <= piece.first + piece.second;
    });
}

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

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

} // namespace

std::map<std::string, int>& calls() { return state().calls; }
void fail_next(const std::string& name, int code) {
    state().failing = name;
    state().code = code;
}
cudaError_t pending_error() { return state().last; }
cublasMath_t math_mode() { return state().math; }
int n_left() { return state().left + static_cast<int>(state().live.size()); }

} // namespace tessera::test::fake

using namespace tessera::test::fake;

#define FAKE(name)                                                                                                     \
    if (const int failure = called(name); failure != 0) { return remember(static_cast<cudaError_t>(failure)); }
#define FAKE_BLAS(name)                                                                                                \
    if (const int failure = called(name); failure != 0) { return static_cast<cublasStatus_t>(failure); }
#define FAKE_FFT(name)                                                                                                 \
    if (const int failure = called(name); failure != 0) { return static_cast<cufftResult>(failure); }

extern "C" {

cudaError_t cudaSetDevice(int device) {
    FAKE("cudaSetDevice")
    return remember(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
    FAKE("cudaGetDeviceProperties")
    *properties = {};
    std::strcpy(properties->name, "Fake");
    properties->totalGlobalMem = static_cast<std::size_t>(tessera::test::fake::memory);
    properties->multiProcessorCount = 132;
    return cudaSuccess;
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes*, const void*) {
    FAKE("cudaFuncGetAttributes")
    return cudaSuccess;
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
    FAKE("cudaDeviceGetStreamPriorityRange")
    *least = 0;
    *greatest = -5;
    return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) {
    FAKE("cudaDeviceGetAttribute")
    *value = 1;
    return cudaSuccess;
}
cudaError_t cudaGetLastError() { return std::exchange(state().last, cudaSuccess); }
const char* cudaGetErrorString(cudaError_t) { return "a fault that was asked for"; }
const char* cudaGetErrorName(cudaError_t code) {
    return code == cudaErrorInvalidValue ? "cudaErrorInvalidValue" : "cudaErrorOther";
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
    FAKE("cudaStreamCreateWithPriority")
    if (flags != cudaStreamNonBlocking || priority > 0 || priority < -5) { return remember(cudaErrorInvalidValue); }
    *stream = reinterpret_cast<cudaStream_t>(new StreamPointer(std::make_shared<Stream>()));
    ++state().left;
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    FAKE("cudaStreamSynchronize")
    of(stream)->run_until(of(stream)->given);
    return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    const int failure = called("cudaStreamDestroy");
    of(stream)->run_until(of(stream)->given);
    delete &of(stream);
    --state().left;
    return remember(static_cast<cudaError_t>(failure));
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    FAKE("cudaStreamWaitEvent")
    // The event may be destroyed before the stream gets there.
    give(stream, [other = of(event).stream, count = of(event).count] {
        if (other) { other->run_until(count); }
    });
    return cudaSuccess;
}

#undef cudaEventCreate
cudaError_t cudaEventCreate(cudaEvent_t* event) {
    FAKE("cudaEventCreate")
    *event = reinterpret_cast<cudaEvent_t>(new Event);
    ++state().left;
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    FAKE("cudaEventRecord")
    give(stream, [seconds = of(event).seconds] { *seconds = now(); });
    of(event).stream = of(stream);
    of(event).count = of(stream)->given;
    return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    FAKE("cudaEventSynchronize")
    of(event).stream->run_until(of(event).count);
    return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
    FAKE("cudaEventElapsedTime")
    if (*of(from).seconds < 0 || *of(to).seconds < 0) { return remember(cudaErrorNotReady); }
    *milliseconds = static_cast<float>(1e3 * (*of(to).seconds - *of(from).seconds));
    return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    const int failure = called("cudaEventDestroy");
    delete &of(event);
    --state().left;
    return remember(static_cast<cudaError_t>(failure));
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
    FAKE("cudaMemPoolCreate")
    if (properties->allocType != cudaMemAllocationTypePinned ||
        properties->location.type != cudaMemLocationTypeDevice) {
        return remember(cudaErrorInvalidValue);
    }
    *pool = reinterpret_cast<cudaMemPool_t>(new int);
    ++state().left;
    return cudaSuccess;
}
cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
    const int failure = called("cudaMemPoolDestroy");
    delete reinterpret_cast<int*>(pool);
    --state().left;
    return remember(static_cast<cudaError_t>(failure));
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr attribute, void*) {
    FAKE("cudaMemPoolSetAttribute")
    return remember(attribute == cudaMemPoolAttrReleaseThreshold ? cudaSuccess : cudaErrorInvalidValue);
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, cudaMemPoolAttr attribute, void* value) {
    FAKE("cudaMemPoolGetAttribute")
    const auto bytes = attribute == cudaMemPoolAttrUsedMemCurrent ? state().used : state().reserved;
    *static_cast<std::uint64_t*>(value) = static_cast<std::uint64_t>(bytes);
    return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, std::size_t) {
    FAKE("cudaMemPoolTrimTo")
    state().reserved = state().used;
    return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* n_free, std::size_t* n_total) {
    FAKE("cudaMemGetInfo")
    *n_total = static_cast<std::size_t>(tessera::test::fake::memory);
    *n_free = *n_total - static_cast<std::size_t>(state().reserved);
    return cudaSuccess;
}
#undef cudaMallocFromPoolAsync
cudaError_t cudaMallocFromPoolAsync(void** pointer, std::size_t bytes, cudaMemPool_t, cudaStream_t) {
    FAKE("cudaMallocFromPoolAsync")
    State& s = state();
    const auto size = static_cast<std::int64_t>(bytes);
    if (s.used + size > tessera::test::fake::memory) { return remember(cudaErrorMemoryAllocation); }
    auto* piece = new char[bytes];
    std::fill_n(piece, bytes, '\xff');
    s.live[piece] = size;
    s.used += size;
    s.reserved = std::max(s.reserved, s.used);
    *pointer = piece;
    return cudaSuccess;
}
cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
    const int failure = called("cudaFreeAsync");
    give(stream, [piece = static_cast<char*>(pointer)] {
        State& s = state();
        s.used -= s.live.at(piece);
        s.live.erase(piece);
        delete[] piece;
    });
    return remember(static_cast<cudaError_t>(failure));
}
#undef cudaHostAlloc
cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned) {
    FAKE("cudaHostAlloc")
    *pointer = new char[bytes];
    ++state().left;
    return cudaSuccess;
}
cudaError_t cudaFreeHost(void* pointer) {
    const int failure = called("cudaFreeHost");
    delete[] static_cast<char*>(pointer);
    --state().left;
    return remember(static_cast<cudaError_t>(failure));
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    FAKE("cudaMemcpyAsync")
    const bool to_device = kind != cudaMemcpyDeviceToHost;
    const bool from_device = kind != cudaMemcpyHostToDevice;
    if (on_device(to, bytes) != to_device || on_device(from, bytes) != from_device) {
        return remember(cudaErrorInvalidValue);
    }
    give(stream, [=] { std::memcpy(to, from, bytes); });
    return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
    FAKE("cudaMemsetAsync")
    if (!on_device(to, bytes)) { return remember(cudaErrorInvalidValue); }
    give(stream, [=] { std::memset(to, value, bytes); });
    return cudaSuccess;
}
cudaError_t cudaMemset2DAsync(void* to, std::size_t pitch, int value, std::size_t width, std::size_t height,
                              cudaStream_t stream) {
    FAKE("cudaMemset2DAsync")
    if (pitch < width) { return remember(cudaErrorInvalidPitchValue); }
    give(stream, [=] {
        for (std::size_t row = 0; row < height; ++row) {
            std::memset(static_cast<char*>(to) + row * pitch, value, width);
        }
    });
    return cudaSuccess;
}
/// A function is here the Kernel that knows its loop on the host.
cudaError_t cudaLaunchKernel(const void* function, dim3 grid, dim3 block, void** arguments, std::size_t,
                             cudaStream_t stream) {
    FAKE("cudaLaunchKernel")
    const auto& kernel = *static_cast<const tessera::device::Kernel*>(function);
    const std::int64_t n = *static_cast<const std::int64_t*>(arguments[1]);
    const std::int64_t n_thread = static_cast<std::int64_t>(grid.x) * block.x;
    if (block.x > 256 || block.x % 32 != 0 || n_thread < n || n_thread >= n + block.x) {
        return remember(cudaErrorInvalidConfiguration);
    }
    const auto* body = static_cast<const char*>(arguments[0]);
    give(stream,
         [&kernel, n, copy = std::vector<char>(body, body + kernel.bytes)] { kernel.on_host(copy.data(), 0, n); });
    return cudaSuccess;
}

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

// ---- What only nvcc can compile: the kernels, and CUB's.

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
