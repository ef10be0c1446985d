#include "synthesis/pixel_bands.hpp"

#include <algorithm>
#include <cmath>

namespace tessera {

namespace {

/// Segment [i, i + 1] of the points that holds `at`, the last one for its upper end.
std::int64_t segment_of(const std::vector<double>& wavelength, double at) {
    const auto above = std::upper_bound(wavelength.begin(), wavelength.end(), at) - wavelength.begin();
    return std::clamp<std::int64_t>(above - 1, 0, static_cast<std::int64_t>(wavelength.size()) - 2);
}

} // namespace

PixelBands::PixelBands(const std::vector<double>& wavelength, const WavelengthGrid& pixels, std::int64_t begin,
                       std::int64_t end, double doppler_factor) {
    const auto n = static_cast<std::size_t>(end - begin);
    const auto n_point = static_cast<std::int64_t>(wavelength.size());
    // Edges in the rest frame, and the segments they fall into: pixels ascend, and so do the segments.
    std::vector<double> edge(n + 1);
    std::vector<std::int64_t> segment(n + 1);
    std::int64_t at = -1;
    for (std::size_t k = 0; k <= n; ++k) {
        edge[k] = std::clamp(pixels.edges[static_cast<std::size_t>(begin) + k] / doppler_factor, wavelength.front(),
                             wavelength.back());
        if (at < 0) { at = segment_of(wavelength, edge[k]); }
        while (at + 2 < n_point && wavelength[static_cast<std::size_t>(at) + 1] <= edge[k]) { ++at; }
        segment[k] = at;
    }
    for (std::size_t k = 0; k < n; ++k) { width = std::max(width, segment[k + 1] - segment[k] + 2); }
    width = std::min(width, n_point);
    first.resize(n);
    weight.assign(n * static_cast<std::size_t>(width), 0.0F);
    std::vector<double> sum(static_cast<std::size_t>(width) + 1);
    for (std::size_t k = 0; k < n; ++k) {
        const std::int64_t start = std::min(segment[k], n_point - width);
        first[k] = static_cast<std::int32_t>(start);
        std::fill(sum.begin(), sum.end(), 0.0);
        for (std::int64_t i = segment[k]; i <= segment[k + 1]; ++i) {
            const double low = wavelength[static_cast<std::size_t>(i)];
            const double high = wavelength[static_cast<std::size_t>(i) + 1];
            const double from = std::max(edge[k], low) - low;
            const double to = std::min(edge[k + 1], high) - low;
            if (to <= from) { continue; }
            // The integral of a straight line from f(i) to f(i + 1) over part of the segment.
            const double upper = (to - from) * (to + from) / (2 * (high - low));
            sum[static_cast<std::size_t>(i - start)] += (to - from) - upper;
            sum[static_cast<std::size_t>(i - start) + 1] += upper;
        }
        const double per_angstrom = 1 / pixels.width(begin + static_cast<std::int64_t>(k));
        for (std::size_t t = 0; t < static_cast<std::size_t>(width); ++t) {
            weight[k * static_cast<std::size_t>(width) + t] = static_cast<float>(sum[t] * per_angstrom);
        }
    }
}

PointRange points_read(const std::vector<double>& wavelength, const WavelengthGrid& pixels, double redshift,
                       double largest_shift) {
    const double low = pixels.edges.front() / (1 + redshift) * std::exp(-largest_shift);
    const double high = pixels.edges.back() / (1 + redshift) * std::exp(largest_shift);
    const auto n = static_cast<std::int64_t>(wavelength.size());
    // A point more on either side: the segment that holds the outermost edge.
    return {std::max<std::int64_t>(segment_of(wavelength, low) - 1, 0),
            std::min<std::int64_t>(segment_of(wavelength, high) + 3, n)};
}

} // namespace tessera
