#include "synthesis/spectra.hpp"

#include <algorithm>

namespace tessera {

namespace {

/// Rows of a table [row, point] become columns. Blocks of 16 × 16, so that both sides stay in the cache.
template <class Row>
Spectra from_rows(const std::vector<double>& wavelength, PointRange points, std::int64_t n_row, const Row& row) {
    Spectra out;
    out.wavelength.assign(wavelength.begin() + points.first, wavelength.begin() + points.end);
    out.n_used = n_row;
    out.n_column = padded_columns(n_row);
    out.light.assign(static_cast<std::size_t>(points.size() * out.n_column), 0.0F);
    constexpr std::int64_t side = 16;
    for (std::int64_t point = 0; point < points.size(); point += side) {
        const std::int64_t end = std::min(points.size(), point + side);
        for (std::int64_t column = 0; column < n_row; ++column) {
            const float* from = row(column) + points.first;
            for (std::int64_t i = point; i < end; ++i) {
                out.light[static_cast<std::size_t>(i * out.n_column + column)] = from[i];
            }
        }
    }
    return out;
}

} // namespace

Spectra Spectra::of_nodes(const ssp::Library& library, const std::vector<std::int32_t>& nodes, PointRange points) {
    return from_rows(library.wavelength, points, static_cast<std::int64_t>(nodes.size()),
                     [&](std::int64_t column) { return library.nodes().row(nodes[static_cast<std::size_t>(column)]); });
}

Spectra Spectra::of_basis(const ssp::Library& library, const ssp::Compression& compression, PointRange points) {
    return from_rows(library.wavelength, points, compression.rank,
                     [&](std::int64_t column) { return compression.basis.data() + column * library.n_wave(); });
}

} // namespace tessera
