#include "tessera/instrument/noise.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <omp.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/random.hpp"

namespace tessera {
namespace {

constexpr std::uint64_t noise_stream = 0x6e6f697365; // "noise": keeps these numbers apart from other uses of the seed
constexpr double planck = 6.62607015e-27;            // erg s, exact (SI)
constexpr double light = 2.99792458e10;              // cm/s, exact (SI)
constexpr double angstrom_cm = 1e-8;
constexpr double cm2_per_m2 = 1e4;
constexpr double sky_unit = 1e-18; // erg/s/cm2/Angstrom/arcsec2

/// A number of mean 0 and variance 1.
double deviate(NoiseDistribution distribution, std::uint64_t seed, std::int64_t voxel) {
    const Philox random = Philox::at(seed, noise_stream, static_cast<std::uint64_t>(voxel));
    switch (distribution) {
    case NoiseDistribution::normal: return random.normal();
    case NoiseDistribution::uniform: return std::sqrt(12.0) * (random.uniform(0) - 0.5);
    }
    return 0;
}

/// The sum of each spaxel over all wavelengths and ranks, in integers of 1/2^k of the largest voxel: integers add to the same
/// in any order, so the result does not depend on the number of ranks. k leaves room for the sum of all wavelengths.
std::vector<double> spaxel_sums(const CubeSlab& cube, std::int64_t n_wave, Communicator& comm) {
    float largest = 0;
    for (const float flux : cube.data()) { largest = std::max(largest, std::abs(flux)); }
    largest = comm.all_reduce_value(largest, Op::max);
    const auto n_spaxel = static_cast<std::size_t>(cube.n_y() * cube.n_x());
    std::vector<std::int64_t> sums(n_spaxel);
    if (!(largest > 0)) { return std::vector<double>(n_spaxel); }
    const int bits = 61 - static_cast<int>(std::ceil(std::log2(static_cast<double>(n_wave) + 1)));
    const double scale = std::ldexp(1.0, bits) / static_cast<double>(largest);
    for (std::int64_t wave = 0; wave < cube.n_wave(); ++wave) {
        const float* plane = cube.flux().row(wave);
        for (std::size_t s = 0; s < n_spaxel; ++s) { sums[s] += std::llround(static_cast<double>(plane[s]) * scale); }
    }
    comm.all_reduce(sums, Op::sum);
    std::vector<double> out;
    out.reserve(n_spaxel);
    for (const std::int64_t sum : sums) { out.push_back(static_cast<double>(sum) / scale); }
    return out;
}

/// a_s of every spaxel: noise over flux.
std::vector<double> noise_over_flux(const std::vector<double>& sums, double signal_to_noise) {
    std::vector<double> lit;
    std::copy_if(sums.begin(), sums.end(), std::back_inserter(lit), [](double sum) { return sum > 0; });
    std::vector<double> ratio(sums.size());
    if (lit.empty()) { return ratio; }
    const auto middle = lit.begin() + static_cast<std::ptrdiff_t>(lit.size() / 2);
    std::nth_element(lit.begin(), middle, lit.end());
    double median = *middle;
    if (lit.size() % 2 == 0) { median = 0.5 * (median + *std::max_element(lit.begin(), middle)); }
    std::transform(sums.begin(), sums.end(), ratio.begin(),
                   [&](double sum) { return sum > 0 ? std::sqrt(median) / signal_to_noise / std::sqrt(sum) : 0.0; });
    return ratio;
}

/// Variance of a voxel from its flux, both in the cube's unit; wave is global.
using VarianceLaw = std::function<double(std::int64_t wave, std::size_t spaxel, double flux)>;

VarianceLaw signal_to_noise_law(const CubeSlab& cube, const NoiseOptions& options, std::int64_t n_wave,
                                Communicator& comm) {
    return [ratio = noise_over_flux(spaxel_sums(cube, n_wave, comm), options.signal_to_noise)](
               std::int64_t, std::size_t spaxel, double flux) {
        const double sigma = flux * ratio[spaxel];
        return sigma * sigma;
    };
}

VarianceLaw exposure_law(const NoiseOptions& options, const NoiseScene& scene) {
    std::vector<double> electrons; // of a pixel, per unit of flux in the cube
    const WavelengthGrid& grid = *scene.wavelengths;
    for (std::int64_t i = 0; i < grid.size(); ++i) {
        const double photon = planck * light / (grid.centres[static_cast<std::size_t>(i)] * angstrom_cm); // erg
        electrons.push_back(*scene.flux_unit * options.collecting_area * cm2_per_m2 * options.throughput *
                            options.exposure_time * grid.width(i) / photon);
    }
    const double sky =
        options.sky_brightness * sky_unit * scene.spaxel_size * scene.spaxel_size / *scene.flux_unit; // cube's unit
    const double read = static_cast<double>(options.n_exposure) * options.read_noise * options.read_noise;
    return [electrons = std::move(electrons), sky, read](std::int64_t wave, std::size_t, double flux) {
        const double gain = electrons[static_cast<std::size_t>(wave)];
        return ((std::max(0.0, flux) + sky) * gain + read) / (gain * gain);
    };
}

} // namespace

CubeSlab add_noise(CubeSlab& cube, const NoiseOptions& options, const NoiseScene& scene, Communicator& comm) {
    if (options.kind == NoiseKind::none) { return {}; }
    if (options.kind == NoiseKind::exposure && (!scene.flux_unit || !(*scene.flux_unit > 0))) {
        throw Error({.kind = Kind::config,
                     .where = "noise.kind",
                     .found = "exposure with a cube that is not an observed flux",
                     .expected = "a physical unit: photons are counted",
                     .cure = "Set output.flux_unit to 1e-20 erg/s/cm2/Angstrom, or take noise.kind: signal-to-noise"});
    }
    const VarianceLaw law = options.kind == NoiseKind::exposure
                                ? exposure_law(options, scene)
                                : signal_to_noise_law(cube, options, scene.wavelengths->size(), comm);
    CubeSlab variance(cube.range(), cube.n_y(), cube.n_x());
    const std::int64_t n_spaxel = cube.n_y() * cube.n_x();
    const auto seed = static_cast<std::uint64_t>(options.seed);
    const int n_thread = scene.n_thread > 0 ? scene.n_thread : omp_get_max_threads();
#pragma omp parallel for schedule(static) num_threads(n_thread)
    for (std::int64_t i = 0; i < cube.n_wave(); ++i) {
        const std::int64_t wave = cube.range().first + i;
        float* flux = cube.flux().row(i);
        float* out = variance.flux().row(i);
        for (std::int64_t s = 0; s < n_spaxel; ++s) {
            const double square = law(wave, static_cast<std::size_t>(s), flux[s]);
            if (square > 0) {
                flux[s] = static_cast<float>(flux[s] + std::sqrt(square) *
                                                           deviate(options.distribution, seed, wave * n_spaxel + s));
            }
            out[s] = static_cast<float>(square);
        }
    }
    return variance;
}

} // namespace tessera
