#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "tessera/core/view.hpp"
#include "tessera/cube/grid.hpp"

namespace tessera {

/// The integral of a piecewise linear rest-frame spectrum over one pixel, for host and device: weights of the library's points.
struct PixelIntegral {
    const double* wavelength; ///< [point] rest frame, ascending, Angstrom
    std::int64_t n_point;
    const double* edge; ///< [pixel + 1] observed, Angstrom

    /// An observed wavelength in the rest frame, no further than the library's ends.
    TESSERA_HD double rest(double observed, double factor) const {
        const double at = observed / factor;
        return at < wavelength[0] ? wavelength[0] : (at > wavelength[n_point - 1] ? wavelength[n_point - 1] : at);
    }
    /// Segment [i, i + 1] of the points that holds a wavelength, the last one for its upper end, the first for what is below.
    TESSERA_HD std::int64_t segment_at(double at) const {
        std::int64_t low = 0;
        std::int64_t high = n_point - 1;
        while (high - low > 1) {
            const std::int64_t middle = (low + high) / 2;
            (wavelength[middle] <= at ? low : high) = middle;
        }
        return low;
    }
    /// emit(point, weight per observed Angstrom) for consecutive points. @param begin  segment of the pixel's blue edge
    template <class Emit>
    TESSERA_HD void weights(std::int64_t pixel, double factor, std::int64_t begin, const Emit& emit) const {
        const double from_edge = rest(edge[pixel], factor);
        const double to_edge = rest(edge[pixel + 1], factor);
        const double per_angstrom = 1 / (edge[pixel + 1] - edge[pixel]);
        double carried = 0; // of this point, from the segment before
        std::int64_t i = begin;
        for (; i + 1 < n_point && (i == begin || wavelength[i] < to_edge); ++i) {
            const double low = wavelength[i];
            const double high = wavelength[i + 1];
            const double from = (from_edge > low ? from_edge : low) - low;
            const double to = (to_edge < high ? to_edge : high) - low;
            if (to <= from) {
                emit(i, carried * per_angstrom);
                carried = 0;
                continue;
            }
            // The integral of a straight line from f(i) to f(i + 1) over part of the segment.
            const double upper = (to - from) * (to + from) / (2 * (high - low));
            emit(i, (carried + ((to - from) - upper)) * per_angstrom);
            carried = upper;
        }
        emit(i, carried * per_angstrom);
    }
};

/// R of the design: the integrals of a piecewise linear rest-frame spectrum, Doppler shifted, over the telescope's pixels, as
/// weights of the library's wavelength points. Exact, in closed form; all weights are positive, so light is neither lost nor
/// cancelled. Beyond the library's ends there is no light.
struct PixelBands {
    std::int64_t width = 0;          ///< weights a pixel, the same for all (padded with zeros)
    std::vector<std::int32_t> first; ///< [pixel] point that the first weight belongs to
    std::vector<float> weight;       ///< [pixel, width] per observed Angstrom

    /// Pixels of some ranges, one after the other, seen by a source with that Doppler factor (redshift included).
    /// @param wavelength  the library's points, ascending, Angstrom; at least `width` of them
    /// @param ranges      ascending
    /// @par Cost  one pass over the points below the pixels of each range
    PixelBands(const std::vector<double>& wavelength, const WavelengthGrid& pixels, std::span<const WaveRange> ranges,
               double doppler_factor);
    /// Pixels [begin, end).
    PixelBands(const std::vector<double>& wavelength, const WavelengthGrid& pixels, std::int64_t begin,
               std::int64_t end, double doppler_factor)
        : PixelBands(wavelength, pixels, std::array{WaveRange{begin, end - begin}}, doppler_factor) {}
};

/// No pixel needs more weights than this for any Doppler factor in that range.
std::int64_t widest_band(const std::vector<double>& wavelength, const WavelengthGrid& pixels, double lowest_factor,
                         double highest_factor);

/// Points [first, end) of the library that pixels can read for ln Doppler factors (relative to rest) within ± largest_shift.
struct PointRange {
    std::int64_t first = 0, end = 0;
    std::int64_t size() const { return end - first; }
};
PointRange points_read(const std::vector<double>& wavelength, const WavelengthGrid& pixels, double redshift,
                       double largest_shift);

} // namespace tessera
