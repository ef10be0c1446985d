#include "view/shrinking_sphere.hpp"

#include <array>
#include <optional>
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

using Sums = std::array<std::int64_t, 5>; // number, and in fixed point mass and the three moments about the centre

/// A sphere, and the factors that make its sums integers.
struct Sphere {
    Vector3 centre;
    double radius, mass_scale, moment_scale;

    /// Adds the star if it lies inside. @return  whether it does
    bool add(float x, float y, float z, float mass_now, Sums& sum) const {
        const double dx = static_cast<double>(x) - centre[0], dy = static_cast<double>(y) - centre[1],
                     dz = static_cast<double>(z) - centre[2];
        if (dx * dx + dy * dy + dz * dz > radius * radius) { return false; }
        const double mass = mass_now, weight = mass * moment_scale;
        ++sum[0];
        sum[1] += static_cast<std::int64_t>(mass * mass_scale);
        sum[2] += static_cast<std::int64_t>(weight * dx);
        sum[3] += static_cast<std::int64_t>(weight * dy);
        sum[4] += static_cast<std::int64_t>(weight * dz);
        return true;
    }
};

/// A rank's stars that were inside every sphere so far. As long as they are many a mark at each star, 1 byte; then, when they
/// are a sixteenth of all, copies of them: 1 byte a star again.
class Inside {
public:
    Inside(const device::Host& where, const Stars& stars) : where_(where), stars_(stars) {
        marks_.assign(stars.x.size(), 1);
        if (stars.size() <= few) { copy(); }
    }

    /// Drops the stars outside the sphere and adds up those that stay. Local, may run out of memory.
    Sums keep(const Sphere& sphere) {
        const auto n = static_cast<std::int64_t>(copied_ ? members_.size() : marks_.size());
        Sums sum = device::reduce_blocks(
            where_, n, grain, Sums{},
            [&](std::int64_t first, std::int64_t last) {
                return copied_ ? keep_members(sphere, first, last) : keep_marked(sphere, first, last);
            },
            [](Sums& all, const Sums& part) {
                for (std::size_t k = 0; k < all.size(); ++k) { all[k] += part[k]; }
            });
        if (!copied_ && sum[0] <= stars_.size() / 16) { copy(); }
        return sum;
    }

private:
    static constexpr std::int64_t few = 65536, grain = 16384;

    Sums keep_marked(const Sphere& sphere, std::int64_t first, std::int64_t last) {
        Sums sum{};
        for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
            if (marks_[i] != 0 && !sphere.add(stars_.x[i], stars_.y[i], stars_.z[i], stars_.mass[i], sum)) {
                marks_[i] = 0;
            }
        }
        return sum;
    }

    /// Members of a block that stay move to its front; the rest of it is marked by a mass below 0.
    Sums keep_members(const Sphere& sphere, std::int64_t first, std::int64_t last) {
        Sums sum{};
        auto kept = static_cast<std::size_t>(first);
        for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last) && members_[i].mass >= 0;
             ++i) {
            const Member star = members_[i];
            if (sphere.add(star.x, star.y, star.z, star.mass, sum)) { members_[kept++] = star; }
        }
        if (kept < static_cast<std::size_t>(last)) { members_[kept].mass = -1; }
        return sum;
    }

    void copy() {
        for (std::size_t i = 0; i < marks_.size(); ++i) {
            if (marks_[i] != 0) { members_.push_back({stars_.x[i], stars_.y[i], stars_.z[i], stars_.mass[i]}); }
        }
        std::vector<std::uint8_t>().swap(marks_);
        copied_ = true;
    }

    device::Host where_;
    const Stars& stars_;
    std::vector<std::uint8_t> marks_; ///< [star] 1 inside
    std::vector<Member> members_;
    bool copied_ = false;
};

double outermost(const device::Host& where, const Stars& stars, const Vector3& centre, Communicator& comm) {
    const double square = device::reduce_blocks(
        where, stars.size(), std::int64_t{1} << 16, 0.0,
        [&](std::int64_t first, std::int64_t last) {
            double largest = 0;
            for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
                const Vector3 d = offset_of(stars, i, centre);
                largest = std::max(largest, dot(d, d));
            }
            return largest;
        },
        [](double& largest, double part) { largest = std::max(largest, part); });
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
    const double first_radius = outermost(where, stars, centre, comm);
    std::optional<Inside> inside;
    agree(comm, [&] { inside.emplace(where, stars); });

    for (double radius = shrink * first_radius; radius > smallest_radius * first_radius; radius *= shrink) {
        const FixedPoint mass(bounds.mass, bounds.n_star), moment(bounds.mass * radius, bounds.n_star);
        Sums sum = inside->keep({centre, radius, mass.scale(), moment.scale()});
        comm.all_reduce(buffer(std::span<std::int64_t>(sum)), Op::sum);
        if (sum[0] < fewest || sum[1] <= 0) { break; }
        for (std::size_t d = 0; d < 3; ++d) { centre[d] += moment.value(sum[2 + d]) / mass.value(sum[1]); }
    }
    return centre;
}

} // namespace tessera
