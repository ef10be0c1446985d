// RUBIX's resampling, for comparison: docs/physics.md gives its formulas, docs/rubix.md what it loses.
#include "synthesis/exact_rubix.hpp"

#include <algorithm>
#include <cmath>

#include "core/cpu_clones.hpp"

namespace tessera {

namespace {

/// Library light on its own wavelengths, with what does not depend on the star.
struct NativeGrid {
    const std::vector<double>& rest;   ///< [point] Angstrom
    const std::vector<double>& centre; ///< [pixel] Angstrom, observed

    NativeGrid(const ssp::Library& library, const WavelengthGrid& pixels)
        : rest(library.wavelength), centre(pixels.centres) {}

    /// Backward rectangle sum over the points whose shifted wavelength lies in the band.
    double total(const std::vector<double>& flux, double factor) const {
        double sum = 0;
        const auto first = std::lower_bound(rest.begin(), rest.end(), centre.front() / factor) - rest.begin();
        const auto end = std::upper_bound(rest.begin(), rest.end(), centre.back() / factor) - rest.begin();
        for (auto i = static_cast<std::size_t>(std::max<std::ptrdiff_t>(first, 1)); i < static_cast<std::size_t>(end);
             ++i) {
            sum += flux[i] * (rest[i] - rest[i - 1]);
        }
        return sum * factor;
    }

    /// Linear interpolation at the pixels' centres, end values beyond the ends.
    void sample(const std::vector<double>& flux, double factor, std::vector<double>& out) const {
        std::size_t cell = 0; // centres ascend, and so does the cell
        for (std::size_t k = 0; k < centre.size(); ++k) {
            const double wavelength = centre[k] / factor;
            if (wavelength <= rest.front()) {
                out[k] = flux.front();
            } else if (wavelength >= rest.back()) {
                out[k] = flux.back();
            } else {
                while (rest[cell + 1] <= wavelength) { ++cell; }
                const double t = (wavelength - rest[cell]) / (rest[cell + 1] - rest[cell]);
                out[k] = flux[cell] + t * (flux[cell + 1] - flux[cell]);
            }
        }
    }
};

TESSERA_CPU_CLONES
void add_weighted(const float* __restrict node, double weight, std::int64_t n, double* __restrict flux) {
    for (std::int64_t i = 0; i < n; ++i) { flux[i] += weight * static_cast<double>(node[i]); }
}

TESSERA_CPU_CLONES
void add_scaled(const double* __restrict sampled, double scale, std::int64_t n, double* __restrict sum) {
    for (std::int64_t k = 0; k < n; ++k) { sum[k] += scale * sampled[k]; }
}

} // namespace

void exact_rubix(const SpaxelStars& stars, const ssp::Library& library, const ssp::Interpolator& interpolator,
                 const WavelengthGrid& pixels, double redshift, Doppler doppler, const device::Host& where,
                 const Progress& progress, PartialCube& cube) {
    const NativeGrid grid(library, pixels);
    const std::int64_t n_spaxel = cube.n_spaxel();
    std::int64_t done = 0;
    // Chunks of spaxels between reports of progress.
    const std::int64_t chunk = std::max<std::int64_t>(1, n_spaxel / 20);
    for (std::int64_t first = 0; first < n_spaxel; first += chunk) {
        const std::int64_t end = std::min(n_spaxel, first + chunk);
        device::for_each(where, end - first, 1, [&](std::int64_t i_spaxel) {
            const auto s = static_cast<std::size_t>(first + i_spaxel);
            if (stars.start[s] == stars.start[s + 1]) { return; }
            std::vector<double> flux(library.wavelength.size());
            std::vector<double> sampled(pixels.centres.size());
            std::vector<double> sum(pixels.centres.size(), 0.0);
            for (std::int64_t i = stars.start[s]; i < stars.start[s + 1]; ++i) {
                const auto star = static_cast<std::size_t>(i);
                const ssp::NodeWeights nodes = interpolator.at(stars.metallicity[star], stars.age[star]);
                std::fill(flux.begin(), flux.end(), 0.0);
                for (int k = 0; k < nodes.count; ++k) {
                    add_weighted(library.nodes().row(nodes.node[k]),
                                 static_cast<double>(nodes.weight[k]) * stars.initial_mass[star], library.n_wave(),
                                 flux.data());
                }
                const double factor = doppler_factor(redshift, stars.los_velocity[star], doppler);
                grid.sample(flux, factor, sampled);
                double sampled_total = 0;
                for (std::size_t k = 1; k < sampled.size(); ++k) {
                    sampled_total += sampled[k] * (pixels.centres[k] - pixels.centres[k - 1]);
                }
                // No light in the band: RUBIX divides by zero here, we add nothing.
                if (sampled_total == 0) { continue; }
                add_scaled(sampled.data(), grid.total(flux, factor) / sampled_total,
                           static_cast<std::int64_t>(sum.size()), sum.data());
            }
            float* out = cube.flux().row(first + i_spaxel);
            for (std::size_t k = 0; k < sum.size(); ++k) { out[k] = static_cast<float>(sum[k]); }
        });
        done = stars.start[static_cast<std::size_t>(end)];
        if (progress) { progress(done, stars.size()); }
    }
}

} // namespace tessera
