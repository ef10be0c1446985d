#pragma once

#include <cstdint>
#include <memory>

#include "tessera/instrument/psf.hpp"

namespace tessera {

/// Convolution of many windows of one shape with one kernel, by FFTW in double: "valid" part, so nothing wraps around.
class FftConvolution {
public:
    /// @param n_y, n_x  the result; a window has n_y + kernel.n_y - 1 rows, and columns likewise
    FftConvolution(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x, int n_thread);
    ~FftConvolution();
    FftConvolution(const FftConvolution&) = delete;
    FftConvolution& operator=(const FftConvolution&) = delete;

    /// window [n_y + kernel.n_y - 1, n_x + kernel.n_x - 1] to result [n_y, n_x]; `thread` picks the scratch memory.
    void operator()(const float* window, float* result, int thread);

    /// Bytes that it takes: planes of the transform, one for the kernel and one a thread.
    static std::int64_t bytes(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x, int n_thread);

    /// Rounding leaves values up to this, of either sign, where no light falls: they are no flux.
    /// @param n_point  elements of the transform;  plane_norm, kernel_norm  roots of the sums of squares
    static double rounding(std::int64_t n_point, double plane_norm, double kernel_norm);

    /// Smallest length >= n whose only prime factors are 2, 3, 5 and 7: those FFTW transforms fastest.
    static std::int64_t fast_length(std::int64_t n);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace tessera
