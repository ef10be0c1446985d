#include "view/shrinking_sphere.hpp"

#include <vector>

namespace tessera {

namespace {

constexpr double shrink = 0.975;           // Power et al. (2003): 2.5 % a step
constexpr std::int64_t fewest_stars = 100; // below, the centre is shot noise
/// Where so many stars share one place that their number never drops, the sphere has come down to that place.
constexpr double smallest_radius = 1e-7; // of the first sphere: the resolution of float positions

/// What the spheres need of a star, side by side: they pass over it some hundred times.
struct Member {
    float x, y, z, mass;
};

std::vector<std::vector<Member>> members_of(const Stars& stars, int n_chunk) {
    std::vector<std::vector<Member>> chunks(static_cast<std::size_t>(n_chunk));
    const std::size_t n = stars.x.size();
    for (std::size_t c = 0; c < chunks.size(); ++c) {
        const std::size_t first = n * c / chunks.size(), last = n * (c + 1) / chunks.size();
        chunks[c].reserve(last - first);
        for (std::size_t i = first; i < last; ++i) {
            chunks[c].push_back({stars.x[i], stars.y[i], stars.z[i], stars.mass[i]});
        }
    }
    return chunks;
}

using Sums = std::array<std::int64_t, 5>; // number, and in fixed point mass and the three moments about the centre

/// Drops the members outside the sphere and adds up those that stay.
Sums keep_inside(std::vector<Member>& members, const Vector3& centre, double radius, double mass_scale,
                 double moment_scale) {
    Sums sum{};
    std::size_t kept = 0;
    for (const Member star : members) {
        const double dx = static_cast<double>(star.x) - centre[0], dy = static_cast<double>(star.y) - centre[1],
                     dz = static_cast<double>(star.z) - centre[2];
        if (dx * dx + dy * dy + dz * dz > radius * radius) { continue; }
        members[kept++] = star;
        const double mass = star.mass, weight = mass * moment_scale;
        sum[1] += static_cast<std::int64_t>(mass * mass_scale);
        sum[2] += static_cast<std::int64_t>(weight * dx);
        sum[3] += static_cast<std::int64_t>(weight * dy);
        sum[4] += static_cast<std::int64_t>(weight * dz);
    }
    sum[0] = static_cast<std::int64_t>(kept);
    members.resize(kept);
    return sum;
}

double outermost(const Stars& stars, const Vector3& centre, Communicator& comm) {
    double square = 0;
    for (std::size_t i = 0; i < stars.x.size(); ++i) {
        const Vector3 d = offset_of(stars, i, centre);
        square = std::max(square, dot(d, d));
    }
    return comm.all_reduce_value(std::sqrt(square), Op::max);
}

} // namespace

Vector3 mass_centre(const device::Host& where, const Stars& stars, const StarBounds& bounds, Communicator& comm) {
    const double moment = bounds.mass * bounds.length;
    const auto term = [&](std::int64_t i) {
        const auto at = static_cast<std::size_t>(i);
        const double m = stars.mass[at];
        return std::array<double, 4>{m, m * stars.x[at], m * stars.y[at], m * stars.z[at]};
    };
    const auto sum =
        exact_sums<4>(where, stars.size(), {bounds.mass, moment, moment, moment}, bounds.n_star, term, comm);
    return {sum[1] / sum[0], sum[2] / sum[0], sum[3] / sum[0]};
}

Vector3 shrinking_sphere_centre(const device::Host& where, const Stars& stars, const StarBounds& bounds,
                                Communicator& comm) {
    Vector3 centre = mass_centre(where, stars, bounds, comm);
    const std::int64_t fewest = std::min(fewest_stars, (bounds.n_star + 1) / 2);
    const double first_radius = outermost(stars, centre, comm);
    std::vector<std::vector<Member>> chunks; // stars in the sphere of the last step, a chunk a thread
    agree(comm, [&] { chunks = members_of(stars, where.threads); });

    for (double radius = shrink * first_radius; radius > smallest_radius * first_radius; radius *= shrink) {
        const FixedPoint mass(bounds.mass, bounds.n_star), moment(bounds.mass * radius, bounds.n_star);
        std::int64_t sum[5] = {};
#pragma omp parallel for reduction(+ : sum[ : 5]) num_threads(where.threads) if (where.threads > 1)
        for (std::size_t c = 0; c < chunks.size(); ++c) {
            const Sums own = keep_inside(chunks[c], centre, radius, mass.scale(), moment.scale());
            for (std::size_t k = 0; k < 5; ++k) { sum[k] += own[k]; }
        }
        comm.all_reduce(buffer(std::span<std::int64_t>(sum)), Op::sum);
        if (sum[0] < fewest || sum[1] <= 0) { break; }
        for (std::size_t d = 0; d < 3; ++d) { centre[d] += moment.value(sum[2 + d]) / mass.value(sum[1]); }
    }
    return centre;
}

} // namespace tessera
