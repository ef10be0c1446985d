#include "tessera/instrument/noise.hpp"

#include <algorithm>
#include <bit>
#include <vector>

#include "core/cpu_clones.hpp"
#include "instrument/noise_numbers.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/device/device.hpp"
#include "tessera/device/reduce.hpp"

namespace tessera {
namespace {

constexpr std::int64_t block = 4096; // spaxels that a thread takes at a time

// All in one piece (flatten): what is called would not be made for the instruction set of the copy.
TESSERA_CPU_CLONES [[gnu::flatten]] void add_to_plane(const AddNoise& noise, std::int64_t wave) {
    noise.spaxels(wave, 0, noise.n_spaxel);
}

TESSERA_CPU_CLONES [[gnu::flatten]] void add_plane(const SumOverWavelengths& sums, std::int64_t wave,
                                                   std::int64_t first, std::int64_t end) {
    for (std::int64_t s = first; s < end; ++s) { sums.sums[s] += sums.share(wave, s); }
}

float largest_flux(const device::Host& where, const std::vector<float>& flux) {
    return device::reduce_blocks(
        where, std::ssize(flux), std::int64_t{1} << 18, 0.0F,
        [&](std::int64_t first, std::int64_t last) {
            std::uint32_t bits = 0;
            LargestFlux{flux.data() + first, last - first, 1, &bits}(0);
            return std::bit_cast<float>(bits);
        },
        [](float& largest, float part) { largest = std::max(largest, part); });
}

std::vector<double> noise_over_flux_of(const CubeSlab& cube, double signal_to_noise, std::int64_t n_wave,
                                       const device::Host& where, Communicator& comm) {
    const double scale = sum_scale(comm.all_reduce_value(largest_flux(where, cube.data()), Op::max), n_wave);
    const std::int64_t n_spaxel = cube.n_y() * cube.n_x();
    std::vector<std::int64_t> sums(static_cast<std::size_t>(n_spaxel));
    if (scale > 0) {
        const SumOverWavelengths add{cube.data().data(), cube.n_wave(), n_spaxel, scale, sums.data()};
        device::run_blocks(where, (n_spaxel + block - 1) / block, [&](std::int64_t i) {
            for (std::int64_t wave = 0; wave < add.n_wave; ++wave) {
                add_plane(add, wave, i * block, std::min(n_spaxel, (i + 1) * block));
            }
        });
        comm.all_reduce(sums, Op::sum);
    }
    return noise_over_flux(sums, scale, signal_to_noise);
}

} // namespace

CubeSlab add_noise(CubeSlab& cube, const NoiseOptions& options, const NoiseScene& scene, Communicator& comm) {
    if (options.kind == NoiseKind::none) { return {}; }
    check_noise(options, scene);
    const device::Host where{device::threads_for(scene.n_thread, 1)};
    AddNoise noise = noise_numbers(options, scene, cube.range(), cube.n_y() * cube.n_x());
    const std::vector<double> electrons = electrons_per_flux(options, scene);
    std::vector<double> ratio;
    if (options.kind == NoiseKind::signal_to_noise) {
        ratio = noise_over_flux_of(cube, options.signal_to_noise, scene.wavelengths->size(), where, comm);
    }
    CubeSlab variance(cube.range(), cube.n_y(), cube.n_x());
    noise.noise_over_flux = ratio.data();
    noise.electrons = electrons.data();
    noise.flux = cube.data().data();
    noise.variance = variance.data().data();
    device::run_blocks(where, noise.n_wave, [&](std::int64_t wave) { add_to_plane(noise, wave); });
    return variance;
}

} // namespace tessera
