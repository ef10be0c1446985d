#include "view/systemic_velocity.hpp"

#include <limits>

#include <fmt/format.h>

#include "tessera/core/error.hpp"
#include "view/order_statistics.hpp"

namespace tessera {

namespace {

/// Velocities and masses of a rank's stars within a radius.
struct Core {
    std::vector<float> vx, vy, vz, mass;
    std::int64_t n_star = 0; ///< over all ranks
};

Core core_of(const Stars& stars, const Vector3& centre, double radius, Communicator& comm) {
    Core out;
    double nearest = std::numeric_limits<double>::infinity();
    agree(comm, [&] {
        for (std::size_t i = 0; i < stars.x.size(); ++i) {
            const Vector3 d = offset_of(stars, i, centre);
            const double distance = std::sqrt(dot(d, d));
            nearest = std::min(nearest, distance);
            if (distance >= radius) { continue; }
            out.vx.push_back(stars.vx[i]);
            out.vy.push_back(stars.vy[i]);
            out.vz.push_back(stars.vz[i]);
            out.mass.push_back(stars.mass[i]);
        }
    });
    out.n_star = comm.all_reduce_value(static_cast<std::int64_t>(out.mass.size()), Op::sum);
    nearest = comm.all_reduce_value(nearest, Op::min);
    if (out.n_star > 0) { return out; }
    throw Error(
        {.kind = Kind::data,
         .where = "galaxy.velocity_radius",
         .found = fmt::format("no star within {} kpc of the centre, the nearest is at {:.4g} kpc", radius, nearest),
         .expected = "stars within it, to give the galaxy's velocity",
         .cure = fmt::format("Set galaxy.velocity_radius above {:.4g}, check galaxy.centre, or give galaxy.velocity",
                             nearest)});
}

Vector3 mass_velocity(const device::Host& where, const Core& core, const StarBounds& bounds, Communicator& comm) {
    const double moment = bounds.mass * bounds.speed;
    const auto term = [&](std::int64_t i) {
        const auto at = static_cast<std::size_t>(i);
        const double m = core.mass[at];
        return std::array<double, 4>{m, m * core.vx[at], m * core.vy[at], m * core.vz[at]};
    };
    const auto sum = exact_sums<4>(where, static_cast<std::int64_t>(core.mass.size()),
                                   {bounds.mass, moment, moment, moment}, bounds.n_star, term, comm);
    if (sum[0] > 0) { return {sum[1] / sum[0], sum[2] / sum[0], sum[3] / sum[0]}; }
    throw Error({.kind = Kind::data,
                 .where = "galaxy.velocity: mass",
                 .found = fmt::format("{} stars of mass 0 within galaxy.velocity_radius", core.n_star),
                 .expected = "masses above 0: they are the weights",
                 .cure = "use galaxy.velocity: median, or give it"});
}

} // namespace

SystemicVelocity systemic_velocity(const device::Host& where, const Stars& stars, const Vector3& centre,
                                   const StarBounds& bounds, const GalaxyOptions& options, const SnapshotInfo& info,
                                   Communicator& comm) {
    SystemicVelocity out;
    out.from = options.velocity.kind;
    if (out.from == VelocityKind::automatic) {
        out.from = info.galaxy.velocity ? VelocityKind::file : VelocityKind::median;
    }
    switch (out.from) {
    case VelocityKind::point: out.velocity = options.velocity.point; return out;
    case VelocityKind::file:
        if (info.galaxy.velocity) {
            out.velocity = *info.galaxy.velocity;
            return out;
        }
        throw Error({.kind = Kind::config,
                     .where = "galaxy.velocity: file",
                     .found = fmt::format("no velocity of the galaxy in {}", info.description),
                     .expected = "an input that knows it (catalogue)",
                     .cure = "Use galaxy.velocity: median, or give [vx, vy, vz] in km/s"});
    case VelocityKind::automatic:
    case VelocityKind::median:
    case VelocityKind::mass: break;
    }
    const Core core = core_of(stars, centre, options.velocity_radius, comm);
    out.n_star = core.n_star;
    if (out.from == VelocityKind::mass) {
        out.velocity = mass_velocity(where, core, bounds, comm);
    } else {
        out.velocity = {median_of(core.vx, core.n_star, comm), median_of(core.vy, core.n_star, comm),
                        median_of(core.vz, core.n_star, comm)};
    }
    return out;
}

} // namespace tessera
