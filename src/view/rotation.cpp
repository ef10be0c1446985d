#include "tessera/view/rotation.hpp"

#include <cmath>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/random.hpp"
#include "view/apply.hpp"
#include "view/order_statistics.hpp"
#include "view/star_sums.hpp"

namespace tessera {

namespace {

constexpr std::uint64_t random_view = 0x76696577; // stream of the random numbers of views ("view")

constexpr Vector3 at_origin{0, 0, 0};

float distance_of(const Stars& stars, std::size_t i) {
    const Vector3 d = offset_of(stars, i, at_origin);
    return static_cast<float>(std::sqrt(dot(d, d)));
}

/// Tensor of inertia and angular momentum of the stars within a radius.
struct Inertia {
    Matrix3 tensor;             // Msun kpc^2
    Vector3 angular_momentum{}; // Msun kpc km/s
};

Inertia inertia_within(const device::Host& where, const Stars& stars, double radius, const StarBounds& bounds,
                       Communicator& comm) {
    const double second = bounds.mass * radius * radius, momentum = 4 * bounds.mass * radius * bounds.speed;
    const auto term = [&](std::int64_t i) -> std::array<double, 9> {
        const auto at = static_cast<std::size_t>(i);
        if (static_cast<double>(distance_of(stars, at)) > radius) { return {}; }
        const double m = stars.mass[at];
        const Vector3 x = offset_of(stars, at, at_origin);
        const Vector3 l = cross(x, {stars.vx[at], stars.vy[at], stars.vz[at]});
        return {m * x[0] * x[0], m * x[1] * x[1], m * x[2] * x[2], m * x[0] * x[1], m * x[0] * x[2],
                m * x[1] * x[2], m * l[0],        m * l[1],        m * l[2]};
    };
    const auto s = exact_sums<9>(where, stars.size(),
                                 {second, second, second, second, second, second, momentum, momentum, momentum},
                                 bounds.n_star, term, comm);
    Inertia out;
    const double rows[3][3] = {{s[1] + s[2], -s[3], -s[4]}, {-s[3], s[0] + s[2], -s[5]}, {-s[4], -s[5], s[0] + s[1]}};
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) { out.tensor(i, j) = rows[i][j]; }
    }
    out.angular_momentum = {s[6], s[7], s[8]};
    return out;
}

Vector3 negative(const Vector3& v) { return {-v[0], -v[1], -v[2]}; }

/// The one of v and -v whose largest component is positive: a definite sign where physics gives none.
Vector3 definite_sign(const Vector3& v) {
    std::size_t largest = 0;
    for (std::size_t d = 1; d < 3; ++d) {
        if (std::abs(v[d]) > std::abs(v[largest])) { largest = d; }
    }
    return v[largest] < 0 ? negative(v) : v;
}

void align(Rotation& out, const device::Host& where, const Stars& stars, Communicator& comm) {
    const StarBounds bounds = star_bounds(where, stars, comm);
    out.half_mass_radius = half_mass_radius(where, stars, comm);
    const Inertia inertia = inertia_within(where, stars, out.half_mass_radius, bounds, comm);
    const SymmetricEigen axes = symmetric_eigen(inertia.tensor);
    out.moments = axes.values;
    if (!(axes.values[2] > 0)) {
        throw Error({.kind = Kind::data,
                     .where = fmt::format("view.rotation: {}", word_of(out.kind)),
                     .found = fmt::format(
                         "{} stars, of which those within the half-mass radius ({:.4g} kpc) have no moment of inertia",
                         bounds.n_star, out.half_mass_radius),
                     .expected = "stars with mass around the centre: their inertia tensor gives the axes",
                     .cure = "Give the rotation as angles or as a matrix, or check galaxy.centre"});
    }
    if (axes.values[2] < 1.01 * axes.values[1]) {
        log::warning(fmt::format("view.rotation: {}: the two largest moments of inertia differ by less than 1 %, "
                                 "the galaxy has no clear disc and its normal is uncertain",
                                 word_of(out.kind)));
    }
    const double along = dot(axes.vectors[2], inertia.angular_momentum);
    const Vector3 normal =
        along == 0 ? definite_sign(axes.vectors[2]) : (along < 0 ? negative(axes.vectors[2]) : axes.vectors[2]);
    const Vector3 major = definite_sign(axes.vectors[0]);
    out.normal = normal;
    if (out.kind == RotationKind::face_on) {
        const Vector3 z = negative(normal);
        out.matrix = matrix_of_columns(major, cross(z, major), z);
    } else {
        out.matrix = matrix_of_columns(major, normal, cross(major, normal));
    }
}

