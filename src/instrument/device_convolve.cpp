#include <algorithm>
#include <vector>

#include "instrument/convolution_window.hpp"
#include "instrument/convolve_kernels.hpp"
#include "instrument/device_fft_convolution.hpp"
#include "tessera/device/constants.hpp"
#include "tessera/instrument/device_instrument.hpp"

namespace tessera {
namespace {

/// Memory of planes between the two passes of a separable kernel, bytes: they stay in a GPU's cache (50 MB of an H100 or H200).
constexpr std::int64_t pass_memory = std::int64_t{24} << 20;

/// Along x, then along y.
void convolve_separable(device::Accelerator& accelerator, const DeviceSlab& slab, const Kernel2D& kernel,
                        const ConvolutionWindow& window, DeviceSlab& result) {
    device::Queue& queue = accelerator.compute();
    std::vector<float> taps = reversed(kernel.column.data(), kernel.n_y);
    const std::vector<float> row = reversed(kernel.row.data(), kernel.n_x);
    taps.insert(taps.end(), row.begin(), row.end());
    const auto device_taps = device::keep_constants(accelerator, taps, "the point-spread function");
    const std::int64_t line_plane = slab.n_y * result.n_x;
    const std::int64_t most =
        std::clamp<std::int64_t>(pass_memory / static_cast<std::int64_t>(sizeof(float)) / line_plane, 1, slab.n_wave());
    device::Buffer<float> lines(queue, most * line_plane, "rows of planes, convolved");
    for (std::int64_t first = 0; first < slab.n_wave(); first += most) {
        const std::int64_t n = std::min(most, slab.n_wave() - first);
        const ConvolveLines along_x{.in = slab.flux.data() + first * slab.plane(),
                                    .out = lines.data(),
                                    .taps = device_taps->data() + kernel.n_y,
                                    .n_tap = kernel.n_x,
                                    .n_outer = n * slab.n_y,
                                    .in_length = slab.n_x,
                                    .out_length = result.n_x,
                                    .inner = 1,
                                    .first = window.first_x};
        queue.for_each(along_x.n_thread(), along_x);
        const ConvolveLines along_y{.in = lines.data(),
                                    .out = result.flux.data() + first * result.plane(),
                                    .taps = device_taps->data(),
                                    .n_tap = kernel.n_y,
                                    .n_outer = n,
                                    .in_length = slab.n_y,
                                    .out_length = result.n_y,
                                    .inner = result.n_x,
                                    .first = window.first_y};
        queue.for_each(along_y.n_thread(), along_y);
    }
}

void convolve_direct(device::Accelerator& accelerator, const DeviceSlab& slab, const Kernel2D& kernel,
                     const ConvolutionWindow& window, DeviceSlab& result) {
    const auto taps = device::keep_constants(accelerator, reversed(kernel.values.data(), kernel.n_y * kernel.n_x),
                                             "the point-spread function");
    const ConvolvePlanes planes{.in = slab.flux.data(),
                                .out = result.flux.data(),
                                .taps = taps->data(),
                                .n_wave = slab.n_wave(),
                                .in_y = slab.n_y,
                                .in_x = slab.n_x,
                                .n_y = result.n_y,
                                .n_x = result.n_x,
                                .tap_y = kernel.n_y,
                                .tap_x = kernel.n_x,
                                .first_y = window.first_y,
                                .first_x = window.first_x};
    accelerator.compute().for_each(planes.n_thread(), planes);
}

} // namespace

Convolution cheaper_convolution_on_device(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x) {
    const ConvolutionCost cost(kernel, n_y, n_x);
    // On a device of 4 TB/s and 60 TFLOP/s. Transforms move some 64 bytes for an element of the padded plane (pad, two passes there,
    // product, two back, crop), 16 ps, and as much again is lost to strides and launches. A multiply-add in two instructions, whose
    // operands come from registers for the most part, takes 0.07 ps, and twice that with the loads.
    // A guess until it is measured; where in doubt sums are better, since they keep the digits of faint spaxels beside bright ones.
    constexpr double exchange = 250;
    return cost.sums <= exchange * cost.points ? Convolution::direct : Convolution::fft;
}

DeviceSlab convolve(device::Accelerator& accelerator, const DeviceSlab& slab, const Kernel2D& kernel,
                    std::int64_t margin, Convolution method) {
    const auto [n_y, n_x] = field_within(slab.n_y, slab.n_x, margin);
    if (kernel.is_identity()) { return cut_out(accelerator, slab, slab.range, margin, 0); }
    DeviceSlab result(accelerator, slab.range, n_y, n_x);
    if (slab.n_wave() == 0) { return result; }
    const ConvolutionWindow window(kernel, n_y, n_x, margin);
    if (method == Convolution::automatic) { method = cheaper_convolution_on_device(kernel, n_y, n_x); }
    if (method == Convolution::fft) {
        convolve_by_fft(accelerator, slab, kernel, window, result);
    } else if (kernel.is_separable()) {
        convolve_separable(accelerator, slab, kernel, window, result);
    } else {
        convolve_direct(accelerator, slab, kernel, window, result);
    }
    return result;
}

} // namespace tessera
