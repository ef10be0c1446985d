// RUBIX's resampling, for comparison: docs/physics.md gives its formulas, docs/rubix.md what it loses.
#include "synthesis/exact_rubix.hpp"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "core/cpu_clones.hpp"
#include "synthesis/native_grid.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

namespace {

/// Stars one after the other: the functors of rubix_kernels.hpp, with vector registers.
class StarSampler {
public:
    StarSampler(const ssp::Library& library, const WavelengthGrid& pixels, const device::Host& where)
        : library_(library), grid_(library, pixels), points_(grid_.points()),
          cumulative_(static_cast<std::size_t>(library.n_node() * points_.n_point)) {
        device::for_each(where, library.n_node(), 8,
                         SumLight{points_.n_point, points_.rest, library.flux.data(), cumulative_.data()});
    }

    /// Lsun per Msun formed between the first and the last pixel's centre.
    double total(const ssp::NodeWeights& nodes, double factor) const {
        return points_.total(nodes, factor, cumulative_.data(), grid_.centre.front(), grid_.centre.back());
    }

    /// Sum of the nodes over the points that a Doppler factor brings into the band, and a few more.
    void merge(const ssp::NodeWeights& nodes, double factor, std::vector<double>& flux) const {
        const std::int64_t n = points_.n_point;
        const std::int64_t first = std::max<std::int64_t>(points_.place(grid_.centre.front() / factor).cell - 1, 0);
        const std::int64_t end = std::min<std::int64_t>(points_.place(grid_.centre.back() / factor).cell + 3, n);
        flux.resize(static_cast<std::size_t>(n) + 1); // one that is read with weight 0
        std::fill(flux.begin() + first, flux.begin() + end, 0.0);
        for (int k = 0; k < nodes.count; ++k) {
            add_weighted(library_.nodes().row(nodes.node[k]) + first, static_cast<double>(nodes.weight[k]), end - first,
                         flux.data() + first);
        }
    }

    /// Linear interpolation at the pixels' centres, end values beyond the ends. @return  sum of the samples times the pixels' spacing
    double sample(const std::vector<double>& flux, double factor, std::vector<double>& out) const {
        out.resize(grid_.centre.size());
        interpolate(flux.data(), 1 / factor, out.data());
        double sum = 0;
        for (std::size_t k = 0; k < out.size(); ++k) { sum += out[k] * grid_.spacing[k]; }
        return sum;
    }

private:
    TESSERA_CPU_CLONES
    static void add_weighted(const float* __restrict node, double weight, std::int64_t n, double* __restrict flux) {
        for (std::int64_t i = 0; i < n; ++i) { flux[i] += weight * static_cast<double>(node[i]); }
    }

    TESSERA_CPU_CLONES
    void interpolate(const double* __restrict flux, double per_factor, double* __restrict out) const {
        const auto n = static_cast<std::int64_t>(grid_.centre.size());
        const double* centre = grid_.centre.data();
        if (grid_.most_steps <= 1) { // by far the most common: no loop inside, and vector registers
            const double* rest = points_.rest;
            const double* per_width = points_.per_width;
            const std::int32_t* cells = points_.cell;
            const double lowest = points_.lowest;
            const double highest = points_.highest;
            const double per_entry = points_.per_entry;
            for (std::int64_t k = 0; k < n; ++k) {
                const double wavelength = std::min(std::max(centre[k] * per_factor, lowest), highest);
                std::int32_t cell = cells[static_cast<std::int32_t>((wavelength - lowest) * per_entry)];
                cell += rest[cell + 1] <= wavelength ? 1 : 0;
                const double t = (wavelength - rest[cell]) * per_width[cell];
                out[k] = flux[cell] + t * (flux[cell + 1] - flux[cell]);
            }
            return;
        }
        for (std::int64_t k = 0; k < n; ++k) {
            const auto [cell, t] = points_.place(centre[k] * per_factor);
            out[k] = flux[cell] + t * (flux[cell + 1] - flux[cell]);
        }
    }

