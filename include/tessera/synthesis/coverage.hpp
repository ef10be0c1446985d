#pragma once

#include "tessera/cube/grid.hpp"
#include "tessera/ssp/library.hpp"

namespace tessera {

/// Refuses pixels that the library does not wholly cover for stars up to this speed; cheap, so it may come before any star is read.
/// @param speed  km/s along the line of sight, either way
/// @throws Error(Kind::config)  says how many pixels, and between which wavelengths
void check_coverage(const ssp::Library& library, const WavelengthGrid& pixels, double redshift, double speed);

} // namespace tessera
