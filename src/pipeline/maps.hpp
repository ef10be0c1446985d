#pragma once

#include <vector>

#include "pipeline/galaxy.hpp"
#include "tessera/output/cube_file.hpp"

namespace tessera {

/// Maps of the particles, [y, x] of the field, intrinsic and with the PSF: FLUX, MASS, NPART, VEL, SIGMA, AGE, METAL (the last
/// four weighted by light in the band), GAS_MASS where there is gas. A moment with the PSF is that of the blurred light.
/// NaN where there is no light. Rank 0 has them, the others none: they write nothing of them, and a large field's take memory.
/// Collective. @param sums  over the stars, all ranks; consumed, as the galaxy's gas is
std::vector<CubeMap> make_maps(const Plan& plan, Galaxy& galaxy, SpaxelSums&& sums, Communicator& comm);

/// Sum over the cube's wavelengths of flux times pixel width, [y, x]; the slabs of all ranks together. Collective.
std::vector<double> white_light(const Plan& plan, const CubeSlab& slab, Communicator& comm);

} // namespace tessera
