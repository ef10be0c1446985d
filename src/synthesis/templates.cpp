#include "synthesis/templates.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "synthesis/cumulative.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/random.hpp"

namespace tessera {

namespace {

/// Points of the interpolation beyond the outermost pixel read.
constexpr std::int64_t stencil = 3;

/// Rest wavelengths of the edges of log pixels [0, n].
std::vector<double> rest_edges(const LogGrid& grid, double redshift) {
    std::vector<double> edges(static_cast<std::size_t>(grid.n_pixel) + 1);
    for (std::size_t j = 0; j < edges.size(); ++j) {
        edges[j] = std::exp(grid.edge(static_cast<std::int64_t>(j))) / (1 + redshift);
    }
    return edges;
}

void integrate_node(const ssp::Library& library, std::int64_t node, const GridPositions& positions, float* out) {
    std::vector<double> scratch;
    std::vector<double> cumulative(positions.cell.size());
    cumulative_at(library.wavelength, library.nodes().row(node), positions, scratch, cumulative.data());
    for (std::size_t j = 0; j + 1 < cumulative.size(); ++j) {
        out[j] = static_cast<float>(cumulative[j + 1] - cumulative[j]);
    }
}

} // namespace

LogGrid template_grid(const WavelengthGrid& pixels, double largest_shift, double log_step, std::int64_t& margin) {
    // The inner grid holds every log pixel that Rebin reads: two beyond the outermost edges.
    const double first = std::log(pixels.edges.front());
    const double last = std::log(pixels.edges.back());
    const std::int64_t inner = static_cast<std::int64_t>(std::ceil((last - first) / log_step)) + 2 * stencil;
    margin = static_cast<std::int64_t>(std::ceil(largest_shift / log_step)) + stencil;
    return {first - static_cast<double>(stencil + margin) * log_step, log_step, inner + 2 * margin};
}

LogTemplates make_templates(const ssp::Library& library, const WavelengthGrid& pixels, double redshift,
                            double largest_shift, double log_step, const device::Host& where) {
    LogTemplates templates;
    templates.grid = template_grid(pixels, largest_shift, log_step, templates.margin);
    templates.n_node = library.n_node();
    templates.light.resize(static_cast<std::size_t>(templates.n_node * templates.grid.n_pixel));
    const GridPositions positions(library.wavelength, rest_edges(templates.grid, redshift));
    device::for_each(where, templates.n_node, 1, [&](std::int64_t node) {
        integrate_node(library, node, positions, templates.light.data() + node * templates.grid.n_pixel);
    });
    return templates;
}

double native_log_step(const ssp::Library& library, const WavelengthGrid& pixels, double redshift) {
    double finest = 0;
    const double first = pixels.edges.front() / (1 + redshift);
    const double last = pixels.edges.back() / (1 + redshift);
    for (std::size_t i = 1; i < library.wavelength.size(); ++i) {
        if (library.wavelength[i] < first || library.wavelength[i - 1] > last) { continue; }
        const double step = std::log(library.wavelength[i] / library.wavelength[i - 1]);
        if (finest == 0 || step < finest) { finest = step; }
    }
    return finest;
}

namespace {

struct SampleStar {
    std::int64_t node;
    double ln_shift;
};

/// A dozen nodes spread over the grid, each with a velocity of its own. Nodes without light in the pixels say nothing.
std::vector<SampleStar> error_sample(const ssp::Library& library, double largest_shift) {
    constexpr int n_sample = 12;
    std::vector<SampleStar> sample;
    const double reach = std::min(largest_shift, 1.0e-3); // 300 km/s: what matters is the fraction of a pixel
    for (int i = 0; i < n_sample; ++i) {
        const Philox random = Philox::at(20240229, 0, static_cast<std::uint64_t>(i));
        sample.push_back(
            {std::min(library.n_node() - 1,
                      static_cast<std::int64_t>(random.uniform(0) * static_cast<double>(library.n_node()))),
             (2 * random.uniform(1) - 1) * reach});
    }
    return sample;
}

ResamplingError measure(const ssp::Library& library, const WavelengthGrid& pixels, double redshift, const LogGrid& grid,
                        std::int64_t margin, const std::vector<SampleStar>& sample) {
    ResamplingError worst;
    // Where the library ends inside a pixel its light stops at once: that pixel is flagged, and is no measure of the grid.
    const std::vector<bool> covered = covered_pixels(library, pixels, redshift, 1.0e-3 * constants::speed_of_light);
    const LogGrid inner{grid.edge(margin), grid.step, grid.n_pixel - 2 * margin};
    const Rebin rebin(inner, pixels);
    const GridPositions positions(library.wavelength, rest_edges(grid, redshift));
    std::vector<float> rest(static_cast<std::size_t>(grid.n_pixel));
    std::vector<double> shifted(static_cast<std::size_t>(inner.n_pixel));
    for (const SampleStar& star : sample) {
        integrate_node(library, star.node, positions, rest.data());
        const PixelShift shift = PixelShift::at(star.ln_shift / grid.step);
        for (std::int64_t j = 0; j < inner.n_pixel; ++j) {
            double sum = 0;
            for (int m = 0; m < 4; ++m) {
                sum +=
                    static_cast<double>(shift.tap[m]) * rest[static_cast<std::size_t>(j + margin + shift.offset + m)];
            }
            shifted[static_cast<std::size_t>(j)] = sum;
        }
        ssp::NodeWeights alone{};
        alone.count = 1;
        alone.node[0] = static_cast<std::int32_t>(star.node);
        alone.weight[0] = 1;
        const auto truth = direct_spectrum(library, alone, 1.0, (1 + redshift) * std::exp(star.ln_shift), pixels);
        double mean = 0;
        double square = 0;
        double largest = 0;
        for (std::int64_t k = 0; k < pixels.size(); ++k) {
            if (!covered[static_cast<std::size_t>(k)]) { continue; }
            const double difference = rebin.apply(k, shifted.data(), 0) - truth[static_cast<std::size_t>(k)];
            mean += truth[static_cast<std::size_t>(k)];
            square += difference * difference;
            largest = std::max(largest, std::abs(difference));
        }
        mean /= static_cast<double>(pixels.size());
        if (!(mean > 0)) { continue; }
        worst.rms = std::max(worst.rms, std::sqrt(square / static_cast<double>(pixels.size())) / mean);
        worst.max = std::max(worst.max, largest / mean);
    }
    return worst;
}

} // namespace

double choose_log_step(const ssp::Library& library, const WavelengthGrid& pixels, double redshift, double largest_shift,
                       double tolerance, ResamplingError& error) {
    const double native = native_log_step(library, pixels, redshift);
    // A library finer than the telescope needs no more than a few steps a pixel: start from the coarser of the two.
    double narrowest = std::log(pixels.edges.back() / pixels.edges.front());
    for (std::int64_t k = 0; k < pixels.size(); ++k) {
        narrowest = std::min(narrowest, pixels.width(k) / pixels.centres[static_cast<std::size_t>(k)]);
    }
    const double start = std::max(native, narrowest);
    const auto sample = error_sample(library, largest_shift);
    double step = start;
    for (const double divisor : {1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0}) {
        step = start / divisor;
        std::int64_t margin = 0;
        const LogGrid grid = template_grid(pixels, largest_shift, step, margin);
        error = measure(library, pixels, redshift, grid, margin, sample);
        if (error.rms <= tolerance) { return step; }
    }
    log::warning(
        fmt::format("the log-wavelength grid reaches an rms error of {:.2e} relative to the mean where {:.2e} was "
                    "wanted: the SSP library changes too fast from point to point",
                    error.rms, tolerance));
    return step;
}

} // namespace tessera
