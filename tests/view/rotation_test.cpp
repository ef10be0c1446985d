#include "tessera/view/rotation.hpp"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>

#include "tessera/core/log.hpp"
#include "tests/support/test_support.hpp"
#include "tests/view/galaxies.hpp"

namespace tessera {
namespace {

using testing::HasSubstr;

constexpr device::Host one_thread{};
constexpr double degree = 3.14159265358979323846 / 180;

ViewOptions view_of(RotationKind kind) {
    ViewOptions options;
    options.rotation.kind = kind;
    return options;
}

Rotation found_for(const Stars& all, const ViewOptions& options, std::uint64_t galaxy = 0, bool allow_mirror = false) {
    return find_rotation(one_thread, test::share(all, test::world()), options, allow_mirror, galaxy, test::world());
}

double angle_between(const Vector3& a, const Vector3& b) {
    return std::atan2(std::sqrt(dot(cross(a, b), cross(a, b))), dot(a, b)) / degree;
}

void expect_proper(const Matrix3& m) {
    const Matrix3 unit = m * transpose(m);
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) { EXPECT_NEAR(unit(i, j), i == j ? 1 : 0, 1e-12); }
    }
    EXPECT_NEAR(determinant(m), 1, 1e-12);
}

Vector3 momentum_of(const Stars& stars) {
    Vector3 sum{};
    for (std::size_t i = 0; i < stars.x.size(); ++i) {
        const Vector3 l = cross({stars.x[i], stars.y[i], stars.z[i]}, {stars.vx[i], stars.vy[i], stars.vz[i]});
        for (std::size_t d = 0; d < 3; ++d) { sum[d] += stars.mass[i] * l[d]; }
    }
    return sum;
}

// Tilts all over the sphere, upside down among them. test::disc turns about +z and is longest along x before the tilt.
TEST(FaceOn, NormalPointsToTheObserverWithinATenthOfADegree) {
    for (const Vector3 angles :
         {Vector3{0, 0, 0}, {40, 25, 70}, {170, 0, 10}, {90, 0, 0}, {0, 90, 45}, {-100, 60, 200}}) {
        const Matrix3 tilt = euler_matrix(angles);
        Stars all = test::disc(20000, tilt);
        const Rotation rotation = found_for(all, view_of(RotationKind::face_on));
        expect_proper(rotation.matrix);
        EXPECT_LT(angle_between(rotation.normal, test::times({0, 0, 1}, tilt)), 0.1);
        EXPECT_LT(angle_between(test::times(rotation.normal, rotation.matrix), {0, 0, -1}),
                  1e-6); // the observer is at z = -inf
        EXPECT_LT(angle_between(test::times(test::times({0, 0, 1}, tilt), rotation.matrix), {0, 0, -1}), 0.1);
        rotate(one_thread, all, rotation.matrix);
        EXPECT_LT(momentum_of(all)[2], 0);
        double xx = 0, yy = 0, zz = 0;
        for (std::size_t i = 0; i < all.x.size(); ++i) {
            xx += all.x[i] * all.x[i];
            yy += all.y[i] * all.y[i];
            zz += all.z[i] * all.z[i];
        }
        EXPECT_GT(xx, 1.5 * yy); // axes 1 : 0.7
        EXPECT_GT(yy, 10 * zz);
    }
}

TEST(EdgeOn, NormalPointsUpAndTheSideAtPlusXApproaches) {
    for (const Vector3 angles : {Vector3{0, 0, 0}, {40, 25, 70}, {170, 0, 10}, {-100, 60, 200}}) {
        const Matrix3 tilt = euler_matrix(angles);
        Stars all = test::disc(20000, tilt);
        const Rotation rotation = found_for(all, view_of(RotationKind::edge_on));
        expect_proper(rotation.matrix);
        EXPECT_LT(angle_between(test::times(test::times({0, 0, 1}, tilt), rotation.matrix), {0, 1, 0}), 0.1);
        rotate(one_thread, all, rotation.matrix);
        EXPECT_GT(momentum_of(all)[1], 0);
        int approaching = 0, right = 0;
        for (std::size_t i = 0; i < all.x.size(); ++i) {
            if (all.x[i] <= 1) { continue; }
            ++right;
            approaching += all.vz[i] < 0 ? 1 : 0;
        }
        EXPECT_GT(approaching, 0.95 * right);
    }
}

TEST(Alignment, SpinOppositeToTheAxisTurnsTheNormalRound) {
    Stars all = test::disc(2000, {});
    const Rotation before = found_for(all, view_of(RotationKind::face_on));
    for (auto* v : {&all.vx, &all.vy, &all.vz}) {
        for (float& component : *v) { component = -component; }
    }
    const Rotation after = found_for(all, view_of(RotationKind::face_on));
    EXPECT_GT(before.normal[2], 0.99);
    for (std::size_t d = 0; d < 3; ++d) { EXPECT_EQ(after.normal[d], -before.normal[d]); }
}

