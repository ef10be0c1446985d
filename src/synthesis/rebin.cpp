#include <algorithm>
#include <cmath>

#include "synthesis/log_grid.hpp"

namespace tessera {

namespace {

/// The cumulative at one edge: whole log pixels below `base` - 1, plus three fractions of pixels base - 1, base, base + 1.
struct EdgeWeights {
    std::int64_t base;
    double fraction[3];
};

EdgeWeights edge_weights(const LogGrid& grid, double wavelength) {
    const double position = (std::log(wavelength) - grid.x0) / grid.step;
    const auto base = static_cast<std::int64_t>(std::floor(position));
    const Lagrange4 lagrange = Lagrange4::at(position - static_cast<double>(base));
    // Points base-1 … base+2 of the cumulative: a log pixel counts with the weights of all points above it.
    const double above2 = lagrange.weight[3];
    const double above1 = above2 + lagrange.weight[2];
    const double above0 = above1 + lagrange.weight[1];
    return {base, {above0, above1, above2}};
}

} // namespace

Rebin::Rebin(const LogGrid& grid, const WavelengthGrid& pixels) {
    start_.push_back(0);
    for (std::int64_t k = 0; k < pixels.size(); ++k) {
        const EdgeWeights low = edge_weights(grid, pixels.edges[static_cast<std::size_t>(k)]);
        const EdgeWeights high = edge_weights(grid, pixels.edges[static_cast<std::size_t>(k) + 1]);
        const std::int64_t first = low.base - 1;
        const std::int64_t end = high.base + 2;
        const double per_angstrom = 1.0 / pixels.width(k);
        for (std::int64_t j = first; j < end; ++j) {
            const auto below = [j](const EdgeWeights& edge) {
                if (j < edge.base - 1) { return 1.0; }
                return j > edge.base + 1 ? 0.0 : edge.fraction[j - edge.base + 1];
            };
            weight_.push_back((below(high) - below(low)) * per_angstrom);
        }
        first_.push_back(first);
        start_.push_back(static_cast<std::int64_t>(weight_.size()));
    }
}

} // namespace tessera
