#include "view/shrinking_sphere.hpp"

#include <vector>

namespace tessera {

namespace {

constexpr double shrink = 0.975;           // Power et al. (2003): 2.5 % a step
constexpr std::int64_t fewest_stars = 100; // below, the centre is shot noise
/// Where so many stars share one place that their number never drops, the sphere has come down to that place.
constexpr double smallest_radius = 1e-7; // of the first sphere: the resolution of float positions

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
    std::vector<std::size_t> inside(stars.x.size()); // stars in the sphere of the last step
    for (std::size_t i = 0; i < inside.size(); ++i) { inside[i] = i; }

    for (double radius = shrink * first_radius; radius > smallest_radius * first_radius; radius *= shrink) {
        std::erase_if(inside, [&](std::size_t i) {
            const Vector3 d = offset_of(stars, i, centre);
            return dot(d, d) > radius * radius;
        });
        const double moment = bounds.mass * radius;
        const auto term = [&](std::int64_t k) {
            const std::size_t i = inside[static_cast<std::size_t>(k)];
            const Vector3 d = offset_of(stars, i, centre);
            const double m = stars.mass[i];
            return std::array<double, 5>{1.0, m, m * d[0], m * d[1], m * d[2]};
        };
        const auto sum = exact_sums<5>(where, static_cast<std::int64_t>(inside.size()),
                                       {1.0, bounds.mass, moment, moment, moment}, bounds.n_star, term, comm);
        if (sum[0] < static_cast<double>(fewest) || !(sum[1] > 0)) { break; }
        for (std::size_t d = 0; d < 3; ++d) { centre[d] += sum[2 + d] / sum[1]; }
    }
    return centre;
}

} // namespace tessera