    const ssp::Library& library_;
    NativeGrid grid_;
    NativePoints points_;
    std::vector<double> cumulative_; ///< [node, point] Lsun per Msun formed, below a point
};

TESSERA_CPU_CLONES
void add_scaled(const double* __restrict sampled, double scale, std::int64_t n, double* __restrict sum) {
    for (std::int64_t k = 0; k < n; ++k) { sum[k] += scale * sampled[k]; }
}

} // namespace

void survey_for_rubix(StarLight& stars, const std::vector<double>& of_nodes, Communicator& comm,
                      SynthesisReport& report) {
    std::vector<NodeLight> nodes(of_nodes.size());
    for (std::size_t k = 0; k < nodes.size(); ++k) { nodes[k].in_band = of_nodes[k]; }
    const Survey survey = stars.survey(nodes, false, comm);
    survey.fill(report);
    report.method = Method::exact;
    report.n_spaxel_exact =
        std::count_if(survey.n_star.begin(), survey.n_star.end(), [](std::int64_t n) { return n > 0; });
}

void exact_rubix(const SpaxelStars& stars, const ssp::Library& library, const ssp::Interpolator& interpolator,
                 const WavelengthGrid& pixels, double redshift, Doppler doppler, const device::Host& where,
                 const Progress& progress, BlockedCube& cube) {
    if (cube.blocks().n_wave_block != 1) {
        throw Error({.where = "exact_rubix",
                     .found = fmt::format("{} blocks of wavelengths", cube.blocks().n_wave_block),
                     .expected = "one",
                     .cure = ""});
    }
    const StarSampler sampler(library, pixels, where);
    const auto add_spaxel = [&](std::size_t s, const BlockView& block, std::int64_t row) {
        if (stars.start[s] == stars.start[s + 1]) { return; }
        std::vector<double> flux;
        std::vector<double> sampled;
        std::vector<double> sum(pixels.centres.size(), 0.0);
        for (auto i = static_cast<std::size_t>(stars.start[s]); i < static_cast<std::size_t>(stars.start[s + 1]); ++i) {
            const ssp::NodeWeights nodes = interpolator.at(stars.metallicity[i], stars.age[i]);
            if (nodes.count == 0) { continue; }
            const double factor = doppler_factor(redshift, stars.los_velocity[i], doppler);
            sampler.merge(nodes, factor, flux);
            const double sampled_total = sampler.sample(flux, factor, sampled);
            // No light in the band: RUBIX divides by zero here, we add nothing.
            if (sampled_total == 0) { continue; }
            add_scaled(sampled.data(), stars.initial_mass[i] * sampler.total(nodes, factor) / sampled_total,
                       static_cast<std::int64_t>(sum.size()), sum.data());
        }
        const std::vector<float> light(sum.begin(), sum.end());
        block.add(row, 0, light.data(), std::ssize(light)); // in one block pixels are in their order
    };
    std::int64_t n_done = 0;
    for (int part = 0; part < cube.blocks().n_part; ++part) {
        const std::span<const std::int64_t> rows = cube.rows(part);
        const BlockView block = cube.open(part, 0);
        // Chunks of spaxels between reports of progress.
        const std::int64_t chunk = std::max<std::int64_t>(1, std::ssize(rows) / 20);
        for (std::int64_t first = 0; first < std::ssize(rows); first += chunk) {
            const std::int64_t end = std::min(std::ssize(rows), first + chunk);
            device::for_each(where, end - first, 1, [&](std::int64_t i) {
                add_spaxel(static_cast<std::size_t>(rows[static_cast<std::size_t>(first + i)]), block, first + i);
            });
            cube.advance();
            for (std::int64_t row = first; row < end; ++row) {
                const auto s = static_cast<std::size_t>(rows[static_cast<std::size_t>(row)]);
                n_done += stars.start[s + 1] - stars.start[s];
            }
            if (progress) { progress(n_done, stars.size()); }
        }
        cube.close();
        cube.check();
    }
}

} // namespace tessera
