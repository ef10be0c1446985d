#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "pipeline/plan.hpp"
#include "tessera/view/centre.hpp"
#include "tessera/view/projection.hpp"
#include "tessera/view/rotation.hpp"

namespace tessera {

/// This rank's particles, centred and turned, and where they fall on the sky.
struct Galaxy {
    Stars stars;                  ///< until they are ordered; then only the rows, where the stages are wanted
    std::vector<double> gas_mass; ///< [spaxel with the margin] Msun, of all ranks; empty where no gas is read
    ReadReport report;
    std::int64_t n_other = 0; ///< of the stars read those that are not the subhalo's own, over all ranks
    Centre centre;
    Rotation rotation;
    Projection projection;                      ///< `spaxel` only where the stages are wanted
    Reduction reduction = Reduction::automatic; ///< where the stars decided it; the plan's where the reason is empty
    std::string reduction_reason;
};

/// Reads the stars relative to the centre where it is known, else to a point inside the galaxy. Collective.
Vector3 read_stars(const Plan& plan, Galaxy& galaxy);

/// Finds centre, systemic velocity and rotation, and brings the stars to the centre. Collective.
void orient(const Plan& plan, const Vector3& origin, Galaxy& galaxy, Communicator& comm);

/// With simulation.depth: the stars that are not the subhalo's own, as they lie in the field about it, and none beyond the depth; after
/// orient, which asks the subhalo's own stars alone. Collective.
void add_others(const Plan& plan, Galaxy& galaxy, Communicator& comm);

/// Says how many stars fell where.
/// @throws Error(Kind::data)  none on the field, unless the user asked for zeros
void check_field(const Plan& plan, const Projection& projection);

/// Frees arrays.
void drop(std::initializer_list<std::vector<float>*> arrays);

/// Reads the gas, where there is any and it is wanted, and keeps its mass in each spaxel alone; with simulation.depth that of others in the
/// field as well, and none beyond the depth. After the stars were ordered:
/// its cells then lie where positions of stars did. Collective.
void add_gas(const Plan& plan, const Vector3& origin, Galaxy& galaxy, Communicator& comm);

} // namespace tessera
