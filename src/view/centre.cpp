#include "tessera/view/centre.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "view/apply.hpp"
#include "view/order_statistics.hpp"
#include "view/shrinking_sphere.hpp"
#include "view/systemic_velocity.hpp"

namespace tessera {

namespace {

std::string text_of(const Vector3& v) { return fmt::format("[{:.6g}, {:.6g}, {:.6g}]", v[0], v[1], v[2]); }

CentreKind resolved(const CentreChoice& choice, const SnapshotInfo& info) {
    if (choice.kind != CentreKind::automatic) { return choice.kind; }
    return info.galaxy.centre ? CentreKind::file : CentreKind::shrinking_sphere;
}

/// b - a, the nearest periodic image.
Vector3 nearest_offset(const Vector3& a, const Vector3& b, std::optional<double> box_size) {
    Vector3 out{};
    for (std::size_t d = 0; d < 3; ++d) {
        out[d] = b[d] - a[d];
        if (box_size) { out[d] -= *box_size * std::nearbyint(out[d] / *box_size); }
    }
    return out;
}

void require_stars(const StarBounds& bounds, const SnapshotInfo& info) {
    if (bounds.n_star > 0) { return; }
    throw Error({.kind = Kind::data,
                 .where = info.description,
                 .found = "no star",
                 .expected = "at least one",
                 .cure = "look at the input with `tessera snapshot info`"});
}

void require_mass(const StarBounds& bounds, const char* key, const std::string& word) {
    if (bounds.mass > 0) { return; }
    throw Error({.kind = Kind::data,
                 .where = fmt::format("{}: {}", key, word),
                 .found = fmt::format("{} stars of mass 0", bounds.n_star),
                 .expected = "masses above 0: they are the weights",
                 .cure = "use the median, or give the value itself"});
}

/// A centre far outside the box that the stars fill comes from a wrong unit, frame or galaxy. @param centre  as the stars: to origin
void require_inside(const device::Host& where, const Stars& stars, const Vector3& centre, const Vector3& origin,
                    CentreKind kind, Communicator& comm) {
    constexpr double least_distance = 10; // kpc
    std::vector<double> edge(6);          // lower edges, and upper ones negated
    const std::vector<float>* components[] = {&stars.x, &stars.y, &stars.z};
    for (std::size_t d = 0; d < 3; ++d) {
        const Extent extent = extent_of(where, *components[d]);
        edge[d] = static_cast<double>(extent.low);
        edge[3 + d] = -static_cast<double>(extent.high);
    }
    comm.all_reduce(edge, Op::min);
    const Vector3 lower{edge[0], edge[1], edge[2]}, upper{-edge[3], -edge[4], -edge[5]};
    // Near misses are the user's choice (a few stars, a galaxy's edge); units gone wrong miss by far more than the box's size.
    double allowed = least_distance;
    for (std::size_t d = 0; d < 3; ++d) { allowed = std::max(allowed, upper[d] - lower[d]); }
    bool inside = true;
    for (std::size_t d = 0; d < 3; ++d) {
        inside = inside && centre[d] >= lower[d] - allowed && centre[d] <= upper[d] + allowed;
    }
    if (inside) { return; }
    const auto in_box = [&](const Vector3& v) {
        return text_of({origin[0] + v[0], origin[1] + v[1], origin[2] + v[2]});
    };
    throw Error(
        {.kind = Kind::data,
         .where = fmt::format("galaxy.centre ({})", word_of(kind)),
         .found = fmt::format("centre {} kpc", in_box(centre)),
         .expected = fmt::format("within {:.3g} kpc of the stars' bounding box, {} to {} kpc", allowed, in_box(lower),
                                 in_box(upper)),
         .cure = "Give the centre in physical kpc in the frame of the input (comoving or h units are a common slip), "
                 "or galaxy.centre: shrinking-sphere"});
}

Vector3 centre_of_stars(const device::Host& where, const Stars& stars, const StarBounds& bounds, CentreKind kind,
                        Communicator& comm) {
    switch (kind) {
    case CentreKind::median:
        return {median_of(where, stars.x, bounds.n_star, comm), median_of(where, stars.y, bounds.n_star, comm),
                median_of(where, stars.z, bounds.n_star, comm)};
    case CentreKind::mass:
        require_mass(bounds, "galaxy.centre", "mass");
        return mass_centre(where, stars, bounds, comm);
    case CentreKind::shrinking_sphere:
        require_mass(bounds, "galaxy.centre", "shrinking-sphere");
        return shrinking_sphere_centre(where, stars, bounds, comm);
    case CentreKind::automatic:
    case CentreKind::point:
    case CentreKind::file: break;
    }
    throw Error({.where = "find_centre", .found = word_of(kind), .expected = "a centre found from stars", .cure = ""});
}

template <class Particles>
void shift(const device::Host& where, Particles& particles, const Vector3& origin, const Centre& centre,
           std::optional<double> box_size) {
    const Vector3 offset = nearest_offset(origin, centre.position, box_size);
    const Vector3& velocity = centre.velocity;
    device::for_each(where, particles.size(), 4096,
                     ShiftVector{{particles.x.data(), particles.y.data(), particles.z.data()},
                                 {offset[0], offset[1], offset[2]},
                                 box_size.value_or(0)});
    device::for_each(where, static_cast<std::int64_t>(particles.vx.size()), 4096,
                     ShiftVector{{particles.vx.data(), particles.vy.data(), particles.vz.data()},
                                 {velocity[0], velocity[1], velocity[2]},
                                 0});
}

} // namespace

std::optional<Vector3> known_centre(const GalaxyOptions& options, const SnapshotInfo& info) {
    const CentreKind kind = resolved(options.centre, info);
    if (kind == CentreKind::point) { return options.centre.point; }
    if (kind != CentreKind::file) { return std::nullopt; }
    if (info.galaxy.centre) { return info.galaxy.centre; }
    throw Error({.kind = Kind::config,
                 .where = "galaxy.centre: file",
                 .found = fmt::format("no centre in {}", info.description),
                 .expected = "an input that knows the galaxy's centre (catalogue, SubhaloData, galaxy group)",
                 .cure = "Use galaxy.centre: shrinking-sphere, or give [x, y, z] in kpc"});
}

Centre find_centre(const device::Host& where, const Stars& stars, const Vector3& origin, const GalaxyOptions& options,
                   const SnapshotInfo& info, Communicator& comm) {
    const StarBounds bounds = star_bounds(where, stars, comm);
    require_stars(bounds, info);
    Centre out;
    out.position_from = resolved(options.centre, info);
    Vector3 offset;
    if (const auto known = known_centre(options, info)) {
        offset = nearest_offset(origin, *known, info.box_size);
        out.position = *known;
    } else {
        offset = centre_of_stars(where, stars, bounds, out.position_from, comm);
        for (std::size_t d = 0; d < 3; ++d) { out.position[d] = origin[d] + offset[d]; }
    }
    require_inside(where, stars, offset, origin, out.position_from, comm);
    const SystemicVelocity velocity = systemic_velocity(where, stars, offset, bounds, options, info, comm);
    out.velocity = velocity.velocity;
    out.velocity_from = velocity.from;
    out.n_velocity_star = velocity.n_star;
    return out;
}

void recentre(const device::Host& where, Stars& stars, const Vector3& origin, const Centre& centre,
              std::optional<double> box_size) {
    shift(where, stars, origin, centre, box_size);
}

void recentre(const device::Host& where, Gas& gas, const Vector3& origin, const Centre& centre,
              std::optional<double> box_size) {
    shift(where, gas, origin, centre, box_size);
}

} // namespace tessera
