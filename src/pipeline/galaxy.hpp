#pragma once

#include "pipeline/plan.hpp"
#include "tessera/view/centre.hpp"
#include "tessera/view/projection.hpp"
#include "tessera/view/rotation.hpp"

namespace tessera {

/// This rank's particles, centred and turned, and where they fall on the sky.
struct Galaxy {
    Stars stars;
    Gas gas;
    ReadReport report;
    std::uint64_t star_checksum =
        0; ///< of what was read, whatever the number of ranks: two cubes of the same stars agree in it
    Centre centre;
    Rotation rotation;
    Projection projection;

    SynthesisStars synthesis_stars() const { return {stars, projection.spaxel, projection.los_velocity}; }
};

/// Reads the particles relative to the centre where it is known, else to a point inside the galaxy. Collective.
Vector3 read_particles(const Plan& plan, Galaxy& galaxy, Communicator& comm);

/// Centre, systemic velocity, rotation. Collective.
void orient(const Plan& plan, const Vector3& origin, Galaxy& galaxy, Communicator& comm);

/// Spaxel and line-of-sight velocity of each star; an empty field is an error unless the user asked for zeros. Collective.
void project_stars(const Plan& plan, Galaxy& galaxy, Communicator& comm);

} // namespace tessera
