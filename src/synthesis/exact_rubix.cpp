// RUBIX's resampling, for comparison: docs/physics.md gives its formulas, docs/rubix.md what it loses.
#include "synthesis/exact_rubix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/cpu_clones.hpp"

namespace tessera {

namespace {

/// The library on its own wavelengths, with what does not depend on the star.
class NativeGrid {
public:
    NativeGrid(const ssp::Library& library, const WavelengthGrid& pixels, const device::Host& where)
        : library_(library), rest_(library.wavelength), centre_(pixels.centres), n_point_(library.n_wave()) {
        for (std::size_t i = 1; i < rest_.size(); ++i) { per_width_.push_back(1 / (rest_[i] - rest_[i - 1])); }
        for (std::size_t k = 1; k < centre_.size(); ++k) { step_.push_back(centre_[k] - centre_[k - 1]); }
        // Cells by even steps, of which none is wider than the narrowest cell unless that makes too many.
        const double narrowest = 1 / *std::max_element(per_width_.begin(), per_width_.end());
        per_width_.push_back(0); // of the last point: nothing is interpolated beyond it
        padded_rest_ = rest_;
        padded_rest_.push_back(std::numeric_limits<double>::infinity());
        constexpr double most_entries = 1 << 20;
        const double range = rest_.back() - rest_.front();
        const auto n_entry = static_cast<std::int64_t>(std::min(most_entries, std::ceil(range / narrowest)));
        per_entry_ = static_cast<double>(n_entry) / range;
        std::int32_t cell = 0;
        for (std::int64_t entry = 0; entry <= n_entry; ++entry) {
            const double from = rest_.front() + static_cast<double>(entry) / per_entry_;
            const std::int32_t before = cell;
            while (padded_rest_[static_cast<std::size_t>(cell) + 1] <= from) { ++cell; }
            most_steps_ = entry > 0 ? std::max(most_steps_, cell - before) : 0;
            cell_.push_back(cell);
        }
        most_steps_ = std::max(most_steps_, static_cast<std::int32_t>(n_point_) - 1 - cell_.back());
        cumulative_.resize(static_cast<std::size_t>(library.n_node() * n_point_));
        device::for_each(where, library.n_node(), 8, [&](std::int64_t node) {
            const float* light = library.nodes().row(node);
            double* sum = cumulative_.data() + node * n_point_;
            sum[0] = 0;
            for (std::size_t i = 1; i < rest_.size(); ++i) {
                sum[i] = sum[i - 1] + static_cast<double>(light[i]) * (rest_[i] - rest_[i - 1]);
            }
        });
    }

    /// Backward rectangle sum over the points whose shifted wavelength lies in the band, from prefix sums of the nodes.
    double total(const ssp::NodeWeights& nodes, double factor) const {
        const auto first = std::lower_bound(rest_.begin(), rest_.end(), centre_.front() / factor) - rest_.begin();
        const auto end = std::upper_bound(rest_.begin(), rest_.end(), centre_.back() / factor) - rest_.begin();
        if (end <= std::max<std::ptrdiff_t>(first, 1)) { return 0; }
        double sum = 0;
        for (int k = 0; k < nodes.count; ++k) {
            const double* cumulative = cumulative_.data() + nodes.node[k] * n_point_;
            sum += static_cast<double>(nodes.weight[k]) *
                   (cumulative[end - 1] - cumulative[std::max<std::ptrdiff_t>(first, 1) - 1]);
        }
        return sum * factor;
    }

    /// Sum of the nodes over the points that a Doppler factor brings into the band, and a few more.
    void merge(const ssp::NodeWeights& nodes, double factor, std::vector<double>& flux) const {
        const std::int64_t first = std::max<std::int64_t>(cell_at(centre_.front() / factor) - 1, 0);
        const std::int64_t end = std::min<std::int64_t>(cell_at(centre_.back() / factor) + most_steps_ + 3, n_point_);
        flux.resize(static_cast<std::size_t>(n_point_) + 1); // one that is read with weight 0
        std::fill(flux.begin() + first, flux.begin() + end, 0.0);
        for (int k = 0; k < nodes.count; ++k) {
            add_weighted(library_.nodes().row(nodes.node[k]) + first, static_cast<double>(nodes.weight[k]), end - first,
                         flux.data() + first);
        }
    }

    /// Linear interpolation at the pixels' centres, end values beyond the ends. @return  sum of the samples times the pixels' spacing
    double sample(const std::vector<double>& flux, double factor, std::vector<double>& out) const {
        out.resize(centre_.size());
        interpolate(flux.data(), 1 / factor, out.data());
        double sum = 0;
        for (std::size_t k = 0; k < step_.size(); ++k) { sum += out[k + 1] * step_[k]; }
        return sum;
    }

private:
    std::int64_t cell_at(double wavelength) const {
        const double entry = (std::clamp(wavelength, rest_.front(), rest_.back()) - rest_.front()) * per_entry_;
        return cell_[static_cast<std::size_t>(entry)];
    }