template <class Particles>
void rotate_particles(const device::Host& where, Particles& p, const Matrix3& matrix) {
    device::for_each(where, p.size(), 4096, RotateVector{p.x.data(), p.y.data(), p.z.data(), matrix});
    device::for_each(where, static_cast<std::int64_t>(p.vx.size()), 4096,
                     RotateVector{p.vx.data(), p.vy.data(), p.vz.data(), matrix});
}

} // namespace

void check_rotation(const RotationChoice& rotation, bool allow_mirror) {
    if (rotation.kind != RotationKind::matrix) { return; }
    const Matrix3& m = rotation.matrix;
    const Matrix3 product = m * transpose(m);
    double worst = 0;
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) { worst = std::max(worst, std::abs(product(i, j) - (i == j ? 1.0 : 0.0))); }
    }
    if (!(worst <= 1e-6)) {
        throw Error({.kind = Kind::config,
                     .where = "view.rotation",
                     .found = fmt::format("a matrix M with M · Mᵀ off the unit matrix by {:.3g}", worst),
                     .expected = "a rotation: rows of length 1, orthogonal to 1e-6",
                     .cure = "Give the matrix with at least 7 digits, as rows [[..], [..], [..]]"});
    }
    if (determinant(m) > 0) { return; }
    if (!allow_mirror) {
        throw Error({.kind = Kind::config,
                     .where = "view.rotation",
                     .found = "a matrix with determinant -1",
                     .expected = "a proper rotation, determinant +1: this one makes a mirror image of the galaxy",
                     .cure = "Change the sign of one column (preset: rubix accepts the matrix as it is)"});
    }
    log::warning("view.rotation: the matrix has determinant -1: the image is a mirror image of the galaxy");
}

double half_mass_radius(const device::Host& where, const Stars& stars, Communicator& comm) {
    const StarBounds bounds = star_bounds(where, stars, comm);
    if (!(bounds.mass > 0)) { return 0; }
    // Masses as integers, so that which star reaches half does not depend on the order of summation.
    const double scale = FixedPoint(bounds.mass, bounds.n_star).scale();
    const auto weight = [&](std::int64_t i) {
        return static_cast<std::int64_t>(static_cast<double>(stars.mass[static_cast<std::size_t>(i)]) * scale);
    };
    std::int64_t total = device::reduce_blocks(
        where, stars.size(), std::int64_t{1} << 18, std::int64_t{0},
        [&](std::int64_t first, std::int64_t last) {
            std::int64_t sum = 0;
            for (std::int64_t i = first; i < last; ++i) { sum += weight(i); }
            return sum;
        },
        [](std::int64_t& sum, std::int64_t part) { sum += part; });
    total = comm.all_reduce_value(total, Op::sum);
    const WeightedValues distances{stars.size(),
                                   [&](std::int64_t first, std::int64_t last, float* values, std::int64_t* weights) {
                                       for (std::int64_t i = first; i < last; ++i) {
                                           values[i - first] = distance_of(stars, static_cast<std::size_t>(i));
                                           weights[i - first] = weight(i);
                                       }
                                   }};
    return static_cast<double>(value_at_weight(where, distances, (total - 1) / 2, comm));
}

std::optional<Matrix3> known_rotation(const ViewOptions& options, std::uint64_t galaxy) {
    switch (options.rotation.kind) {
    case RotationKind::none: return Matrix3();
    case RotationKind::euler: return euler_matrix(options.rotation.angles);
    case RotationKind::matrix: return options.rotation.matrix;
    case RotationKind::face_on:
    case RotationKind::edge_on: break;
    case RotationKind::random: {
        const auto seed = static_cast<std::uint64_t>(options.seed);
        const Philox first = Philox::at(seed, random_view, 2 * galaxy),
                     second = Philox::at(seed, random_view, 2 * galaxy + 1);
        return uniform_rotation(first.uniform(0), first.uniform(1), second.uniform(0));
    }
    }
    return std::nullopt;
}

Rotation find_rotation(const device::Host& where, const Stars& stars, const ViewOptions& options, bool allow_mirror,
                       std::uint64_t galaxy, Communicator& comm) {
    check_rotation(options.rotation, allow_mirror);
    Rotation out;
    out.kind = options.rotation.kind;
    if (const auto matrix = known_rotation(options, galaxy)) {
        out.matrix = *matrix;
    } else {
        align(out, where, stars, comm);
    }
    out.mirror = determinant(out.matrix) < 0;
    return out;
}

void rotate(const device::Host& where, Stars& stars, const Matrix3& matrix) { rotate_particles(where, stars, matrix); }
void rotate(const device::Host& where, Gas& gas, const Matrix3& matrix) { rotate_particles(where, gas, matrix); }

} // namespace tessera
