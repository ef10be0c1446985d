#include "device/emulated_fft.hpp"

#include <array>
#include <vector>

#include <fftw3.h>

namespace tessera::device {

/// FFTW_UNALIGNED: used on other arrays than those they were planned with, of any alignment.
struct EmulatedFft::Plans {
    fftwf_plan forward = nullptr, inverse = nullptr;
};

EmulatedFft::EmulatedFft(std::int64_t n_batch, std::int64_t n_y, std::int64_t n_x)
    : n_batch_(n_batch), n_y_(n_y), n_x_(n_x), plans_(std::make_unique<Plans>()) {
    const auto y = static_cast<int>(n_y);
    const auto x = static_cast<int>(n_x);
    std::vector<float> plane(static_cast<std::size_t>(y) * static_cast<std::size_t>(x));
    std::vector<std::array<float, 2>> spectrum(static_cast<std::size_t>(y) * static_cast<std::size_t>(x / 2 + 1));
    auto* complex = reinterpret_cast<fftwf_complex*>(spectrum.data());
    plans_->forward = fftwf_plan_dft_r2c_2d(y, x, plane.data(), complex, FFTW_ESTIMATE | FFTW_UNALIGNED);
    plans_->inverse = fftwf_plan_dft_c2r_2d(y, x, complex, plane.data(), FFTW_ESTIMATE | FFTW_UNALIGNED);
}

EmulatedFft::~EmulatedFft() {
    fftwf_destroy_plan(plans_->forward);
    fftwf_destroy_plan(plans_->inverse);
}

void EmulatedFft::forward(const float* planes, float* spectrum) {
    for (std::int64_t b = 0; b < n_batch_; ++b) {
        // FFTW's interface takes no const, but a transform out of place leaves its input alone (FFTW 3.3 manual, 4.3.2).
        auto* plane = const_cast<float*>(planes + b * n_y_ * n_x_); // NOLINT(cppcoreguidelines-pro-type-const-cast)
        fftwf_execute_dft_r2c(plans_->forward, plane,
                              reinterpret_cast<fftwf_complex*>(spectrum + b * n_y_ * (n_x_ / 2 + 1) * 2));
    }
}

void EmulatedFft::inverse(float* spectrum, float* planes) {
    for (std::int64_t b = 0; b < n_batch_; ++b) {
        fftwf_execute_dft_c2r(plans_->inverse,
                              reinterpret_cast<fftwf_complex*>(spectrum + b * n_y_ * (n_x_ / 2 + 1) * 2),
                              planes + b * n_y_ * n_x_);
    }
}

} // namespace tessera::device
