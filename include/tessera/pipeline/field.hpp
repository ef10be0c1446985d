#pragma once

#include <array>

#include "tessera/particles/row_index.hpp"
#include "tessera/pipeline/config.hpp"
#include "tessera/view/matrix.hpp"

namespace tessera {

/// Half the field of a cube with the margin that its PSF reaches over, arcsec, along x and y. @throws Error(Kind::config)
std::array<double, 2> field_reach(const Config& config);

/// The box that the stars and gas of a cube come from: the field, and simulation.depth along the line of sight.
/// @param half      of the field with its margin, kpc, along x and y
/// @param depth     kpc
/// @param rotation  x' = x M
FieldBox field_box(const std::array<double, 2>& half, double depth, const Vector3& centre, const Matrix3& rotation);

} // namespace tessera