// Stars far out, however many and oblique, have no say: only those within the half-mass radius do.
TEST(Alignment, OnlyStarsWithinTheHalfMassRadiusCount) {
    Stars all = test::disc(2000, {});
    const Rotation alone = found_for(all, view_of(RotationKind::face_on));
    double mass = 0;
    for (const float m : all.mass) { mass += m; }
    test::append(all, {0, 0, 500}, {900, 0, 0}, 0.49 * mass);
    const Rotation with = found_for(all, view_of(RotationKind::face_on));
    EXPECT_LT(with.half_mass_radius, 30);
    EXPECT_GT(with.half_mass_radius, alone.half_mass_radius);
    EXPECT_LT(angle_between(with.normal, {0, 0, 1}), 0.5);
}

TEST(HalfMassRadius, IsTheDistanceOfTheStarThatReachesHalfTheMass) {
    const Stars all = test::disc(1000, {});
    std::vector<std::pair<float, double>> sorted;
    double total = 0;
    for (std::size_t i = 0; i < all.x.size(); ++i) {
        const double x = all.x[i], y = all.y[i], z = all.z[i];
        sorted.emplace_back(static_cast<float>(std::sqrt(x * x + y * y + z * z)), all.mass[i]);
        total += all.mass[i];
    }
    std::sort(sorted.begin(), sorted.end());
    double sum = 0;
    std::size_t i = 0;
    while (sum + sorted[i].second < 0.5 * total) { sum += sorted[i++].second; }
    EXPECT_EQ(half_mass_radius(one_thread, test::share(all, test::world()), test::world()),
              static_cast<double>(sorted[i].first));
    EXPECT_EQ(half_mass_radius(one_thread, {}, test::world()), 0.0);
}

TEST(FindRotation, IsTheSameBitForBitForAnyNumberOfRanksAndThreads) {
    const Stars all = test::disc(3000, euler_matrix({10, 20, 30}));
    const auto self = make_self_communicator();
    for (const RotationKind kind : {RotationKind::face_on, RotationKind::edge_on, RotationKind::random}) {
        const Rotation alone = find_rotation(one_thread, all, view_of(kind), false, 3, *self);
        const Rotation shared = find_rotation(test::threads_on(test::world()), test::share(all, test::world()),
                                              view_of(kind), false, 3, test::world());
        for (int i = 0; i < 3; ++i) {
            for (int j = 0; j < 3; ++j) { EXPECT_EQ(alone.matrix(i, j), shared.matrix(i, j)) << word_of(kind); }
        }
        EXPECT_EQ(alone.half_mass_radius, shared.half_mass_radius);
    }
}

TEST(Random, SeedAndGalaxyDecideTheRotation) {
    ViewOptions options = view_of(RotationKind::random);
    const Matrix3 first = found_for({}, options).matrix;
    expect_proper(first);
    EXPECT_EQ(found_for(test::disc(10, {}), options).matrix(0, 0), first(0, 0)); // whatever the stars
    EXPECT_NE(found_for({}, options, 1).matrix(0, 0), first(0, 0));
    options.seed = 2;
    EXPECT_NE(found_for({}, options).matrix(0, 0), first(0, 0));
}

// The image of z is uniform on the sphere: mean 0 and mean square 1/3, to five standard errors of 4000 galaxies.
TEST(Random, ViewsOfManyGalaxiesCoverTheSphere) {
    constexpr int n = 4000;
    Vector3 mean{}, square{};
    for (int galaxy = 0; galaxy < n; ++galaxy) {
        const Matrix3 m = found_for({}, view_of(RotationKind::random), static_cast<std::uint64_t>(galaxy)).matrix;
        for (int d = 0; d < 3; ++d) {
            mean[static_cast<std::size_t>(d)] += m(2, d) / n;
            square[static_cast<std::size_t>(d)] += m(2, d) * m(2, d) / n;
        }
    }
    for (std::size_t d = 0; d < 3; ++d) {
        EXPECT_NEAR(mean[d], 0, 5 * std::sqrt(1.0 / 3 / n));
        EXPECT_NEAR(square[d], 1.0 / 3, 5 * std::sqrt(4.0 / 45 / n));
    }
}

