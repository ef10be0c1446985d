#pragma once

#include <cstdint>
#include <optional>

#include "tessera/device/device.hpp"
#include "tessera/particles/snapshot.hpp"
#include "tessera/particles/stars.hpp"
#include "tessera/view/options.hpp"

namespace tessera {

class Communicator;

/// The galaxy's place and motion, and how they were found (never `automatic`).
struct Centre {
    Vector3 position{}; ///< kpc, box frame
    Vector3 velocity{}; ///< km/s, peculiar
    CentreKind position_from = CentreKind::point;
    VelocityKind velocity_from = VelocityKind::point;
    std::int64_t n_velocity_star = 0; ///< stars within velocity_radius that gave the velocity; 0 when it was given
};

/// The centre if it is known without looking at stars (a point, or the input's own): read the particles relative to it.
/// @throws Error(Kind::config)  `file`, but the input has no centre
std::optional<Vector3> known_centre(const GalaxyOptions& options, const SnapshotInfo& info);

/// Centre and systemic velocity of the stars of all ranks; collective, and bit for bit the same for any number of ranks.
/// `mass` weighs with the mass now. `shrinking-sphere`: mass centre of the stars in a sphere about the last centre, the radius
/// shrinking by 2.5 % from the outermost star on, each sphere among the stars of the one before, while 100 stars (or half
/// of all, if fewer) remain. Medians are componentwise, of an even number the mean of the middle two.
/// @param stars   positions relative to `origin` [kpc, box frame], as `Snapshot::read_stars` gives them
/// @throws Error(Kind::config)  `file`, but the input has none
/// @throws Error(Kind::data)    no star; masses all 0; centre farther from the box that the stars fill than its size and 10 kpc; no star within
///                              velocity_radius (the text says how far the nearest is)
/// @par Source  Power et al. (2003), MNRAS 338, 14 (shrinking spheres)
/// @par Cost    a few passes over the stars; shrinking spheres some 200 over fewer and fewer
Centre find_centre(const device::Host& where, const Stars& stars, const Vector3& origin, const GalaxyOptions& options,
                   const SnapshotInfo& info, Communicator& comm);

/// Makes positions, and velocities where there are any, relative to the centre, nearest periodic image; in double, rounded to float once.
void recentre(const device::Host& where, Stars& stars, const Vector3& origin, const Centre& centre,
              std::optional<double> box_size);
void recentre(const device::Host& where, Gas& gas, const Vector3& origin, const Centre& centre,
              std::optional<double> box_size);

} // namespace tessera
