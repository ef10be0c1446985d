#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tessera/core/options.hpp"

namespace tessera {

enum class Medium { unknown, air, vacuum };
template <>
struct EnumWords<Medium> {
    static constexpr std::array words{std::pair{Medium::unknown, std::string_view("unknown")},
                                      std::pair{Medium::air, std::string_view("air")},
                                      std::pair{Medium::vacuum, std::string_view("vacuum")}};
};

/// The spaxels of a telescope's field, and a margin of extra spaxels around it whose light the PSF scatters into the field.
/// Edges in kpc on the plane of the sky, galaxy at the origin; x to the right (west to the left is the WCS's business).
struct SpatialGrid {
    std::int64_t n_x = 0, n_y = 0; ///< spaxels of the field, without margin
    std::int64_t margin = 0;       ///< extra spaxels on every side
    double spaxel_size = 0;        ///< arcsec
    double kpc_per_arcsec = 0;
    std::vector<double> x_edges, y_edges; ///< kpc, n + 2 margin + 1, ascending
    bool closed_end = false; ///< the last edge belongs to the last spaxel (RUBIX); else intervals are half-open

    std::int64_t padded_x() const { return n_x + 2 * margin; }
    std::int64_t padded_y() const { return n_y + 2 * margin; }
    std::int64_t n_padded() const { return padded_x() * padded_y(); }
};

/// Field of n_x × n_y spaxels centred on the galaxy, edges exact in double.
SpatialGrid make_spatial_grid(std::int64_t n_x, std::int64_t n_y, double spaxel_size, double kpc_per_arcsec,
                              std::int64_t margin);
/// RUBIX's edges: float32, start −L/2, step L/n, always n + 1 of them; no margin, closed end.
SpatialGrid make_rubix_spatial_grid(std::int64_t n, double field_of_view, double spaxel_size, double kpc_per_arcsec);

/// Pixels along wavelength, observed frame.
struct WavelengthGrid {
    std::vector<double> centres; ///< Angstrom, n
    std::vector<double> edges;   ///< Angstrom, n + 1
    bool logarithmic = false;    ///< equal steps in ln(wavelength)
    Medium medium = Medium::unknown;

    std::int64_t size() const { return static_cast<std::int64_t>(centres.size()); }
    double width(std::int64_t i) const {
        return edges[static_cast<std::size_t>(i) + 1] - edges[static_cast<std::size_t>(i)];
    }
};

/// Channels first + k·step for all k with first + k·step < last; edges half a step to each side.
WavelengthGrid make_linear_wavelengths(double first, double last, double step);
/// Channels first·exp(k·step) below last, step in ln(wavelength); edges half a step to each side in the logarithm.
WavelengthGrid make_logarithmic_wavelengths(double first, double last, double log_step);

/// Consecutive wavelength pixels [first, first + count).
struct WaveRange {
    std::int64_t first = 0, count = 0;
    std::int64_t end() const { return first + count; }
};

/// The pixels that both have; none of them where they do not meet.
WaveRange common(WaveRange a, WaveRange b);

/// The slab of rank r of P: sizes differ by at most one, ranks in order, empty when there are more ranks than pixels.
WaveRange slab_of(std::int64_t n_wave, int rank, int size);

} // namespace tessera
