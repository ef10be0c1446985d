#pragma once

#include <cstdint>
#include <vector>

#include "tessera/cube/grid.hpp"

namespace tessera {

/// R of the design: the integrals of a piecewise linear rest-frame spectrum, Doppler shifted, over the telescope's pixels, as
/// weights of the library's wavelength points. Exact, in closed form; all weights are positive, so light is neither lost nor
/// cancelled. Beyond the library's ends there is no light.
struct PixelBands {
    std::int64_t width = 0;          ///< weights a pixel, the same for all (padded with zeros)
    std::vector<std::int32_t> first; ///< [pixel] point that the first weight belongs to
    std::vector<float> weight;       ///< [pixel, width] per observed Angstrom

    /// Pixels [begin, end) seen by a source with that Doppler factor (redshift included).
    /// @param wavelength  the library's points, ascending, Angstrom; at least `width` of them
    /// @par Cost  one pass over the points below the pixels
    PixelBands(const std::vector<double>& wavelength, const WavelengthGrid& pixels, std::int64_t begin,
               std::int64_t end, double doppler_factor);
};

/// Points [first, end) of the library that pixels can read for ln Doppler factors (relative to rest) within ± largest_shift.
struct PointRange {
    std::int64_t first = 0, end = 0;
    std::int64_t size() const { return end - first; }
};
PointRange points_read(const std::vector<double>& wavelength, const WavelengthGrid& pixels, double redshift,
                       double largest_shift);

} // namespace tessera
