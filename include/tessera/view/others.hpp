#pragma once

#include "tessera/device/device.hpp"
#include "tessera/particles/stars.hpp"
#include "tessera/view/matrix.hpp"

namespace tessera {

/// Adds the expansion of space between a star and the galaxy's centre to its velocity: v + H x.
/// @param stars   relative to the galaxy, physical kpc and peculiar km/s
/// @param hubble  H at the snapshot, km/s/Mpc
void add_hubble_flow(const device::Host& where, Stars& stars, double hubble);

/// Puts `more` behind the stars, array by array, each freed when it is copied. Both have rows, or neither.
void append(Stars& stars, Stars&& more);

/// Keeps the stars within `half_depth` of the centre along the line of sight, in their order.
/// @param stars     relative to the galaxy, not rotated yet
/// @param rotation  x' = x M; the line of sight is z'
/// @param half_depth  kpc; a star at just this distance stays
void keep_depth(Stars& stars, const Matrix3& rotation, double half_depth);

} // namespace tessera
