#pragma once

#include <optional>

#include "pipeline/plan.hpp"

namespace tessera {

/// The cube between and after the instrument's stages: this rank's slab, wavelengths counted in the telescope's band.
struct ObservedCube {
    CubeSlab flux, variance;
    std::optional<CubeSlab> accumulated, psf, lsf; ///< with output.stages
};

/// PSF, then LSF, then noise, on the slab of the summed cube (padded field, plan.pixels). Collective.
ObservedCube observe(const Plan& plan, CubeSlab&& summed, Communicator& comm);

} // namespace tessera
