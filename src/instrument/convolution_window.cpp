#include "instrument/convolution_window.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "instrument/fft_convolution.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

ConvolutionWindow::ConvolutionWindow(const Kernel2D& kernel, std::int64_t result_y, std::int64_t result_x,
                                     std::int64_t margin)
    : n_y(result_y + kernel.n_y - 1), n_x(result_x + kernel.n_x - 1),
      first_y(margin + kernel.centre_y - (kernel.n_y - 1)), first_x(margin + kernel.centre_x - (kernel.n_x - 1)),
      plane_y(result_y + 2 * margin), plane_x(result_x + 2 * margin) {}

void ConvolutionWindow::copy_rows(const float* plane, std::int64_t first, std::int64_t count, float* rows) const {
    std::fill_n(rows, count * n_x, 0.0F);
    const std::int64_t begin_x = std::max<std::int64_t>(0, -first_x), end_x = std::min(n_x, plane_x - first_x);
    if (begin_x >= end_x) { return; }
    const std::int64_t end_y = std::min(first + count, plane_y - first_y);
    for (std::int64_t y = std::max(first, -first_y); y < end_y; ++y) {
        std::copy_n(plane + (y + first_y) * plane_x + begin_x + first_x, end_x - begin_x,
                    rows + (y - first) * n_x + begin_x);
    }
}

std::array<std::int64_t, 2> field_within(std::int64_t plane_y, std::int64_t plane_x, std::int64_t margin) {
    const std::int64_t n_y = plane_y - 2 * margin, n_x = plane_x - 2 * margin;
    if (margin < 0 || n_y < 1 || n_x < 1) {
        throw Error({.where = "convolve",
                     .found = fmt::format("planes of {} x {} spaxels with a margin of {}", plane_y, plane_x, margin),
                     .expected = "a field inside the margin"});
    }
    return {n_y, n_x};
}

std::vector<float> reversed(const double* values, std::int64_t n) {
    std::vector<float> out;
    for (std::int64_t i = n - 1; i >= 0; --i) { out.push_back(static_cast<float>(values[i])); }
    return out;
}

ConvolutionCost::ConvolutionCost(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x) {
    const auto y = static_cast<double>(n_y), x = static_cast<double>(n_x);
    const auto kernel_y = static_cast<double>(kernel.n_y), kernel_x = static_cast<double>(kernel.n_x);
    sums = kernel.is_separable() ? x * kernel_x * (y + kernel_y - 1) + y * x * kernel_y : y * x * kernel_y * kernel_x;
    length_x = static_cast<double>(FftConvolution::fast_length(n_x + kernel.n_x - 1));
    points = static_cast<double>(FftConvolution::fast_length(n_y + kernel.n_y - 1)) * length_x;
}

} // namespace tessera
