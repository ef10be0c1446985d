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

PixelBands::PixelBands(const std::vector<double>& wavelength, const WavelengthGrid& pixels,
                       std::span<const WaveRange> ranges, double doppler_factor) {
    const auto n_point = static_cast<std::int64_t>(wavelength.size());
    const PixelIntegral integral{wavelength.data(), n_point, pixels.edges.data()};
    // Segments that the edges fall into, in the rest frame: pixels ascend, and so do the segments.
    std::vector<std::int64_t> blue; // of the pixel's blue edge
    for (const WaveRange& range : ranges) {
        if (range.count == 0) { continue; }
        std::int64_t at = -1;
        for (std::int64_t k = range.first; k <= range.end(); ++k) {
            const double edge = integral.rest(pixels.edges[static_cast<std::size_t>(k)], doppler_factor);
            const std::int64_t before = at;
            if (at < 0) { at = integral.segment_at(edge); }
            while (at + 2 < n_point && wavelength[static_cast<std::size_t>(at) + 1] <= edge) { ++at; }
            if (before >= 0) { width = std::max(width, at - before + 2); }
            if (k < range.end()) { blue.push_back(at); }
        }
    }
    width = std::min(width, n_point);
    first.reserve(blue.size());
    weight.assign(blue.size() * static_cast<std::size_t>(width), 0.0F);
    for (const WaveRange& range : ranges) {
        for (std::int64_t k = range.first; k < range.end(); ++k) {
            const std::size_t i = first.size();
            const std::int64_t start = std::min(blue[i], n_point - width);
            first.push_back(static_cast<std::int32_t>(start));
            float* own = weight.data() + i * static_cast<std::size_t>(width);
            integral.weights(k, doppler_factor, blue[i],
                             [&](std::int64_t point, double value) { own[point - start] = static_cast<float>(value); });
        }
    }
}

std::int64_t widest_band(const std::vector<double>& wavelength, const WavelengthGrid& pixels, double lowest_factor,
                         double highest_factor) {
    const auto n_point = static_cast<std::int64_t>(wavelength.size());
    std::int64_t widest = 2;
    std::int64_t first = 0;
    for (std::int64_t k = 0; k < pixels.size(); ++k) {
        const double low = pixels.edges[static_cast<std::size_t>(k)] / highest_factor;
        const double high = pixels.edges[static_cast<std::size_t>(k) + 1] / lowest_factor;
        const double length = pixels.width(k) / lowest_factor;
        while (first + 1 < n_point && wavelength[static_cast<std::size_t>(first) + 1] <= low) { ++first; }
        // A pixel that begins in segment i ends before wavelength[i + 1] + length.
        std::int64_t last = first;
        for (std::int64_t i = first; i + 1 < n_point && wavelength[static_cast<std::size_t>(i)] <= high; ++i) {
            const double end = wavelength[static_cast<std::size_t>(i) + 1] + length;
            last = std::max(last, i);
            while (last + 1 < n_point && wavelength[static_cast<std::size_t>(last)] <= end) { ++last; }
            widest = std::max(widest, last - i + 2);
        }
    }
    return std::min(widest, n_point);
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
