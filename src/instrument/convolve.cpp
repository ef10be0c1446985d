#include "tessera/instrument/convolve.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "instrument/convolution_window.hpp"
#include "instrument/fft_convolution.hpp"
#include "instrument/weighted_sum.hpp"
#include "tessera/device/device.hpp"

namespace tessera {
namespace {

/// 0, step, 2 step …: where the numbers under a kernel's taps lie.
std::vector<std::int64_t> offsets(std::size_t n, std::int64_t step) {
    std::vector<std::int64_t> out(n);
    for (std::size_t i = 0; i < n; ++i) { out[i] = static_cast<std::int64_t>(i) * step; }
    return out;
}

/// One-dimensional pass along x, then along y.
class SeparableConvolution {
public:
    SeparableConvolution(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x, int n_thread)
        : n_y_(n_y), n_x_(n_x), column_(reversed(kernel.column.data(), kernel.n_y)),
          row_(reversed(kernel.row.data(), kernel.n_x)), along_x_(offsets(row_.size(), 1)),
          along_y_(offsets(column_.size(), n_x)),
          scratch_(static_cast<std::size_t>(n_thread),
                   std::vector<float>(static_cast<std::size_t>((n_y + kernel.n_y - 1) * n_x))) {}

    void operator()(const float* window, float* result, int thread) {
        std::vector<float>& lines = scratch_[static_cast<std::size_t>(thread)];
        const std::int64_t window_y = n_y_ + std::ssize(column_) - 1, window_x = n_x_ + std::ssize(row_) - 1;
        for (std::int64_t y = 0; y < window_y; ++y) {
            weighted_sum(window + y * window_x, along_x_, row_, n_x_, lines.data() + y * n_x_);
        }
        weighted_sum(lines.data(), along_y_, column_, n_y_ * n_x_, result);
    }

private:
    std::int64_t n_y_, n_x_;
    std::vector<float> column_, row_;
    std::vector<std::int64_t> along_x_, along_y_;
    std::vector<std::vector<float>> scratch_;
};

/// The plain sum; a row of the kernel in float, the rows in double, so that wide kernels keep their digits.
class DirectConvolution {
public:
    DirectConvolution(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x, int n_thread)
        : n_y_(n_y), n_x_(n_x), window_x_(n_x + kernel.n_x - 1),
          along_x_(offsets(static_cast<std::size_t>(kernel.n_x), 1)),
          line_(static_cast<std::size_t>(n_thread), std::vector<float>(static_cast<std::size_t>(n_x))),
          sum_(static_cast<std::size_t>(n_thread), std::vector<double>(static_cast<std::size_t>(n_x))) {
        for (std::int64_t a = kernel.n_y - 1; a >= 0; --a) {
            rows_.push_back(reversed(kernel.values.data() + a * kernel.n_x, kernel.n_x));
        }
    }

