#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

#include "tessera/device/kernel.hpp"
#include "tests/device/fake_cuda_state.hpp"

namespace tessera::test::fake {

namespace {
double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

} // namespace

State& state() {
    static State one;
    return one;
}
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

} // extern "C"
