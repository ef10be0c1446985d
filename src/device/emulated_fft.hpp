#pragma once

#include <cstdint>
#include <memory>

namespace tessera::device {

/// FftPlan's transforms on the host, by FFTW.
class EmulatedFft {
public:
    EmulatedFft(std::int64_t n_batch, std::int64_t n_y, std::int64_t n_x);
    ~EmulatedFft();
    EmulatedFft(const EmulatedFft&) = delete;
    EmulatedFft& operator=(const EmulatedFft&) = delete;
    std::int64_t plane_bytes() const { return n_batch_ * n_y_ * n_x_ * 4; }
    std::int64_t spectrum_bytes() const { return n_batch_ * n_y_ * (n_x_ / 2 + 1) * 8; }
    void forward(const float* planes, float* spectrum);
    void inverse(float* spectrum, float* planes);

private:
    struct Plans;
    std::int64_t n_batch_, n_y_, n_x_;
    std::unique_ptr<Plans> plans_;
};

} // namespace tessera::device