TEST(Given, AnglesAndMatricesActOnRowVectors) {
    ViewOptions options = view_of(RotationKind::euler);
    options.rotation.angles = {90, 0, 0}; // Rx(90) as a column matrix takes y to z; a row vector goes the other way
    Stars stars;
    test::append(stars, {1, 2, 3}, {4, 5, 6}, 1);
    rotate(one_thread, stars, found_for({}, options).matrix);
    EXPECT_FLOAT_EQ(stars.x[0], 1);
    EXPECT_FLOAT_EQ(stars.y[0], 3);
    EXPECT_FLOAT_EQ(stars.z[0], -2);
    EXPECT_FLOAT_EQ(stars.vy[0], 6);
    EXPECT_FLOAT_EQ(stars.vz[0], -5);
    options = view_of(RotationKind::matrix);
    options.rotation.matrix = matrix_of_columns({0, 1, 0}, {0, 0, 1}, {1, 0, 0}); // x' = old y, y' = old z, z' = old x
    Gas gas;
    gas.x = {1};
    gas.y = {2};
    gas.z = {3};
    gas.vx = {4};
    gas.vy = {5};
    gas.vz = {6};
    rotate(test::threads_on(test::world()), gas, found_for({}, options).matrix);
    EXPECT_EQ((Vector3{gas.x[0], gas.y[0], gas.z[0]}), (Vector3{2, 3, 1}));
    EXPECT_EQ((Vector3{gas.vx[0], gas.vy[0], gas.vz[0]}), (Vector3{5, 6, 4}));
    rotate(one_thread, stars, found_for({}, view_of(RotationKind::none)).matrix);
    EXPECT_FLOAT_EQ(stars.y[0], 3);
}

TEST(Given, MirrorImageIsRefusedUnlessAllowed) {
    ViewOptions options = view_of(RotationKind::matrix);
    options.rotation.matrix(0, 0) = -1;
    const auto error = test::error_of([&] { found_for({}, options); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::config);
    EXPECT_THAT(error->what(), HasSubstr("view.rotation"));
    EXPECT_THAT(error->what(), HasSubstr("mirror"));
    EXPECT_THAT(error->what(), HasSubstr("determinant -1"));
    const int warnings = log::warning_count();
    const Rotation rotation = found_for({}, options, 0, true);
    EXPECT_TRUE(rotation.mirror);
    EXPECT_EQ(log::warning_count(), warnings + 1);
    EXPECT_FALSE(found_for({}, view_of(RotationKind::none)).mirror);
}

TEST(Given, MatrixThatIsNoRotationIsAConfigurationError) {
    for (const double entry : {1.00001, 0.0, 2.0}) {
        RotationChoice choice{.kind = RotationKind::matrix, .angles = {}, .matrix = {}};
        choice.matrix(1, 1) = entry;
        for (const bool allow_mirror : {false, true}) {
            const auto error = test::error_of([&] { check_rotation(choice, allow_mirror); });
            ASSERT_TRUE(error) << entry;
            EXPECT_EQ(error->kind(), Kind::config);
            EXPECT_THAT(error->what(), HasSubstr("orthogonal"));
        }
    }
    RotationChoice close{.kind = RotationKind::matrix, .angles = {}, .matrix = {}};
    close.matrix(1, 1) = 1.0000004; // float32 rounding of a product of matrices
    EXPECT_FALSE(test::error_of([&] { check_rotation(close, false); }));
}

TEST(Alignment, WithoutMassAroundTheCentreThereIsNoAxis) {
    Stars at_centre, massless = test::disc(20, {});
    for (int i = 0; i < 5; ++i) { test::append(at_centre, {0, 0, 0}, {1, 2, 3}, 1e5); }
    std::fill(massless.mass.begin(), massless.mass.end(), 0.0F);
    for (const Stars& all : {at_centre, massless, Stars{}}) {
        for (const RotationKind kind : {RotationKind::face_on, RotationKind::edge_on}) {
            const auto error = test::error_of([&] { found_for(all, view_of(kind)); });
            ASSERT_TRUE(error);
            EXPECT_EQ(error->kind(), Kind::data);
            EXPECT_THAT(error->what(), HasSubstr(word_of(kind)));
            EXPECT_THAT(error->what(), HasSubstr(std::to_string(all.size()) + " stars"));
        }
    }
}

TEST(Alignment, GalaxyWithoutADiscIsAligned_WithAWarning) {
    Stars all; // equal masses on the six ends of a cross: a spherical tensor
    for (const double s : {-1.0, 1.0}) {
        test::append(all, {s, 0, 0}, {0, s, 0}, 1);
        test::append(all, {0, s, 0}, {}, 1);
        test::append(all, {0, 0, s}, {}, 1);
    }
    const int warnings = log::warning_count();
    expect_proper(found_for(all, view_of(RotationKind::face_on)).matrix);
    EXPECT_EQ(log::warning_count(), warnings + 1);
}

} // namespace
} // namespace tessera