    TESSERA_CPU_CLONES
    static void add_weighted(const float* __restrict node, double weight, std::int64_t n, double* __restrict flux) {
        for (std::int64_t i = 0; i < n; ++i) { flux[i] += weight * static_cast<double>(node[i]); }
    }

    TESSERA_CPU_CLONES
    void interpolate(const double* __restrict flux, double per_factor, double* __restrict out) const {
        const double* rest = padded_rest_.data();
        const double* per_width = per_width_.data();
        const std::int32_t* cells = cell_.data();
        const double lowest = rest_.front();
        const double highest = rest_.back();
        const double per_entry = per_entry_;
        const auto n = static_cast<std::int64_t>(centre_.size());
        const double* centre = centre_.data();
        // A cell too far by rounding does no harm: the line of the next cell passes through the same point.
        if (most_steps_ <= 1) { // by far the most common: no loop inside, and vector registers
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
            const double wavelength = std::min(std::max(centre[k] * per_factor, lowest), highest);
            std::int32_t cell = cells[static_cast<std::int32_t>((wavelength - lowest) * per_entry)];
            while (rest[cell + 1] <= wavelength) { ++cell; }
            const double t = (wavelength - rest[cell]) * per_width[cell];
            out[k] = flux[cell] + t * (flux[cell + 1] - flux[cell]);
        }
    }

    const ssp::Library& library_;
    const std::vector<double>& rest_;   ///< [point] Angstrom
    const std::vector<double>& centre_; ///< [pixel] Angstrom, observed
    std::int64_t n_point_;
    std::vector<double> per_width_;   ///< [point] 1/Angstrom, of the cell that begins there
    std::vector<double> padded_rest_; ///< [point + 1] infinity at the end
    std::vector<double> step_;        ///< [pixel - 1] Angstrom between centres
    std::vector<double> cumulative_;  ///< [node, point] Lsun per Msun below a point
    double per_entry_ = 0;            ///< 1/Angstrom
    std::vector<std::int32_t> cell_;  ///< [entry]
    std::int32_t most_steps_ = 0;     ///< from an entry's cell to that of a wavelength in it
};

TESSERA_CPU_CLONES
void add_scaled(const double* __restrict sampled, double scale, std::int64_t n, double* __restrict sum) {
    for (std::int64_t k = 0; k < n; ++k) { sum[k] += scale * sampled[k]; }
}

} // namespace

void exact_rubix(const SpaxelStars& stars, const ssp::Library& library, const ssp::Interpolator& interpolator,
                 const WavelengthGrid& pixels, double redshift, Doppler doppler, const device::Host& where,
                 const Progress& progress, PartialCube& cube) {
    const NativeGrid grid(library, pixels, where);
    const std::int64_t n_spaxel = cube.n_spaxel();
    // Chunks of spaxels between reports of progress.
    const std::int64_t chunk = std::max<std::int64_t>(1, n_spaxel / 20);
    for (std::int64_t first = 0; first < n_spaxel; first += chunk) {
        const std::int64_t end = std::min(n_spaxel, first + chunk);
        device::for_each(where, end - first, 1, [&](std::int64_t i_spaxel) {
            const auto s = static_cast<std::size_t>(first + i_spaxel);
            if (stars.start[s] == stars.start[s + 1]) { return; }
            std::vector<double> flux;
            std::vector<double> sampled;
            std::vector<double> sum(pixels.centres.size(), 0.0);
            for (auto i = static_cast<std::size_t>(stars.start[s]); i < static_cast<std::size_t>(stars.start[s + 1]);
                 ++i) {
                const ssp::NodeWeights nodes = interpolator.at(stars.metallicity[i], stars.age[i]);
                if (nodes.count == 0) { continue; }
                const double factor = doppler_factor(redshift, stars.los_velocity[i], doppler);
                grid.merge(nodes, factor, flux);
                const double sampled_total = grid.sample(flux, factor, sampled);
                // No light in the band: RUBIX divides by zero here, we add nothing.
                if (sampled_total == 0) { continue; }
                add_scaled(sampled.data(), stars.initial_mass[i] * grid.total(nodes, factor) / sampled_total,
                           static_cast<std::int64_t>(sum.size()), sum.data());
            }
            float* out = cube.flux().row(first + i_spaxel);
            for (std::size_t k = 0; k < sum.size(); ++k) { out[k] = static_cast<float>(sum[k]); }
        });
        if (progress) { progress(stars.start[static_cast<std::size_t>(end)], stars.size()); }
    }
}

} // namespace tessera
