#pragma once

#include "tessera/particles/snapshot.hpp"
#include "tessera/view/options.hpp"
#include "view/star_sums.hpp"

namespace tessera {

struct SystemicVelocity {
    Vector3 velocity{}; ///< km/s
    VelocityKind from = VelocityKind::point;
    std::int64_t n_star = 0; ///< stars it was made from; 0 when given
};

/// The galaxy's own velocity, see find_centre. @param centre  relative to the origin of the stars' positions
SystemicVelocity systemic_velocity(const device::Host& where, const Stars& stars, const Vector3& centre,
                                   const StarBounds& bounds, const GalaxyOptions& options, const SnapshotInfo& info,
                                   Communicator& comm);

} // namespace tessera
