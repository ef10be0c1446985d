#pragma once

#include <vector>

#include "synthesis/spectra.hpp"
#include "tessera/device/device.hpp"

namespace tessera {

/// How well approximations show each node of the library in the telescope's pixels: rms over the pixels, relative to the
/// node's mean. Light adds up with positive weights (bilinear look-up), so the error of any sum of stars, relative to its mean, is
/// at most the light-weighted mean of its nodes' errors.
/// Likewise the sketch of a node: a few numbers whose sums over nodes tell the error of a mixture, where errors of single nodes
/// mostly cancel. Each is a random signed sum over the pixels; the length of the vector of sums estimates the rms.
/// @par Source  Johnson & Lindenstrauss (1984); signs after Achlioptas (2003), J. Comput. Syst. Sci. 66, 671
inline constexpr int sketch_size = 16;

struct NodeErrors {
    std::vector<double> mean;    ///< [column] Lsun per observed Angstrom per Msun, over the pixels looked at
    std::vector<double> rms;     ///< [column] relative to `mean`; 0 for a dark node
    std::vector<double> largest; ///< [column] largest deviation of a pixel, relative to `mean`
    std::vector<float> sketch;   ///< [column, sketch_size] Lsun per observed Angstrom per Msun; compression only

    /// Every node's error becomes the larger of the two; the means stay.
    void take_larger(const NodeErrors& other);
    double worst_rms() const;
    double worst_pixel() const;
};

/// Pixels to look at: one a pixel that the library covers wholly (the others are flagged, and no measure of anything).
struct PixelChoice {
    const WavelengthGrid& pixels;
    const std::vector<bool>& covered;
    std::int64_t every; ///< every so many blocks of pixels: 1 for all
};

/// Error of stars half-way between two velocity rows, where four-point interpolation is worst.
NodeErrors step_errors(const Spectra& nodes, const PixelChoice& choice, double redshift, double step,
                       const device::Host& where);

/// Error of the basis spectra in place of the nodes. @param nodes  all of them, in the library's order
NodeErrors compression_errors(const Spectra& nodes, const ssp::Compression& compression, const Spectra& basis,
                              const PixelChoice& choice, double redshift, const device::Host& where);

} // namespace tessera
