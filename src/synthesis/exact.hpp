#pragma once

#include "synthesis/templates.hpp"
#include "tessera/synthesis/synthesis.hpp"

namespace tessera {

/// What both resamplings of `exact` share: the stars of one rank and how to look them up.
struct ExactInput {
    const SpaxelStars& stars;
    const ssp::Interpolator& interpolator;
    double redshift;
    Doppler doppler;
    const device::Host& where;
    const Progress& progress;
};

/// Adds every star's spectrum, shifted on the log grid and rebinned to the pixels, to its spaxel.
void exact_conserving(const ExactInput& input, const LogTemplates& templates, const Rebin& rebin, PartialCube& cube);

/// The same in RUBIX's way: sampled at the pixel centres on the library's own wavelengths, rescaled to keep the band's sum.
void exact_rubix(const ExactInput& input, const ssp::Library& library, const WavelengthGrid& pixels, PartialCube& cube);

/// Stars looked up at a time: bounds the memory of their weights.
inline constexpr std::int64_t stars_per_batch = 1 << 16;

} // namespace tessera
