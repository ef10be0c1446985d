#include <cstdint>

#include "device/cuda_backend.hpp"
#include "device/cuda_kernel_list.hpp"
#include "tessera/core/error.hpp"

namespace tessera::device {

namespace {

/// @throws Error(Kind::resource)  this library holds no code for that GPU
void check_code(const cudaDeviceProp& properties, const std::string& place) {
    const CudaKernel* any = find_kernel("device/self_check_sum");
    cudaFuncAttributes attributes{};
    const cudaError_t code =
        any == nullptr ? cudaErrorInvalidDeviceFunction : cudaFuncGetAttributes(&attributes, any->function);
    if (code == cudaErrorNoKernelImageForDevice || code == cudaErrorInvalidDeviceFunction) {
        forget(code);
        throw Error({.kind = Kind::resource,
                     .where = place,
                     .found = "compute capability " + std::to_string(properties.major) + "." +
                              std::to_string(properties.minor) + ", " + cudaGetErrorString(code),
                     .expected = std::string("one that this build is for (CMAKE_CUDA_ARCHITECTURES: ") +
                                 TESSERA_CUDA_ARCHITECTURES + ")",
                     .cure = "Build for it, or set parallel.device: cpu"});
    }
    check(code, "cudaFuncGetAttributes");
}

} // namespace

CudaAccelerator::CudaAccelerator(int index) {
    info_ = {.kind = "cuda", .name = "GPU", .index = index};
    use();
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties");
    info_.name = properties.name;
    info_.memory = static_cast<std::int64_t>(properties.totalGlobalMem);
    n_multiprocessor_ = properties.multiProcessorCount;
    place_ = "GPU " + std::to_string(index) + " (" + info_.name + ")";
    check_code(properties, place_);
    open_pool();
    // Copies and exchanges are short and others wait for them: theirs go before the kernels that are still to start.
    int last = 0;
    int first = 0;
    check(cudaDeviceGetStreamPriorityRange(&last, &first), "cudaDeviceGetStreamPriorityRange");
    compute_ = std::make_unique<CudaQueue>(*this, last);
    transfer_ = std::make_unique<CudaQueue>(*this, first);
    exchange_ = std::make_unique<CudaQueue>(*this, first);
}

CudaAccelerator::~CudaAccelerator() {
    drop_kept();
    forget(cudaSetDevice(info_.index));
    // What was released stands in the queues: done before the pool goes.
    for (const auto* queue : {&compute_, &transfer_, &exchange_}) { forget(cudaStreamSynchronize((*queue)->stream())); }
    compute_.reset();
    transfer_.reset();
    exchange_.reset();
    drop_pinned();
}

void CudaAccelerator::open_pool() {
    int supported = 0;
    check(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, info_.index), "cudaDeviceGetAttribute");
    if (supported == 0) {
        throw Error({.kind = Kind::resource,
                     .where = place_,
                     .found = "no stream-ordered memory pools (cudaDevAttrMemoryPoolsSupported is 0)",
                     .expected = "a GPU and driver that have them",
                     .cure = "Set parallel.device: cpu"});
    }
    cudaMemPoolProps properties{};
    properties.allocType =
        cudaMemAllocationTypePinned; // CUDA's word for memory that stays where it is: here, on the GPU
    properties.handleTypes = cudaMemHandleTypeNone;
    properties.location.type = cudaMemLocationTypeDevice;
    properties.location.id = info_.index;
    check(cudaMemPoolCreate(&pool_.pool, &properties), "cudaMemPoolCreate");
    // By default the pool hands memory back to the driver at every synchronisation, and asks again: slow.
    std::uint64_t kept = UINT64_MAX;
    check(cudaMemPoolSetAttribute(pool_.pool, cudaMemPoolAttrReleaseThreshold, &kept), "cudaMemPoolSetAttribute");
}

void CudaAccelerator::use() const { check(cudaSetDevice(info_.index), "cudaSetDevice"); }

