#include "synthesis/spectra.hpp"

#include <algorithm>
#include <cmath>

namespace tessera {

namespace {

Spectra outline(const std::vector<double>& wavelength, PointRange points, double beyond, std::int64_t n_row) {
    const bool at_start = points.first == 0;
    const bool at_end = points.end == static_cast<std::int64_t>(wavelength.size());
    Spectra out;
    out.points = points;
    out.wavelength.assign(wavelength.begin() + points.first, wavelength.begin() + points.end);
    if (at_start) { out.wavelength.insert(out.wavelength.begin(), wavelength.front() * std::exp(-beyond)); }
    if (at_end) { out.wavelength.push_back(wavelength.back() * std::exp(beyond)); }
    out.n_used = n_row;
    out.n_column = padded_columns(n_row);
    return out;
}

/// Rows of a table [row, point] become columns. Blocks of 16 × 16, so that both sides stay in the cache.
template <class Row>
Spectra from_rows(const std::vector<double>& wavelength, PointRange points, double beyond, std::int64_t n_row,
                  const Row& row, const device::Host& where) {
    const bool at_start = points.first == 0;
    const bool at_end = points.end == static_cast<std::int64_t>(wavelength.size());
    Spectra out = outline(wavelength, points, beyond, n_row);
    out.light.assign(out.wavelength.size() * static_cast<std::size_t>(out.n_column), 0.0F);
    float* inner = out.light.data() + (at_start ? out.n_column : 0);
    constexpr std::int64_t side = 16;
    device::for_each(where, (points.size() + side - 1) / side, 8, [&](std::int64_t block) {
        const std::int64_t point = block * side;
        const std::int64_t end = std::min(points.size(), point + side);
        for (std::int64_t column = 0; column < n_row; ++column) {
            const float* from = row(column) + points.first;
            for (std::int64_t i = point; i < end; ++i) { inner[i * out.n_column + column] = from[i]; }
        }
    });
    if (at_start) { std::copy_n(inner, out.n_column, out.light.data()); }
    if (at_end) {
        float* last = inner + (points.size() - 1) * out.n_column;
        std::copy_n(last, out.n_column, last + out.n_column);
    }
    return out;
}

} // namespace

Spectra Spectra::of_nodes(const ssp::Library& library, const std::vector<std::int32_t>& nodes, PointRange points,
                          double beyond, const device::Host& where) {
    return from_rows(
        library.wavelength, points, beyond, static_cast<std::int64_t>(nodes.size()),
        [&](std::int64_t column) { return library.nodes().row(nodes[static_cast<std::size_t>(column)]); }, where);
}

Spectra Spectra::outline_of_nodes(const ssp::Library& library, const std::vector<std::int32_t>& nodes,
                                  PointRange points, double beyond) {
    return outline(library.wavelength, points, beyond, static_cast<std::int64_t>(nodes.size()));
}

Spectra Spectra::of_basis(const ssp::Library& library, const ssp::Compression& compression, PointRange points,
                          double beyond, const device::Host& where) {
    return from_rows(
        library.wavelength, points, beyond, compression.rank,
        [&](std::int64_t column) { return compression.basis.data() + column * library.n_wave(); }, where);
}

} // namespace tessera
