#pragma once

#include "tessera/synthesis/synthesis.hpp"

namespace tessera {

/// `exact` in RUBIX's way: every star sampled at the pixel centres on the library's own wavelengths, rescaled to keep the
/// band's sum, added to its spaxel.
void exact_rubix(const SpaxelStars& stars, const ssp::Library& library, const ssp::Interpolator& interpolator,
                 const WavelengthGrid& pixels, double redshift, Doppler doppler, const device::Host& where,
                 const Progress& progress, PartialCube& cube);

} // namespace tessera
