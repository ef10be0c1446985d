#include "view/systemic_velocity.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "tessera/core/error.hpp"
#include "view/order_statistics.hpp"

namespace tessera {

namespace {

/// Which of a rank's stars lie within a radius.
struct Core {
    std::vector<std::uint8_t> inside; ///< [star] 1 or 0
    std::int64_t n_star = 0;          ///< over all ranks
};

struct Found {
    std::int64_t n = 0;
    double nearest = std::numeric_limits<double>::infinity(); ///< kpc
};

Core core_of(const device::Host& where, const Stars& stars, const Vector3& centre, double radius, Communicator& comm) {
    Core out;
    agree(comm, [&] { out.inside.resize(stars.x.size()); });
    const Found found = device::reduce_blocks(
        where, stars.size(), std::int64_t{1} << 16, Found{},
        [&](std::int64_t first, std::int64_t last) {
            Found part;
            double nearest = std::numeric_limits<double>::infinity(); // squared
            for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
                const Vector3 d = offset_of(stars, i, centre);
                const double square = dot(d, d);
                nearest = std::min(nearest, square);
                out.inside[i] = std::sqrt(square) < radius ? 1 : 0;
                part.n += out.inside[i];
            }
            part.nearest = std::sqrt(nearest);
            return part;
        },
        [](Found& sum, const Found& part) {
            sum.n += part.n;
            sum.nearest = std::min(sum.nearest, part.nearest);
        });
    out.n_star = comm.all_reduce_value(found.n, Op::sum);
    const double nearest = comm.all_reduce_value(found.nearest, Op::min);
    if (out.n_star > 0) { return out; }
    throw Error(
        {.kind = Kind::data,
         .where = "galaxy.velocity_radius",
         .found = fmt::format("no star within {} kpc of the centre, the nearest is at {:.4g} kpc", radius, nearest),
         .expected = "stars within it, to give the galaxy's velocity",
         .cure = fmt::format("Set galaxy.velocity_radius above {:.4g}, check galaxy.centre, or give galaxy.velocity",
                             nearest)});
}

Vector3 mass_velocity(const device::Host& where, const Stars& stars, const Core& core, const StarBounds& bounds,
                      Communicator& comm) {
    const double moment = bounds.mass * bounds.speed;
    const auto term = [&](std::int64_t i) {
        const auto at = static_cast<std::size_t>(i);
        const double m = core.inside[at] != 0 ? stars.mass[at] : 0;
        return std::array<double, 4>{m, m * stars.vx[at], m * stars.vy[at], m * stars.vz[at]};
    };
    const auto sum =
        exact_sums<4>(where, stars.size(), {bounds.mass, moment, moment, moment}, bounds.n_star, term, comm);
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
    const Core core = core_of(where, stars, centre, options.velocity_radius, comm);
    out.n_star = core.n_star;
    if (out.from == VelocityKind::mass) {
        out.velocity = mass_velocity(where, stars, core, bounds, comm);
    } else {
        const auto median = [&](const std::vector<float>& component) {
            return median_of(where, component, core.n_star, comm, core.inside);
        };
        out.velocity = {median(stars.vx), median(stars.vy), median(stars.vz)};
    }
    return out;
}

} // namespace tessera
