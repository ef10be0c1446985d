#include "tessera/cube/grid.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "tessera/core/error.hpp"

namespace tessera {

namespace {

/// More pixels than this along one axis is a typing error, not an instrument.
constexpr std::int64_t largest_axis = 100'000'000;

void require_field(std::int64_t n, double spaxel_size, double kpc_per_arcsec) {
    const bool good = n > 0 && n <= largest_axis && std::isfinite(spaxel_size) && spaxel_size > 0 &&
                      std::isfinite(kpc_per_arcsec) && kpc_per_arcsec > 0;
    if (good) { return; }
    throw Error({.kind = Kind::config,
                 .where = "telescope.field_of_view, telescope.spaxel_size",
                 .found = fmt::format("{} spaxels of {} arcsec, {} kpc per arcsec", n, spaxel_size, kpc_per_arcsec),
                 .expected = "at least one spaxel, of a size above 0, on a scale above 0 (redshift above 0)",
                 .cure = "enlarge the field of view, or give a spaxel size smaller than it"});
}

/// n spaxels and a margin on both sides, symmetric about 0: edge k and its mirror image are exact negatives.
std::vector<double> symmetric_edges(std::int64_t n, std::int64_t margin, double width) {
    std::vector<double> edges(static_cast<std::size_t>(n + 2 * margin + 1));
    for (std::size_t k = 0; k < edges.size(); ++k) {
        edges[k] = 0.5 * static_cast<double>(2 * (static_cast<std::int64_t>(k) - margin) - n) * width;
    }
    return edges;
}

/// Number of k >= 0 with k·step < length. Decimal limits such as 4700.15 … 9351.4 in steps of 1.25 are not exact in
/// binary: a channel that reaches the end to within 1e-6 of a step counts as being at the end, and so as outside. (In
/// float32, as RUBIX has it, the step near 9000 Angstrom is 5e-4 to 1e-3 Angstrom, and which side such a channel falls on is left to
/// rounding.)
std::int64_t channels_below(double length, double step) {
    return static_cast<std::int64_t>(std::ceil(length / step - 1e-6));
}

void require_range(double first, double last, double step, double n_step, const char* what) {
    const bool finite = std::isfinite(first) && std::isfinite(last) && std::isfinite(step);
    if (finite && first > 0 && last > first && step > 0 && n_step > 1e-6 &&
        n_step < static_cast<double>(largest_axis)) {
        return;
    }
    throw Error({.kind = Kind::config,
                 .where = "telescope.wavelength_range, telescope.wavelength_step",
                 .found = fmt::format("{} to {} Angstrom, {} {}", first, last, what, step),
                 .expected = fmt::format("0 < first < last and a step above 0, at most {} pixels", largest_axis),
                 .cure = "the range is [first, last] in Angstrom, the first smaller"});
}

} // namespace

SpatialGrid make_spatial_grid(std::int64_t n_x, std::int64_t n_y, double spaxel_size, double kpc_per_arcsec,
                              std::int64_t margin) {
    require_field(std::min(n_x, n_y), spaxel_size, kpc_per_arcsec);
    if (margin < 0) {
        throw Error(
            {.where = "make_spatial_grid", .found = fmt::format("margin {}", margin), .expected = ">= 0", .cure = ""});
    }
    const double width = spaxel_size * kpc_per_arcsec;
    SpatialGrid grid;
    grid.n_x = n_x;
    grid.n_y = n_y;
    grid.margin = margin;
    grid.spaxel_size = spaxel_size;
    grid.kpc_per_arcsec = kpc_per_arcsec;
    grid.x_edges = symmetric_edges(n_x, margin, width);
    grid.y_edges = symmetric_edges(n_y, margin, width);
    return grid;
}

SpatialGrid make_rubix_spatial_grid(std::int64_t n, double field_of_view, double spaxel_size, double kpc_per_arcsec) {
    require_field(n, spaxel_size, kpc_per_arcsec);
    // Every operation is rounded to float32 on its own, also where the compiler would fuse product and sum: a product of
    // two floats is exact in double, and a sum of two floats rounds to float alike by way of double.
    const auto length =
        static_cast<float>(static_cast<double>(static_cast<float>(kpc_per_arcsec)) * static_cast<float>(field_of_view));
    const float width = length / static_cast<float>(n);
    const double start = -static_cast<double>(length) / 2;
    SpatialGrid grid;
    grid.n_x = grid.n_y = n;
    grid.spaxel_size = spaxel_size;
    grid.kpc_per_arcsec = kpc_per_arcsec;
    grid.closed_end = true;
    grid.x_edges.resize(static_cast<std::size_t>(n) + 1);
    for (std::size_t k = 0; k < grid.x_edges.size(); ++k) {
        const auto offset = static_cast<float>(static_cast<double>(k) * static_cast<double>(width));
        grid.x_edges[k] = static_cast<double>(static_cast<float>(start + static_cast<double>(offset)));
    }
    grid.y_edges = grid.x_edges;
    return grid;
}

WavelengthGrid make_linear_wavelengths(double first, double last, double step) {
    require_range(first, last, step, (last - first) / step, "step");
    const std::int64_t n = channels_below(last - first, step);
    WavelengthGrid grid;
    grid.centres.resize(static_cast<std::size_t>(n));
    grid.edges.resize(static_cast<std::size_t>(n) + 1);
    for (std::size_t k = 0; k < grid.centres.size(); ++k) { grid.centres[k] = first + static_cast<double>(k) * step; }
    for (std::size_t k = 0; k < grid.edges.size(); ++k) {
        grid.edges[k] = first + (static_cast<double>(k) - 0.5) * step;
    }
    return grid;
}

WavelengthGrid make_logarithmic_wavelengths(double first, double last, double log_step) {
    require_range(first, last, log_step, std::log(last / first) / log_step, "step in ln(wavelength)");
    const std::int64_t n = channels_below(std::log(last / first), log_step);
    WavelengthGrid grid;
    grid.logarithmic = true;
    grid.centres.resize(static_cast<std::size_t>(n));
    grid.edges.resize(static_cast<std::size_t>(n) + 1);
    for (std::size_t k = 0; k < grid.centres.size(); ++k) {
        grid.centres[k] = first * std::exp(static_cast<double>(k) * log_step);
    }
    for (std::size_t k = 0; k < grid.edges.size(); ++k) {
        grid.edges[k] = first * std::exp((static_cast<double>(k) - 0.5) * log_step);
    }
    return grid;
}

WaveRange common(WaveRange a, WaveRange b) {
    const std::int64_t first = std::max(a.first, b.first);
    return {first, std::max<std::int64_t>(0, std::min(a.end(), b.end()) - first)};
}

WaveRange slab_of(std::int64_t n_wave, int rank, int size) {
    const std::int64_t base = n_wave / size;
    const std::int64_t longer = n_wave % size; // the first ranks take one more
    return {rank * base + std::min<std::int64_t>(rank, longer), base + (rank < longer ? 1 : 0)};
}

} // namespace tessera