std::int64_t CudaAccelerator::pool_slack() const {
    std::uint64_t reserved = 0;
    std::uint64_t used = 0;
    check(cudaMemPoolGetAttribute(pool_.pool, cudaMemPoolAttrReservedMemCurrent, &reserved), "cudaMemPoolGetAttribute");
    check(cudaMemPoolGetAttribute(pool_.pool, cudaMemPoolAttrUsedMemCurrent, &used), "cudaMemPoolGetAttribute");
    return static_cast<std::int64_t>(reserved - used);
}

std::int64_t CudaAccelerator::free_memory() {
    use();
    std::size_t n_free = 0;
    std::size_t n_total = 0;
    check(cudaMemGetInfo(&n_free, &n_total), "cudaMemGetInfo");
    return static_cast<std::int64_t>(n_free) + pool_slack();
}

void* CudaAccelerator::reserve(std::int64_t bytes, Queue& queue, const char* what) {
    if (bytes <= 0) { return nullptr; }
    use();
    const cudaStream_t stream = static_cast<CudaQueue&>(queue).stream();
    const auto size = static_cast<std::size_t>(bytes);
    void* memory = nullptr;
    const char* call = "cudaMallocFromPoolAsync";
    ++info_.work.reservations;
    if (has_memory_for(cudaMallocFromPoolAsync(&memory, size, pool_.pool, stream), call)) { return memory; }
    drop_kept();
    // What was released may be in use still, or lie in pieces: once all is done, the pool gives them back and starts anew.
    for (const auto* each : {&compute_, &transfer_, &exchange_}) { (*each)->finish(); }
    check(cudaMemPoolTrimTo(pool_.pool, 0), "cudaMemPoolTrimTo");
    if (has_memory_for(cudaMallocFromPoolAsync(&memory, size, pool_.pool, stream), call)) { return memory; }
    throw_no_memory(place_.c_str(), bytes, what, free_memory(), info_.memory);
}

void CudaAccelerator::release(void* memory, Queue& queue) noexcept {
    if (memory == nullptr) { return; }
    forget(cudaSetDevice(info_.index));
    forget(cudaFreeAsync(memory, static_cast<CudaQueue&>(queue).stream()));
}

void* CudaAccelerator::reserve_pinned(std::int64_t bytes) {
    if (bytes <= 0) { return nullptr; }
    use();
    if (const auto it = free_pinned_.lower_bound(bytes); it != free_pinned_.end() && it->first / 2 <= bytes) {
        void* kept = it->second;
        pinned_[kept] = it->first;
        free_pinned_.erase(it);
        return kept;
    }
    void* memory = nullptr;
    const auto size = static_cast<std::size_t>(bytes);
    bool there = has_memory_for(cudaHostAlloc(&memory, size, cudaHostAllocPortable), "cudaHostAlloc");
    if (!there && !free_pinned_.empty()) {
        drop_pinned();
        there = has_memory_for(cudaHostAlloc(&memory, size, cudaHostAllocPortable), "cudaHostAlloc");
    }
    if (!there) {
        throw Error({.kind = Kind::resource,
                     .where = "pinned memory of the host (cudaHostAlloc)",
                     .found = "less than is asked for",
                     .expected = std::to_string(bytes) + " bytes for copies to and from " + place_,
                     .cure = "Use fewer ranks a node, raise the limit of locked memory (ulimit -l), or set "
                             "parallel.device: cpu"});
    }
    pinned_[memory] = bytes;
    return memory;
}

void CudaAccelerator::release_pinned(void* memory) noexcept {
    const auto it = pinned_.find(memory);
    if (it == pinned_.end()) { return; }
    try {
        free_pinned_.emplace(it->second, memory);
    } catch (...) { // no memory for the note
        forget(cudaFreeHost(memory));
    }
    pinned_.erase(it);
}

void CudaAccelerator::drop_pinned() noexcept {
    for (const auto& [bytes, memory] : free_pinned_) { forget(cudaFreeHost(memory)); }
    free_pinned_.clear();
}

int CudaAccelerator::block_size(std::int64_t n) const {
    int threads = threads_per_block;
    constexpr int warp = 32;
    while (threads > warp && n < static_cast<std::int64_t>(threads) * n_multiprocessor_ * 2) { threads /= 2; }
    return threads;
}

} // namespace tessera::device
