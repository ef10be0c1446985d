#include "instrument/fft_convolution.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "instrument/fftw.hpp"

namespace tessera {

struct FftConvolution::State {
    std::int64_t n_y, n_x;           // result
    std::int64_t window_y, window_x; // input
    std::int64_t skip_y, skip_x;     // elements of the circular result before its valid part
    std::int64_t length_y, length_x; // transform
    std::int64_t pitch;              // doubles in a row of the in-place transform
    double kernel_norm = 0;
    std::unique_ptr<FftwPlan> forward, backward;
    std::vector<std::complex<double>> kernel; // transform of the kernel over the number of elements
    std::vector<FftwScratch> scratch;         // one a thread

    std::int64_t n_double() const { return length_y * pitch; }
};

std::int64_t FftConvolution::fast_length(std::int64_t n) {
    for (;; ++n) {
        std::int64_t rest = n;
        for (const std::int64_t prime : {2, 3, 5, 7}) {
            while (rest % prime == 0) { rest /= prime; }
        }
        if (rest == 1) { return n; }
    }
}

double FftConvolution::rounding(std::int64_t n_point, double plane_norm, double kernel_norm) {
    return 4 * std::numeric_limits<double>::epsilon() * std::log2(static_cast<double>(n_point) + 2) * plane_norm *
           kernel_norm;
}

std::int64_t FftConvolution::bytes(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x, int n_thread) {
    const std::int64_t length_y = fast_length(n_y + kernel.n_y - 1), length_x = fast_length(n_x + kernel.n_x - 1);
    return (1 + n_thread) * length_y * (length_x / 2 + 1) * static_cast<std::int64_t>(sizeof(fftw_complex));
}

FftConvolution::FftConvolution(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x, int n_thread)
    : state_(std::make_unique<State>()) {
    State& s = *state_;
    s.n_y = n_y;
    s.n_x = n_x;
    s.window_y = n_y + kernel.n_y - 1;
    s.window_x = n_x + kernel.n_x - 1;
    s.skip_y = kernel.n_y - 1;
    s.skip_x = kernel.n_x - 1;
    s.length_y = fast_length(s.window_y);
    s.length_x = fast_length(s.window_x);
    s.pitch = 2 * (s.length_x / 2 + 1);
    for (int i = 0; i < n_thread; ++i) { s.scratch.push_back(fftw_scratch(s.n_double())); }
    double* work = s.scratch.front().get();
    const int y = static_cast<int>(s.length_y), x = static_cast<int>(s.length_x);
    s.forward = std::make_unique<FftwPlan>(fftw_plan_dft_r2c_2d, y, x, work, as_complex(work));
    s.backward = std::make_unique<FftwPlan>(fftw_plan_dft_c2r_2d, y, x, as_complex(work), work);
    std::fill_n(work, s.n_double(), 0.0);
    for (std::int64_t iy = 0; iy < kernel.n_y; ++iy) {
        for (std::int64_t ix = 0; ix < kernel.n_x; ++ix) {
            work[iy * s.pitch + ix] = kernel.at(iy, ix);
            s.kernel_norm += kernel.at(iy, ix) * kernel.at(iy, ix);
        }
    }
    s.kernel_norm = std::sqrt(s.kernel_norm);
    fftw_execute_dft_r2c(s.forward->get(), work, as_complex(work));
    const double scale = 1.0 / static_cast<double>(s.length_y * s.length_x);
    s.kernel.reserve(static_cast<std::size_t>(s.n_double() / 2));
    for (std::int64_t i = 0; i < s.n_double(); i += 2) { s.kernel.emplace_back(work[i] * scale, work[i + 1] * scale); }
}

FftConvolution::~FftConvolution() = default;

void FftConvolution::operator()(const float* window, float* result, int thread) {
    const State& s = *state_;
    double* work = s.scratch[static_cast<std::size_t>(thread)].get();
    double norm = 0;
    std::fill_n(work, s.n_double(), 0.0);
    for (std::int64_t y = 0; y < s.window_y; ++y) {
        for (std::int64_t x = 0; x < s.window_x; ++x) {
            const double value = window[y * s.window_x + x];
            work[y * s.pitch + x] = value;
            norm += value * value;
        }
    }
    fftw_execute_dft_r2c(s.forward->get(), work, as_complex(work));
    for (std::size_t i = 0; i < s.kernel.size(); ++i) {
        const std::complex<double> product = std::complex<double>(work[2 * i], work[2 * i + 1]) * s.kernel[i];
        work[2 * i] = product.real();
        work[2 * i + 1] = product.imag();
    }
    fftw_execute_dft_c2r(s.backward->get(), as_complex(work), work);
    const double noise = rounding(s.length_y * s.length_x, std::sqrt(norm), s.kernel_norm);
    for (std::int64_t y = 0; y < s.n_y; ++y) {
        const double* row = work + (y + s.skip_y) * s.pitch + s.skip_x;
        for (std::int64_t x = 0; x < s.n_x; ++x) {
            result[y * s.n_x + x] = std::abs(row[x]) <= noise ? 0.0F : static_cast<float>(row[x]);
        }
    }
}

} // namespace tessera
