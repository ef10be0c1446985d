#pragma once

#include "synthesis/star_light.hpp"
#include "tessera/synthesis/synthesis.hpp"

namespace tessera {

/// What the report says of the stars, for RUBIX's resampling: all is exact. Collective.
/// @param of_nodes  [node] Lsun per Msun formed in the band of the maps
/// @throws Error(Kind::data)  a star outside the library, and ssp.outside = error
void survey_for_rubix(StarLight& stars, const std::vector<double>& of_nodes, Communicator& comm,
                      SynthesisReport& report);

/// `exact` in RUBIX's way: every star sampled at the pixel centres on the library's own wavelengths, rescaled to keep the
/// band's sum, added to its spaxel.
/// @param cube  all its wavelengths in one block: a star's samples are scaled by their sum
void exact_rubix(const SpaxelStars& stars, const ssp::Library& library, const ssp::Interpolator& interpolator,
                 const WavelengthGrid& pixels, double redshift, Doppler doppler, const device::Host& where,
                 const Progress& progress, BlockedCube& cube);

} // namespace tessera
