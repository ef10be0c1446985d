#include "instrument/device_fft_convolution.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "instrument/convolve_kernels.hpp"
#include "instrument/fft_convolution.hpp"
#include "tessera/device/constants.hpp"

namespace tessera {
namespace {

/// Of a batch: about a GPU's cache, and enough planes to fill it.
constexpr std::int64_t batch_memory = std::int64_t{96} << 20;

/// Planes at a time, the same number in every batch but the last.
std::int64_t batch_of(device::Accelerator& accelerator, std::int64_t points, std::int64_t spectrum, std::int64_t n) {
    // Planes and transforms, and scratch memory of the library as large as the transforms.
    const std::int64_t bytes = static_cast<std::int64_t>(sizeof(float)) * (points + 2 * spectrum);
    const std::int64_t budget = std::min(batch_memory, accelerator.free_share() / 4);
    const std::int64_t most = std::clamp<std::int64_t>(budget / bytes, 1, n);
    const std::int64_t n_batch = (n + most - 1) / most;
    return (n + n_batch - 1) / n_batch;
}

double norm_of(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) { sum += value * value; }
    return std::sqrt(sum);
}

} // namespace

void convolve_by_fft(device::Accelerator& accelerator, const DeviceSlab& slab, const Kernel2D& kernel,
                     const ConvolutionWindow& window, DeviceSlab& result) {
    device::Queue& queue = accelerator.compute();
    const std::int64_t length_y = FftConvolution::fast_length(window.n_y),
                       length_x = FftConvolution::fast_length(window.n_x);
    const std::int64_t points = length_y * length_x, complex = length_y * (length_x / 2 + 1);
    const std::int64_t batch = batch_of(accelerator, points, 2 * complex, slab.n_wave());
    const std::string sizes = fmt::format("{} planes of {} x {}", batch, length_y, length_x);
    const auto plan = accelerator.keep<device::FftPlan>( // its scratch memory is about as large as the transforms
        "transforms of " + sizes, batch * 2 * complex * static_cast<std::int64_t>(sizeof(float)),
        [&] { return std::shared_ptr(accelerator.plan_fft(queue, batch, length_y, length_x)); });
    device::Buffer<float> padded(queue, batch * points, "padded planes");
    device::Buffer<float> spectra(queue, batch * 2 * complex, "transforms of planes");
    device::Buffer<double> squares(queue, batch * length_y, "squares of rows");
    device::Buffer<double> largest(queue, batch * length_y, "largest voxels of rows");
    device::Buffer<float> rounding(queue, batch, "rounding of planes");

    const PadPlanes pad{.in = nullptr,
                        .padded = padded.data(),
                        .n_wave = 0,
                        .in_y = slab.n_y,
                        .in_x = slab.n_x,
                        .window_y = window.n_y,
                        .window_x = window.n_x,
                        .length_y = length_y,
                        .length_x = length_x,
                        .first_y = window.first_y,
                        .first_x = window.first_x};
    const auto transform_kernel = [&] {
        const std::vector<float> values(kernel.values.begin(), kernel.values.end());
        const device::Constants<float> taps(accelerator, values, "the point-spread function");
        PadPlanes pad_kernel = pad; // the first plane of a batch, the others zero
        pad_kernel.in = taps.data();
        pad_kernel.n_wave = 1;
        pad_kernel.in_y = pad_kernel.window_y = kernel.n_y;
        pad_kernel.in_x = pad_kernel.window_x = kernel.n_x;
        pad_kernel.first_y = pad_kernel.first_x = 0;
        queue.for_each(batch * points, pad_kernel);
        plan->forward(padded.data(), spectra.data());
        auto out =
            std::make_shared<device::Buffer<float>>(queue, 2 * complex, "transform of the point-spread function");
        queue.copy(out->data(), spectra.data(), out->bytes());
        return out;
    };
    std::string psf = fmt::format("point-spread function, {} x {} of ", kernel.n_y, kernel.n_x) + sizes;
    psf.append(1, '\0').append(reinterpret_cast<const char*>(kernel.values.data()),
                               kernel.values.size() * sizeof(kernel.values.front()));
    const auto kernel_spectrum = accelerator.keep<device::Buffer<float>>(
        psf, 2 * complex * static_cast<std::int64_t>(sizeof(float)), transform_kernel);
    // FFTW in float leaves at most a fifth of this: measured for a single star and for fields full of light, planes of 20² to 625².
    const double factor = static_cast<double>(std::numeric_limits<float>::epsilon()) * norm_of(kernel.values);
    for (std::int64_t first = 0; first < slab.n_wave(); first += batch) {
        const std::int64_t n = std::min(batch, slab.n_wave() - first);
        PadPlanes pad_slab = pad;
        pad_slab.in = slab.flux.data() + first * slab.plane();
        pad_slab.n_wave = n;
        queue.for_each(batch * points, pad_slab);
        queue.for_each(n * length_y, RowSizes{padded.data(), squares.data(), largest.data(), length_x});
        queue.for_each(n, PlaneRounding{squares.data(), largest.data(), rounding.data(), length_y, length_x, factor});
        plan->forward(padded.data(), spectra.data());
        queue.for_each(n * complex, MultiplySpectra{spectra.data(), kernel_spectrum->data(), complex,
                                                    1.0 / static_cast<double>(points)});
        plan->inverse(spectra.data(), padded.data());
        queue.for_each(n * result.plane(), CropPlanes{.padded = padded.data(),
                                                      .rounding = rounding.data(),
                                                      .out = result.flux.data() + first * result.plane(),
                                                      .n_y = result.n_y,
                                                      .n_x = result.n_x,
                                                      .length_y = length_y,
                                                      .length_x = length_x,
                                                      .skip_y = kernel.n_y - 1,
                                                      .skip_x = kernel.n_x - 1});
    }
}

} // namespace tessera
