#pragma once

#include <cstdint>
#include <vector>

#include "synthesis/aligned.hpp"
#include "synthesis/pixel_bands.hpp"
#include "tessera/device/device.hpp"
#include "tessera/ssp/compression.hpp"
#include "tessera/ssp/library.hpp"

namespace tessera {

/// T of the design before it is shifted: rest-frame spectra as columns, wavelength points as rows, so that one Doppler shift
/// of all of them runs along the columns. The columns are nodes of the library, or the basis spectra of a compression.
struct Spectra {
    std::vector<double> wavelength; ///< [point] Angstrom, rest frame
    std::int64_t n_used = 0;        ///< columns that mean something
    std::int64_t n_column = 0;      ///< the same, rounded up to 16: the rest is dark
    AlignedFloats light;            ///< [point, column] Lsun/Angstrom per Msun formed; empty: an outline
    PointRange points;              ///< of the library

    /// Point of the library that the first wavelength is; -1: one before its first.
    std::int64_t first_point() const { return points.first == 0 ? -1 : points.first; }

    /// One column for each of `nodes`, in that order. Where the points reach an end of the library, a point is added that goes on with the
    /// end's light for `beyond` in ln(wavelength): rows faster than any star are interpolated from, and must not be cut off there.
    static Spectra of_nodes(const ssp::Library& library, const std::vector<std::int32_t>& nodes, PointRange points,
                            double beyond, const device::Host& where = {});
    /// The same without light, for an accelerator that has the library itself.
    static Spectra outline_of_nodes(const ssp::Library& library, const std::vector<std::int32_t>& nodes,
                                    PointRange points, double beyond);
    /// One column for each basis spectrum.
    static Spectra of_basis(const ssp::Library& library, const ssp::Compression& compression, PointRange points,
                            double beyond, const device::Host& where = {});
};

/// Columns rounded up to what the kernels work on.
constexpr std::int64_t padded_columns(std::int64_t n) { return (n + 15) / 16 * 16; }

} // namespace tessera
