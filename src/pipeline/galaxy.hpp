#pragma once

#include "pipeline/plan.hpp"
#include "tessera/view/centre.hpp"
#include "tessera/view/projection.hpp"
#include "tessera/view/rotation.hpp"
#include "tessera/view/spaxel_stars.hpp"

namespace tessera {

/// This rank's particles, centred and turned, and where they fall on the sky.
struct Galaxy {
    Stars stars;                  ///< until they are ordered; then only the rows, where the stages are wanted
    SpaxelStars sky;              ///< the stars on the field and its margin, ordered by spaxel
    std::vector<double> gas_mass; ///< [spaxel with the margin] Msun, of all ranks; empty where no gas is read
    ReadReport report;
    Centre centre;
    Rotation rotation;
    Projection projection; ///< `spaxel` only where the stages are wanted
};

/// Reads the stars relative to the centre where it is known, else to a point inside the galaxy. Collective.
Vector3 read_stars(const Plan& plan, Galaxy& galaxy);

/// Centre, systemic velocity, rotation. Collective.
void orient(const Plan& plan, const Vector3& origin, Galaxy& galaxy, Communicator& comm);

/// Spaxel of each star, and the stars in the order of their spaxels; an empty field is an error unless the user asked for zeros. Collective.
void project_stars(const Plan& plan, Galaxy& galaxy, Communicator& comm);

/// Reads the gas, where there is any and it is wanted, and keeps its mass in each spaxel alone. After the stars were ordered:
/// its cells then lie where positions of stars did. Collective.
void add_gas(const Plan& plan, const Vector3& origin, Galaxy& galaxy, Communicator& comm);

} // namespace tessera