    void operator()(const float* window, float* result, int thread) {
        std::vector<float>& line = line_[static_cast<std::size_t>(thread)];
        std::vector<double>& sum = sum_[static_cast<std::size_t>(thread)];
        for (std::int64_t y = 0; y < n_y_; ++y) {
            std::fill(sum.begin(), sum.end(), 0.0);
            for (std::size_t a = 0; a < rows_.size(); ++a) {
                weighted_sum(window + (y + static_cast<std::int64_t>(a)) * window_x_, along_x_, rows_[a], n_x_,
                             line.data());
                for (std::size_t x = 0; x < sum.size(); ++x) { sum[x] += line[x]; }
            }
            for (std::int64_t x = 0; x < n_x_; ++x) {
                result[y * n_x_ + x] = static_cast<float>(sum[static_cast<std::size_t>(x)]);
            }
        }
    }

private:
    std::int64_t n_y_, n_x_, window_x_;
    std::vector<std::int64_t> along_x_;
    std::vector<std::vector<float>> rows_; // reversed in both directions
    std::vector<std::vector<float>> line_;
    std::vector<std::vector<double>> sum_;
};

/// Every thread takes an equal run of planes and has scratch memory of its own. Results lie one after the other from where the run
/// begins: a plane has been read when its place is written to. Then the runs close up.
template <class Convolver>
void each_plane(CubeSlab& slab, std::int64_t n_y, std::int64_t n_x, const ConvolutionWindow& window,
                Convolver& convolver, int n_thread) {
    const std::int64_t padded = slab.n_y() * slab.n_x(), plane = n_y * n_x;
    const auto begin = [&](std::int64_t thread) { return slab.n_wave() * thread / n_thread; };
    std::vector<std::vector<float>> windows(static_cast<std::size_t>(n_thread),
                                            std::vector<float>(static_cast<std::size_t>(window.n_y * window.n_x)));
    float* flux = slab.data().data();
    device::run_blocks({n_thread}, n_thread, [&](std::int64_t thread) {
        float* scratch = windows[static_cast<std::size_t>(thread)].data();
        float* result = flux + begin(thread) * padded;
        for (std::int64_t i = begin(thread); i < begin(thread + 1); ++i, result += plane) {
            window.copy(flux + i * padded, scratch);
            convolver(scratch, result, static_cast<int>(thread));
        }
    });
    if (plane < padded) {
        for (int thread = 1; thread < n_thread; ++thread) {
            const float* from = flux + begin(thread) * padded;
            std::copy(from, from + (begin(thread + 1) - begin(thread)) * plane, flux + begin(thread) * plane);
        }
    }
    slab.shrink_planes(n_y, n_x);
}

} // namespace

namespace {

// Seconds of a butterfly step of the two transforms in double, and of a multiply-add of the sums in float.
constexpr double butterfly_seconds = 0.8e-9, sum_seconds = butterfly_seconds / 6;

double transform_seconds(const ConvolutionCost& cost) {
    return butterfly_seconds * cost.points * std::log2(cost.points);
}

} // namespace

Convolution cheaper_convolution(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x) {
    const ConvolutionCost cost(kernel, n_y, n_x);
    return sum_seconds * cost.sums <= transform_seconds(cost) ? Convolution::direct : Convolution::fft;
}

PlaneCost::PlaneCost(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x) {
    const ConvolutionCost cost(kernel, n_y, n_x);
    shared_seconds = transform_seconds(cost);
    seconds = std::min(sum_seconds * cost.sums, shared_seconds);
    const auto window_y = static_cast<double>(n_y + kernel.n_y - 1),
               window_x = static_cast<double>(n_x + kernel.n_x - 1);
    const auto y = static_cast<double>(n_y), x = static_cast<double>(n_x), columns = cost.length_x / 2 + 1;
    shared_bytes = 4 * (window_y * window_x + y * x) + 16 * columns * (window_y + y);
}

CubeSlab convolve(CubeSlab slab, const Kernel2D& kernel, std::int64_t margin, Convolution method, int n_thread) {
    const auto [n_y, n_x] = field_within(slab.n_y(), slab.n_x(), margin);
    n_thread = static_cast<int>(std::clamp<std::int64_t>(slab.n_wave(), 1, device::threads_for(n_thread, 1)));
    const ConvolutionWindow window(kernel, n_y, n_x, margin);
    if (method == Convolution::automatic) { method = cheaper_convolution(kernel, n_y, n_x); }
    if (slab.n_wave() == 0) {
        slab.shrink_planes(n_y, n_x);
    } else if (method == Convolution::fft) {
        FftConvolution convolver(kernel, n_y, n_x, n_thread);
        each_plane(slab, n_y, n_x, window, convolver, n_thread);
    } else if (kernel.is_separable()) {
        SeparableConvolution convolver(kernel, n_y, n_x, n_thread);
        each_plane(slab, n_y, n_x, window, convolver, n_thread);
    } else {
        DirectConvolution convolver(kernel, n_y, n_x, n_thread);
        each_plane(slab, n_y, n_x, window, convolver, n_thread);
    }
    return slab;
}

std::int64_t convolution_scratch(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x, int n_thread) {
    const ConvolutionWindow window(kernel, n_y, n_x, 0);
    std::int64_t bytes = n_thread * window.n_y * window.n_x * static_cast<std::int64_t>(sizeof(float));
    if (cheaper_convolution(kernel, n_y, n_x) == Convolution::fft) {
        bytes += FftConvolution::bytes(kernel, n_y, n_x, n_thread);
    } else if (kernel.is_separable()) {
        bytes += n_thread * window.n_y * n_x * static_cast<std::int64_t>(sizeof(float));
    }
    return bytes;
}

} // namespace tessera
