#pragma once

#include "synthesis/row_weights.hpp"
#include "synthesis/spectra.hpp"
#include "tessera/cube/cube.hpp"

namespace tessera {

/// What is the same for all rows of one kind: their templates, and the pixels they are seen in.
struct RowTemplates {
    const Spectra& spectra;
    VelocityGrid grid;
    const WavelengthGrid& pixels;
    double at_rest; ///< Doppler factor of row 0: 1 + redshift
};

/// cube[spaxel, pixel] += sum over the spaxel's weights of weight · (template seen in the pixel): W · T, R included.
/// Templates are made a panel at a time, for 128 pixels and as many Doppler rows as stay in the level-2 cache, and used by all
/// spaxels before the next. Spaxels with much the same rows are multiplied six at a time, the others one by one, whichever is
/// cheaper (TileKernels::cost_of_single). The order of summation does not depend on threads.
/// @par Cost  weights · pixels multiply-adds, and rows · columns · pixels · (points a pixel) once for the panels
void multiply_rows(const std::vector<RowList>& lists, const RowTemplates& templates, double cost_of_single,
                   const device::Host& where, PartialCube& cube);

} // namespace tessera
