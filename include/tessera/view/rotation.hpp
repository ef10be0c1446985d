#pragma once

#include <cstdint>
#include <optional>

#include "tessera/device/device.hpp"
#include "tessera/particles/stars.hpp"
#include "tessera/view/options.hpp"

namespace tessera {

class Communicator;

/// The rotation of a view, x' = x · matrix and v' = v · matrix, and what it was derived from.
struct Rotation {
    Matrix3 matrix;
    RotationKind kind = RotationKind::none;
    bool mirror = false;         ///< determinant -1: the image is a mirror image (only where allowed)
    double half_mass_radius = 0; ///< kpc; face-on and edge-on only
    Vector3 moments{};           ///< of inertia within it, ascending, Msun kpc^2; face-on and edge-on only
    Vector3 normal{};            ///< disc normal in the frame before rotation, along the angular momentum; likewise
};

/// Checks what can be checked without stars; `config check` calls it, `find_rotation` too.
/// @throws Error(Kind::config)  a matrix whose rows are not orthonormal to 1e-6; one with determinant -1 unless allow_mirror
///                              (RUBIX's alignment makes such; then a warning)
void check_rotation(const RotationChoice& rotation, bool allow_mirror);

/// The rotation's matrix, where the options alone give it; nullopt for face-on and edge-on, which the stars decide.
std::optional<Matrix3> known_rotation(const ViewOptions& options, std::uint64_t galaxy);

/// Radius of the sphere about the origin that holds half the mass (now) of the stars of all ranks: the distance, rounded to
/// float, of the star with which the mass counted outwards reaches half; 0 without mass. Collective; the same for any number of ranks. kpc
double half_mass_radius(const device::Host& where, const Stars& stars, Communicator& comm);

/// The rotation that the options ask for; collective, bit for bit the same for any number of ranks.
///
/// The observer sits at z = -infinity (positive v_z recedes). The disc normal n is the axis of the largest moment of
/// I = Σ m (|x|² 1 - x xᵀ) over the stars within the half-mass radius, of the two directions the one with L · n > 0.
/// - face-on: n → -z, it points to the observer; the axis of the smallest moment → +x or -x.
/// - edge-on: n → +y; the axis of the smallest moment → +x or -x: the side at +x approaches.
/// The major axis points where its largest component in the input's frame is positive. All are proper rotations.
/// - random: uniform on SO(3), by view.seed and `galaxy` (say the subhalo), whatever the stars.
///
/// Axes x, y, z are right-handed with z away from the observer: looking along z with y up, +x lies to the left (East).
/// @param stars  centred, with the systemic velocity removed
/// @throws Error(Kind::config)  see check_rotation
/// @throws Error(Kind::data)    face-on, edge-on: no mass, or all of it at the centre: no axis is defined
Rotation find_rotation(const device::Host& where, const Stars& stars, const ViewOptions& options, bool allow_mirror,
                       std::uint64_t galaxy, Communicator& comm);

/// Positions, and velocities where there are any, times the matrix; in double, rounded to float once.
void rotate(const device::Host& where, Stars& stars, const Matrix3& matrix);
void rotate(const device::Host& where, Gas& gas, const Matrix3& matrix);

} // namespace tessera
