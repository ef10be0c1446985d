#include "instrument/noise_numbers.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "tessera/core/error.hpp"

namespace tessera {

namespace {
constexpr double planck = 6.62607015e-27; // erg s, exact (SI)
constexpr double light = 2.99792458e10;   // cm/s, exact (SI)
constexpr double angstrom_cm = 1e-8;
constexpr double cm2_per_m2 = 1e4;
constexpr double sky_unit = 1e-18; // erg/s/cm2/Angstrom/arcsec2
} // namespace

void check_noise(const NoiseOptions& options, const NoiseScene& scene) {
    if (options.kind == NoiseKind::exposure && (!scene.flux_unit || !(*scene.flux_unit > 0))) {
        throw Error({.kind = Kind::config,
                     .where = "noise.kind",
                     .found = "exposure with a cube that is not an observed flux",
                     .expected = "a physical unit: photons are counted",
                     .cure = "Set output.flux_unit to 1e-20 erg/s/cm2/Angstrom, or take noise.kind: signal-to-noise"});
    }
}

double sum_scale(float largest, std::int64_t n_wave) {
    if (!(largest > 0)) { return 0; }
    const int bits = 61 - static_cast<int>(std::ceil(std::log2(static_cast<double>(n_wave) + 1)));
    return std::ldexp(1.0, bits) / static_cast<double>(largest);
}

std::vector<double> noise_over_flux(const std::vector<std::int64_t>& sums, double scale, double signal_to_noise) {
    std::vector<double> ratio(sums.size());
    if (!(scale > 0)) { return ratio; }
    std::transform(sums.begin(), sums.end(), ratio.begin(),
                   [scale](std::int64_t sum) { return static_cast<double>(sum) / scale; });
    std::vector<double> lit;
    std::copy_if(ratio.begin(), ratio.end(), std::back_inserter(lit), [](double sum) { return sum > 0; });
    if (lit.empty()) { return std::vector<double>(sums.size()); }
    const auto middle = lit.begin() + static_cast<std::ptrdiff_t>(lit.size() / 2);
    std::nth_element(lit.begin(), middle, lit.end());
    double median = *middle;
    if (lit.size() % 2 == 0) { median = 0.5 * (median + *std::max_element(lit.begin(), middle)); }
    for (double& sum : ratio) { sum = sum > 0 ? std::sqrt(median) / signal_to_noise / std::sqrt(sum) : 0.0; }
    return ratio;
}

std::vector<double> electrons_per_flux(const NoiseOptions& options, const NoiseScene& scene) {
    std::vector<double> electrons;
    if (options.kind != NoiseKind::exposure) { return electrons; }
    const WavelengthGrid& grid = *scene.wavelengths;
    electrons.reserve(static_cast<std::size_t>(grid.size()));
    for (std::int64_t i = 0; i < grid.size(); ++i) {
        const double photon = planck * light / (grid.centres[static_cast<std::size_t>(i)] * angstrom_cm); // erg
        electrons.push_back(*scene.flux_unit * options.collecting_area * cm2_per_m2 * options.throughput *
                            options.exposure_time * grid.width(i) / photon);
    }
    return electrons;
}

AddNoise noise_numbers(const NoiseOptions& options, const NoiseScene& scene, WaveRange range, std::int64_t n_spaxel) {
    AddNoise noise;
    noise.exposure = options.kind == NoiseKind::exposure ? 1 : 0;
    switch (options.distribution) {
    case NoiseDistribution::normal: noise.uniform = 0; break;
    case NoiseDistribution::uniform: noise.uniform = 1; break;
    }
    noise.seed = static_cast<std::uint64_t>(options.seed);
    if (noise.exposure != 0) {
        noise.sky = options.sky_brightness * sky_unit * scene.spaxel_size * scene.spaxel_size / *scene.flux_unit;
        noise.read = static_cast<double>(options.n_exposure) * options.read_noise * options.read_noise;
    }
    noise.first_wave = range.first;
    noise.n_wave = range.count;
    noise.n_spaxel = n_spaxel;
    return noise;
}

} // namespace tessera
