#pragma once

#include <map>
#include <memory>
#include <string>

#include "device/cuda_check.hpp"
#include "tessera/device/accelerator.hpp"

namespace tessera::device {

class CudaAccelerator;

/// An event, with a time.
class CudaMark final : public Mark {
public:
    explicit CudaMark(cudaStream_t stream);
    ~CudaMark() override;
    CudaMark(const CudaMark&) = delete;
    CudaMark& operator=(const CudaMark&) = delete;
    cudaEvent_t event() const { return event_; }

private:
    cudaEvent_t event_ = nullptr;
};

/// A stream, which waits for none but those it is told to wait for (not for the legacy default stream either).
class CudaQueue final : public Queue {
public:
    /// @param priority  smaller goes first
    CudaQueue(CudaAccelerator& accelerator, int priority);
    ~CudaQueue() override;
    CudaQueue(const CudaQueue&) = delete;
    CudaQueue& operator=(const CudaQueue&) = delete;

    void copy_in(void* to, const void* host, std::int64_t bytes) override;
    void copy_out(void* host, const void* from, std::int64_t bytes) override;
    void copy(void* to, const void* from, std::int64_t bytes) override;
    using Queue::zero;
    void zero(void* memory, std::int64_t bytes) override;
    void multiply(const Product& product) override; // cuda_product.cu
    void sort_by_key(const std::uint32_t* keys, const std::uint32_t* values, std::uint32_t* keys_out,
                     std::uint32_t* values_out, std::int64_t n, int n_bit) override; // cuda_sort.cu
    void exclusive_sum(const std::int64_t* in, std::int64_t* out, std::int64_t n) override;

    MarkPointer mark() override;
    using Queue::wait_for;
    void wait_for(const MarkPointer& mark) override;
    void finish() override;
    void host_wait(const MarkPointer& mark) override;
    double seconds_between(const MarkPointer& from, const MarkPointer& to) override;
    void* native() override { return stream_; }

    cudaStream_t stream() const { return stream_; }
    CudaAccelerator& owner() const { return owner_; }

private:
    void launch(const Kernel& kernel, const void* body, std::int64_t n) override;
    cublasHandle_t blas(); ///< made by the first product: it takes memory and time
    CudaAccelerator& owner_;
    cudaStream_t stream_ = nullptr;
    cublasHandle_t blas_ = nullptr;
    bool blas_ready_ = false;
};

/// A pool of a GPU's memory, which goes when its owner does, complete or not.
struct CudaPool {
    CudaPool() = default;
    ~CudaPool() {
        if (pool != nullptr) { forget(cudaMemPoolDestroy(pool)); }
    }
    CudaPool(const CudaPool&) = delete;
    CudaPool& operator=(const CudaPool&) = delete;
    cudaMemPool_t pool = nullptr;
};

/// A GPU with a pool of memory, whose pieces come and go in the order of the queues' work, without waiting for the GPU.
class CudaAccelerator final : public Accelerator {
public:
    explicit CudaAccelerator(int index);
    ~CudaAccelerator() override;
    CudaAccelerator(const CudaAccelerator&) = delete;
    CudaAccelerator& operator=(const CudaAccelerator&) = delete;

    const AcceleratorInfo& info() const override { return info_; }
    std::int64_t free_memory() override;
    Queue& compute() override { return *compute_; }
    Queue& transfer() override { return *transfer_; }
    Queue& exchange() override { return *exchange_; }
    void* reserve(std::int64_t bytes, Queue& queue, const char* what) override;
    void release(void* memory, Queue& queue) noexcept override;
    void* reserve_pinned(std::int64_t bytes) override;
    void release_pinned(void* memory) noexcept override;
    std::unique_ptr<FftPlan> plan_fft(Queue& queue, std::int64_t n_batch, std::int64_t n_y,
                                      std::int64_t n_x) override; // cuda_fft.cu

    void use() const; ///< makes this GPU the calling thread's: CUDA's calls go to that one
    AcceleratorInfo& counts() { return info_; }
    int block_size(std::int64_t n) const; ///< threads a block, so that few indices still reach all multiprocessors

private:
    void open_pool();
    std::int64_t pool_slack() const; ///< bytes of the pool that nobody has
    void drop_pinned() noexcept;     ///< gives back the pinned memory that nobody has
    AcceleratorInfo info_;
    std::string place_; ///< for messages
    int n_multiprocessor_ = 1;
    CudaPool pool_; ///< before the queues: what they were given to release is released when it goes
    /// Pinning takes milliseconds, and unpinning waits for the GPU: released pieces are kept for the next who asks.
    std::map<void*, std::int64_t> pinned_;           ///< bytes of the pieces in use
    std::multimap<std::int64_t, void*> free_pinned_; ///< by bytes
    std::unique_ptr<CudaQueue> compute_, transfer_, exchange_;
};

} // namespace tessera::device
