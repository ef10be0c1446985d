#pragma once

#include "view/star_sums.hpp"

namespace tessera {

/// Mass-weighted mean position of all ranks' stars; their total mass must be above 0. Collective.
Vector3 mass_centre(const device::Host& where, const Stars& stars, const StarBounds& bounds, Communicator& comm);

/// Centre by shrinking spheres, see find_centre; the total mass must be above 0. Collective.
Vector3 shrinking_sphere_centre(const device::Host& where, const Stars& stars, const StarBounds& bounds,
                                Communicator& comm);

} // namespace tessera
