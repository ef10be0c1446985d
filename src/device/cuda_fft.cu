#include <algorithm>
#include <cstdint>

#include "device/cuda_backend.hpp"

namespace tessera::device {

namespace {

/// A cuFFT plan, destroyed when left.
class Handle {
public:
    Handle() { check(cufftCreate(&plan_), "cufftCreate"); }
    ~Handle() { forget(cufftDestroy(plan_)); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    /// @return  bytes of scratch memory that it needs; it takes none itself
    std::size_t plan(cufftType type, std::int64_t n_batch, std::int64_t n_y, std::int64_t n_x, cudaStream_t stream) {
        long long shape[2] = {n_y, n_x};
        const int rank = n_y == 1 ? 1 : 2; // cuFFT asks for more than one row
        std::size_t bytes = 0;
        check(cufftSetAutoAllocation(plan_, 0), "cufftSetAutoAllocation");
        // No layout given: planes without gaps, half-complex rows of n_x / 2 + 1.
        check(cufftMakePlanMany64(plan_, rank, shape + 2 - rank, nullptr, 1, 0, nullptr, 1, 0, type, n_batch, &bytes),
              "cufftMakePlanMany64");
        check(cufftSetStream(plan_, stream), "cufftSetStream");
        return bytes;
    }
    cufftHandle get() const { return plan_; }

private:
    cufftHandle plan_ = 0;
};

class CudaFftPlan final : public FftPlan {
public:
    CudaFftPlan(CudaQueue& queue, std::int64_t n_batch, std::int64_t n_y, std::int64_t n_x)
        : queue_(queue), n_plane_(n_batch * n_y * n_x) {
        const std::size_t there = forward_.plan(CUFFT_R2C, n_batch, n_y, n_x, queue.stream());
        const std::size_t back = inverse_.plan(CUFFT_C2R, n_batch, n_y, n_x, queue.stream());
        // One for both: they follow each other in the queue.
        const std::size_t bytes = std::max({there, back, std::size_t{1}});
        scratch_ = Buffer<unsigned char>(queue, static_cast<std::int64_t>(bytes), "Fourier transforms");
        check(cufftSetWorkArea(forward_.get(), scratch_.data()), "cufftSetWorkArea");
        check(cufftSetWorkArea(inverse_.get(), scratch_.data()), "cufftSetWorkArea");
    }
    /// The plans' tables are in use until the transforms are done.
    ~CudaFftPlan() override { forget(cudaStreamSynchronize(queue_.stream())); }

    void forward(const float* planes, float* spectrum) override {
        queue_.owner().use();
        ++queue_.owner().counts().work.launches;
        Buffer<float> copy;
        if (!aligned(planes)) {
            copy = Buffer<float>(queue_, n_plane_, "planes to transform");
            queue_.copy(copy.data(), planes, copy.bytes());
            planes = copy.data();
        }
        // Out of place leaves the input alone; the interface takes no const.
        check(cufftExecR2C(forward_.get(), const_cast<float*>(planes), reinterpret_cast<cufftComplex*>(spectrum)),
              "cufftExecR2C");
    }
    void inverse(float* spectrum, float* planes) override {
        queue_.owner().use();
        ++queue_.owner().counts().work.launches;
        Buffer<float> copy;
        if (!aligned(planes)) { copy = Buffer<float>(queue_, n_plane_, "transformed planes"); }
        float* out = copy.data() != nullptr ? copy.data() : planes;
        check(cufftExecC2R(inverse_.get(), reinterpret_cast<cufftComplex*>(spectrum), out), "cufftExecC2R");
        if (out != planes) { queue_.copy(planes, out, copy.bytes()); }
    }

private:
    /// cuFFT wants real arrays aligned as complex ones; a plane in the middle of a cube with an odd number of spaxels is not.
    static bool aligned(const float* planes) { return reinterpret_cast<std::uintptr_t>(planes) % 8 == 0; }

    CudaQueue& queue_;
    std::int64_t n_plane_; ///< floats of all planes
    Buffer<unsigned char> scratch_;
    Handle forward_, inverse_; // before the scratch memory goes
};

} // namespace

std::unique_ptr<FftPlan> CudaAccelerator::plan_fft(Queue& queue, std::int64_t n_batch, std::int64_t n_y,
                                                   std::int64_t n_x) {
    use();
    ++info_.work.fft_plans;
    return std::make_unique<CudaFftPlan>(static_cast<CudaQueue&>(queue), n_batch, n_y, n_x);
}

} // namespace tessera::device
