#include <algorithm>
#include <bit>
#include <memory>
#include <optional>
#include <vector>

#include "instrument/noise_numbers.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/device/constants.hpp"
#include "tessera/instrument/device_instrument.hpp"

namespace tessera {
namespace {

/// Enough threads to fill a large GPU.
constexpr std::int64_t most_threads = std::int64_t{1} << 18;

std::vector<double> noise_over_flux_of(device::Accelerator& accelerator, const DeviceSlab& cube, double signal_to_noise,
                                       std::int64_t n_wave, Communicator& comm) {
    device::Queue& queue = accelerator.compute();
    const std::int64_t n = cube.flux.size();
    std::uint32_t bits = 0;
    agree(comm, [&] {
        if (n == 0) { return; }
        device::Buffer<std::uint32_t> largest(queue, 1, "the largest voxel");
        queue.zero(largest);
        const std::int64_t n_thread = std::min(n, most_threads);
        queue.for_each(n_thread, LargestFlux{cube.flux.data(), n, n_thread, largest.data()});
        queue.download(largest, std::span<std::uint32_t>(&bits, 1));
        queue.finish();
    });
    const double scale = sum_scale(comm.all_reduce_value(std::bit_cast<float>(bits), Op::max), n_wave);
    std::vector<std::int64_t> sums(static_cast<std::size_t>(cube.plane()));
    if (scale > 0) {
        agree(comm, [&] {
            if (n == 0) { return; }
            device::Buffer<std::int64_t> on_device(queue, cube.plane(), "sums of spaxels");
            queue.zero(on_device);
            const SumOverWavelengths add{cube.flux.data(), cube.n_wave(), cube.plane(), scale, on_device.data()};
            queue.for_each(add.n_thread(), add);
            queue.download(on_device, std::span<std::int64_t>(sums));
            queue.finish();
        });
        comm.all_reduce(sums, Op::sum);
    }
    return noise_over_flux(sums, scale, signal_to_noise);
}

} // namespace

DeviceSlab add_noise(device::Accelerator& accelerator, DeviceSlab& cube, const NoiseOptions& options,
                     const NoiseScene& scene, Communicator& comm) {
    if (options.kind == NoiseKind::none) { return {}; }
    check_noise(options, scene);
    const bool exposure = options.kind == NoiseKind::exposure;
    const std::vector<double> numbers =
        exposure ? electrons_per_flux(options, scene)
                 : noise_over_flux_of(accelerator, cube, options.signal_to_noise, scene.wavelengths->size(), comm);
    AddNoise noise = noise_numbers(options, scene, cube.range, cube.plane());
    DeviceSlab variance;
    agree(comm, [&] {
        variance = DeviceSlab(accelerator, cube.range, cube.n_y, cube.n_x);
        if (cube.flux.size() == 0) { return; }
        // Those of pixels are the telescope's, those of spaxels the galaxy's own.
        const auto table =
            exposure ? device::keep_constants(accelerator, numbers, "electrons of pixels")
                     : std::make_shared<const device::Constants<double>>(accelerator, numbers, "noise of spaxels");
        (exposure ? noise.electrons : noise.noise_over_flux) = table->data();
        noise.flux = cube.flux.data();
        noise.variance = variance.flux.data();
        accelerator.compute().for_each(noise.n_thread(), noise);
    });
    return variance;
}

} // namespace tessera
