#include <algorithm>
#include <limits>

#include "device/cuda_backend.hpp"
#include "device/cuda_kernel_list.hpp"
#include "tessera/core/error.hpp"

namespace tessera::device {

namespace {
cudaEvent_t event_of(const MarkPointer& mark) { return static_cast<const CudaMark&>(*mark).event(); }
} // namespace

CudaMark::CudaMark(cudaStream_t stream) {
    check(cudaEventCreate(&event_), "cudaEventCreate");
    if (const cudaError_t code = cudaEventRecord(event_, stream); code != cudaSuccess) {
        forget(cudaEventDestroy(event_));
        check(code, "cudaEventRecord");
    }
}

/// A wait for it that stands in a queue stays: CUDA keeps the event's resources until then.
CudaMark::~CudaMark() { forget(cudaEventDestroy(event_)); }

CudaQueue::CudaQueue(CudaAccelerator& accelerator, int priority) : Queue(accelerator), owner_(accelerator) {
    check(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, priority), "cudaStreamCreateWithPriority");
}

CudaQueue::~CudaQueue() {
    if (blas_ != nullptr) { forget(cublasDestroy(blas_)); }
    forget(cudaStreamDestroy(stream_));
}

void CudaQueue::copy_in(void* to, const void* host, std::int64_t bytes) {
    owner_.use();
    check(cudaMemcpyAsync(to, host, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, stream_),
          "cudaMemcpyAsync", "host to device");
    owner_.counts().copy_bytes += bytes;
    ++owner_.counts().work.uploads;
}

void CudaQueue::copy_out(void* host, const void* from, std::int64_t bytes) {
    owner_.use();
    check(cudaMemcpyAsync(host, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost, stream_),
          "cudaMemcpyAsync", "device to host");
    owner_.counts().back_bytes += bytes;
    ++owner_.counts().work.downloads;
}

void CudaQueue::copy(void* to, const void* from, std::int64_t bytes) {
    owner_.use();
    check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice, stream_),
          "cudaMemcpyAsync", "device to device");
    ++owner_.counts().work.launches;
}

void CudaQueue::zero(void* memory, std::int64_t bytes) {
    owner_.use();
    check(cudaMemsetAsync(memory, 0, static_cast<std::size_t>(bytes), stream_), "cudaMemsetAsync");
    ++owner_.counts().work.launches;
}

MarkPointer CudaQueue::mark() {
    owner_.use();
    return std::make_shared<CudaMark>(stream_);
}

void CudaQueue::wait_for(const MarkPointer& mark) {
    owner_.use();
    check(cudaStreamWaitEvent(stream_, event_of(mark), 0), "cudaStreamWaitEvent");
}

void CudaQueue::finish() {
    owner_.use();
    ++owner_.counts().work.waits;
    check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
}

void CudaQueue::host_wait(const MarkPointer& mark) {
    owner_.use();
    ++owner_.counts().work.waits;
    check(cudaEventSynchronize(event_of(mark)), "cudaEventSynchronize");
}

double CudaQueue::seconds_between(const MarkPointer& from, const MarkPointer& to) {
    owner_.use();
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, event_of(from), event_of(to)), "cudaEventElapsedTime");
    return 1e-3 * static_cast<double>(milliseconds);
}

void CudaQueue::launch(const Kernel& kernel, const void* body, std::int64_t n) {
    const CudaKernel* found = find_kernel(kernel.name);
    if (found == nullptr || found->bytes != kernel.bytes) {
        throw Error({.kind = Kind::internal,
                     .where = kernel.name,
                     .found = found == nullptr ? std::string("no such kernel in libtessera_cuda.so")
                                               : "a body of " + std::to_string(found->bytes) + " bytes",
                     .expected = found == nullptr ? std::string("its TESSERA_CUDA_KERNEL line")
                                                  : std::to_string(kernel.bytes) + " bytes, those of this program"});
    }
    owner_.use();
    const int threads = owner_.block_size(n);
    const std::int64_t n_block = std::min<std::int64_t>((n + threads - 1) / threads, std::numeric_limits<int>::max());
    // Parameters are copied by the call: the body may go when it returns.
    void* arguments[] = {const_cast<void*>(body), &n};
    check(cudaLaunchKernel(found->function, dim3(static_cast<unsigned>(n_block)), dim3(static_cast<unsigned>(threads)),
                           arguments, 0, stream_),
          "cudaLaunchKernel", kernel.name);
    ++owner_.counts().work.launches;
}

} // namespace tessera::device
