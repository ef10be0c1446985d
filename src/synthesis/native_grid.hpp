#pragma once

#include <cstdint>
#include <vector>

#include "synthesis/rubix_kernels.hpp"
#include "tessera/cube/grid.hpp"
#include "tessera/ssp/library.hpp"

namespace tessera {

/// A library's own wavelengths and the pixels, with what does not depend on the star.
struct NativeGrid {
    std::vector<double> rest;       ///< [point + 1] Angstrom; infinity at the end
    std::vector<double> per_width;  ///< [point] 1/Angstrom, of the cell that begins there; 0 of the last
    std::vector<std::int32_t> cell; ///< [entry + 1] at even steps of wavelength; the last cell at the end
    double per_entry = 0;           ///< 1/Angstrom
    std::int32_t most_steps = 0;    ///< from an entry's cell to that of a wavelength in it
    std::vector<double> centre;     ///< [pixel] Angstrom, observed
    std::vector<double> spacing;    ///< [pixel] Angstrom from the centre before; 0 of the first

    NativeGrid(const ssp::Library& library, const WavelengthGrid& pixels);
    NativePoints points() const;
};

} // namespace tessera
