#include "tessera/view/centre.hpp"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>

#include "tests/support/test_support.hpp"
#include "tests/view/galaxies.hpp"

namespace tessera {
namespace {

using testing::HasSubstr;

constexpr device::Host one_thread{};
constexpr Vector3 true_centre{3, -2, 5};       // relative to the origin of positions
constexpr Vector3 true_velocity{100, -50, 30}; // km/s
constexpr Vector3 origin{12459.5, 58536.25, 54072.125};

/// A disc off the origin and a satellite of a tenth of its stars, 60 kpc away, that drags means but not dense centres.
Stars galaxy_with_satellite() {
    Stars all = test::disc(1500, euler_matrix({30, 40, 50}), true_centre, true_velocity);
    const Stars satellite = test::disc(150, {}, {60, 20, 10}, {-300, 0, 0});
    for (std::int64_t i = 0; i < satellite.size(); ++i) {
        const auto k = static_cast<std::size_t>(i);
        test::append(all, {satellite.x[k], satellite.y[k], satellite.z[k]},
                     {satellite.vx[k], satellite.vy[k], satellite.vz[k]}, satellite.mass[k]);
    }
    return all;
}

GalaxyOptions options_for(CentreKind centre, VelocityKind velocity, double radius = 10) {
    GalaxyOptions options;
    options.centre.kind = centre;
    options.velocity.kind = velocity;
    options.velocity_radius = radius;
    return options;
}

Centre found_in(const Stars& all, const GalaxyOptions& options, const SnapshotInfo& info = {},
                const Vector3& from = origin) {
    return find_centre(one_thread, test::share(all, test::world()), from, options, info, test::world());
}

double slow_median(std::vector<float> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : 0.5 * (static_cast<double>(values[half - 1]) + values[half]);
}

long double slow_mean(const std::vector<float>& values, const std::vector<float>& weights) {
    long double sum = 0, weight = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        sum += static_cast<long double>(weights[i]) * values[i];
        weight += weights[i];
    }
    return sum / weight;
}

void expect_near(const Vector3& found, const Vector3& expected, double tolerance) {
    for (std::size_t d = 0; d < 3; ++d) { EXPECT_NEAR(found[d], expected[d], tolerance) << "component " << d; }
}

Vector3 plus(const Vector3& a, const Vector3& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }

TEST(FindCentre, MassIsTheWeightedMean) {
    const Stars all = galaxy_with_satellite();
    const Centre centre = found_in(all, options_for(CentreKind::mass, VelocityKind::median, 30));
    const Vector3 expected{static_cast<double>(slow_mean(all.x, all.mass)),
                           static_cast<double>(slow_mean(all.y, all.mass)),
                           static_cast<double>(slow_mean(all.z, all.mass))};
    expect_near(centre.position, plus(origin, expected), 5e-11); // rounding of the sum with the origin, 5e4 kpc
    EXPECT_EQ(centre.position_from, CentreKind::mass);
}

TEST(FindCentre, MedianIsTheMedianOfEachCoordinate) {
    const Stars all = galaxy_with_satellite();
    const Centre centre = found_in(all, options_for(CentreKind::median, VelocityKind::median));
    EXPECT_EQ(centre.position, plus(origin, {slow_median(all.x), slow_median(all.y), slow_median(all.z)}));
}

// The slow version of what the header says, on one array.
TEST(FindCentre, ShrinkingSphereEqualsTheSlowFormula) {
    const Stars all = galaxy_with_satellite();
    Vector3 c{static_cast<double>(slow_mean(all.x, all.mass)), static_cast<double>(slow_mean(all.y, all.mass)),
              static_cast<double>(slow_mean(all.z, all.mass))};
    const auto distance = [&](std::size_t i) { return std::hypot(all.x[i] - c[0], all.y[i] - c[1], all.z[i] - c[2]); };
    std::vector<std::size_t> inside(all.x.size());
    double radius = 0;
    for (std::size_t i = 0; i < inside.size(); ++i) {
        inside[i] = i;
        radius = std::max(radius, distance(i));
    }
    for (;;) {
        radius *= 0.975;
        std::erase_if(inside, [&](std::size_t i) { return distance(i) > radius; });
        if (inside.size() < 100) { break; }
        long double sum[4] = {};
        for (const std::size_t i : inside) {
            sum[0] += all.mass[i];
            sum[1] += static_cast<long double>(all.mass[i]) * all.x[i];
            sum[2] += static_cast<long double>(all.mass[i]) * all.y[i];
            sum[3] += static_cast<long double>(all.mass[i]) * all.z[i];
        }
        for (std::size_t d = 0; d < 3; ++d) { c[d] = static_cast<double>(sum[d + 1] / sum[0]); }
    }
    const Centre centre = found_in(all, options_for(CentreKind::shrinking_sphere, VelocityKind::median));
    expect_near(centre.position, plus(origin, c), 5e-11);
    expect_near(centre.position, plus(origin, true_centre), 0.3); // 100 stars of a disc of 3 kpc: within their scatter
}

TEST(FindCentre, GivenAndFileCentresAreTakenAsTheyAre) {
    const Stars all = galaxy_with_satellite();
    GalaxyOptions options = options_for(CentreKind::point, VelocityKind::point);
    options.centre.point = plus(origin, true_centre);
    options.velocity.point = {1, 2, 3};
    const Centre given = found_in(all, options);
    EXPECT_EQ(given.position, plus(origin, true_centre));
    EXPECT_EQ(given.velocity, (Vector3{1, 2, 3}));
    EXPECT_EQ(given.n_velocity_star, 0);
    EXPECT_EQ(known_centre(options, {}), plus(origin, true_centre));

    SnapshotInfo info;
    info.galaxy.centre = plus(origin, {4, -2, 5});
    info.galaxy.velocity = Vector3{7, 8, 9};
    const Centre file = found_in(all, options_for(CentreKind::file, VelocityKind::file), info);
    EXPECT_EQ(file.position, *info.galaxy.centre);
    EXPECT_EQ(file.velocity, *info.galaxy.velocity);
}

TEST(FindCentre, AutomaticTakesTheFileElseShrinkingSphereAndMedian) {
    const Stars all = galaxy_with_satellite();
    const GalaxyOptions automatic = options_for(CentreKind::automatic, VelocityKind::automatic);
    const Centre stars = found_in(all, automatic);
    EXPECT_EQ(stars.position_from, CentreKind::shrinking_sphere);
    EXPECT_EQ(stars.velocity_from, VelocityKind::median);
    EXPECT_FALSE(known_centre(automatic, {}));
    SnapshotInfo info;
    info.galaxy.centre = plus(origin, true_centre);
    info.galaxy.velocity = true_velocity;
    const Centre file = found_in(all, automatic, info);
    EXPECT_EQ(file.position_from, CentreKind::file);
    EXPECT_EQ(file.velocity_from, VelocityKind::file);
    EXPECT_EQ(known_centre(automatic, info), info.galaxy.centre);
}

TEST(FindCentre, VelocityIsOfTheStarsWithinTheRadius) {
    const Stars all = galaxy_with_satellite();
    GalaxyOptions options = options_for(CentreKind::point, VelocityKind::median, 5);
    options.centre.point = plus(origin, true_centre);
    Stars inside;
    for (std::size_t i = 0; i < all.x.size(); ++i) {
        if (std::hypot(all.x[i] - true_centre[0], all.y[i] - true_centre[1], all.z[i] - true_centre[2]) < 5) {
            test::append(inside, {}, {all.vx[i], all.vy[i], all.vz[i]}, all.mass[i]);
        }
    }
    ASSERT_GT(inside.size(), 100);
    const Centre median = found_in(all, options);
    EXPECT_EQ(median.velocity, (Vector3{slow_median(inside.vx), slow_median(inside.vy), slow_median(inside.vz)}));
    EXPECT_EQ(median.n_velocity_star, inside.size());
    options.velocity.kind = VelocityKind::mass;
    const Centre mass = found_in(all, options);
    expect_near(mass.velocity,
                {static_cast<double>(slow_mean(inside.vx, inside.mass)),
                 static_cast<double>(slow_mean(inside.vy, inside.mass)),
                 static_cast<double>(slow_mean(inside.vz, inside.mass))},
                1e-10);
    expect_near(mass.velocity, true_velocity, 1e-4); // opposite stars cancel: float rounding of 300 km/s
}

TEST(FindCentre, IsTheSameBitForBitForAnyNumberOfRanksAndThreads) {
    const Stars all = galaxy_with_satellite();
    const auto self = make_self_communicator();
    for (const CentreKind centre : {CentreKind::mass, CentreKind::median, CentreKind::shrinking_sphere}) {
        for (const VelocityKind velocity : {VelocityKind::median, VelocityKind::mass}) {
            const GalaxyOptions options = options_for(centre, velocity, 30);
            const Centre alone = find_centre(one_thread, all, origin, options, {}, *self);
            const Centre shared = find_centre(test::threads_on(test::world()), test::share(all, test::world()), origin,
                                              options, {}, test::world());
            EXPECT_EQ(shared.position, alone.position) << word_of(centre);
            EXPECT_EQ(shared.velocity, alone.velocity) << word_of(velocity);
        }
    }
}

TEST(FindCentre, ShrinkingSpheresOfManyStarsAreThoseOfFew) {
    // 70,000 stars on one rank are marked, then copied; in shares below 65,536 they are copied at once.
    Stars all = test::disc(70000, {}, true_centre, true_velocity);
    const auto self = make_self_communicator();
    const GalaxyOptions options = options_for(CentreKind::shrinking_sphere, VelocityKind::median, 30);
    const Centre alone = find_centre({3}, all, origin, options, {}, *self);
    const Centre shared = find_centre(one_thread, test::share(all, test::world()), origin, options, {}, test::world());
    EXPECT_EQ(shared.position, alone.position);
    EXPECT_EQ(shared.velocity, alone.velocity);
    expect_near(alone.position, {origin[0] + true_centre[0], origin[1] + true_centre[1], origin[2] + true_centre[2]},
                0.2); // the innermost 100 of the disc
}

TEST(FindCentre, WorksWithOneStarAndWithStarsInOnePlace) {
    for (const int n : {1, 2, 300}) {
        Stars all;
        for (int i = 0; i < n; ++i) { test::append(all, {0.1, 0.2, 0.3}, {1, 2, 3}, 1e5); }
        for (const CentreKind kind : {CentreKind::mass, CentreKind::median, CentreKind::shrinking_sphere}) {
            const Centre centre = found_in(all, options_for(kind, VelocityKind::median), {}, {0, 0, 0});
            expect_near(centre.position, {0.1, 0.2, 0.3}, 2e-8); // float positions
            EXPECT_EQ(centre.velocity, (Vector3{1, 2, 3}));
        }
    }
}

TEST(Recentre, StarsAndGasAreRelativeToTheGalaxyAndRoundedOnce) {
    Stars stars = test::disc(50, {}, true_centre, true_velocity);
    const Stars before = stars;
    Gas gas;
    gas.x = {4};
    gas.y = {-1};
    gas.z = {5};
    gas.vx = {101};
    gas.vy = {-50};
    gas.vz = {31};
    Centre centre;
    centre.position = plus(origin, true_centre);
    centre.velocity = true_velocity;
    recentre(one_thread, stars, origin, centre, std::nullopt);
    recentre(test::threads_on(test::world()), gas, origin, centre, std::nullopt);
    for (std::size_t i = 0; i < stars.x.size(); ++i) {
        EXPECT_EQ(stars.x[i], static_cast<float>(before.x[i] - true_centre[0]));
        EXPECT_EQ(stars.vy[i], static_cast<float>(before.vy[i] - true_velocity[1]));
    }
    EXPECT_EQ(gas.x[0], 1.0F);
    EXPECT_EQ(gas.y[0], 1.0F);
    EXPECT_EQ(gas.z[0], 0.0F);
    EXPECT_EQ(gas.vz[0], 1.0F);
}

// A galaxy on the corner of the box, its origin given on one side of the edge and its centre on the other.
TEST(Recentre, TheNearestPeriodicImageIsTaken) {
    SnapshotInfo info;
    info.box_size = 1000.0;
    GalaxyOptions options = options_for(CentreKind::point, VelocityKind::point);
    options.centre.point = {999.5, 0.5, 500};
    Stars all;
    test::append(all, {-2, -1, 0}, {}, 1); // relative to the origin below: at 999, 999 of the box
    test::append(all, {1, 2, 0}, {}, 1);
    const Vector3 from{1, 0, 500};
    const Centre centre = found_in(all, options, info, from);
    recentre(one_thread, all, from, centre, info.box_size);
    EXPECT_EQ(all.x, (std::vector<float>{-0.5F, 2.5F}));
    EXPECT_EQ(all.y, (std::vector<float>{-1.5F, 1.5F}));

    Stars far; // a star that is nearer round the other side once the centre is known
    test::append(far, {499, 0, 0}, {}, 1);
    recentre(one_thread, far, from, centre, info.box_size);
    EXPECT_EQ(far.x[0], -499.5F);
}

struct Failure {
    Kind kind;
    std::string text;
};

Failure failure_of(const Stars& all, const GalaxyOptions& options, const SnapshotInfo& info = {}) {
    const auto error = test::error_of([&] { found_in(all, options, info); });
    if (!error) { return {Kind::internal, "no error"}; }
    return {error->kind(), error->what()};
}

TEST(FindCentre, CentreOutsideTheStarsIsADataErrorThatNamesBoth) {
    const Stars all = galaxy_with_satellite();
    GalaxyOptions options = options_for(CentreKind::point, VelocityKind::median);
    options.centre.point = {12.4595, 58.536, 54.072}; // Mpc for kpc
    const Failure failure = failure_of(all, options);
    EXPECT_EQ(failure.kind, Kind::data);
    EXPECT_THAT(failure.text, HasSubstr("[12.4595, 58.536, 54.072]"));
    EXPECT_THAT(failure.text, HasSubstr("bounding box"));
    SnapshotInfo info;
    info.description = "a cut-out";
    info.galaxy.centre = Vector3{0, 0, 0};
    EXPECT_EQ(failure_of(all, options_for(CentreKind::automatic, VelocityKind::median), info).kind, Kind::data);
}

TEST(FindCentre, AGivenCentreBesideTheStarsIsTheUsersChoice) {
    Stars all;
    test::append(all, {0.3, -0.2, 0.1}, {1, 1, 1}, 1); // one star: a box without size
    GalaxyOptions options = options_for(CentreKind::point, VelocityKind::point);
    options.centre.point = origin;
    EXPECT_EQ(failure_of(all, options).text, "no error");
    options.centre.point = plus(origin, {0, 12, 0});
    EXPECT_EQ(failure_of(all, options).kind, Kind::data);
}

TEST(FindCentre, NoStarWithinTheVelocityRadiusIsADataErrorWithTheNearestDistance) {
    Stars all;
    for (const double x : {-3.0, 3.0}) { test::append(all, {x, x, x}, {1, 1, 1}, 1); }
    for (const VelocityKind kind : {VelocityKind::automatic, VelocityKind::median, VelocityKind::mass}) {
        const Failure failure = failure_of(all, options_for(CentreKind::mass, kind, 4));
        EXPECT_EQ(failure.kind, Kind::data);
        EXPECT_THAT(failure.text, HasSubstr("velocity_radius"));
        EXPECT_THAT(failure.text, HasSubstr("within 4 kpc"));
        EXPECT_THAT(failure.text, HasSubstr("5.196")); // 3 √3
    }
}

TEST(FindCentre, FileWithoutCentreOrVelocityIsAConfigurationError) {
    const Stars all = galaxy_with_satellite();
    SnapshotInfo info;
    info.description = "plain file stars.hdf5";
    const Failure centre = failure_of(all, options_for(CentreKind::file, VelocityKind::median), info);
    EXPECT_EQ(centre.kind, Kind::config);
    EXPECT_THAT(centre.text, HasSubstr("galaxy.centre: file"));
    EXPECT_THAT(centre.text, HasSubstr("plain file stars.hdf5"));
    const Failure velocity = failure_of(all, options_for(CentreKind::mass, VelocityKind::file), info);
    EXPECT_EQ(velocity.kind, Kind::config);
    EXPECT_THAT(velocity.text, HasSubstr("galaxy.velocity: file"));
}

TEST(FindCentre, NoStarOrNoMassIsADataError) {
    const Failure none = failure_of({}, options_for(CentreKind::mass, VelocityKind::median));
    EXPECT_EQ(none.kind, Kind::data);
    EXPECT_THAT(none.text, HasSubstr("no star"));
    Stars massless;
    for (int i = 0; i < 9; ++i) { test::append(massless, {}, {}, 0); }
    for (const CentreKind kind : {CentreKind::mass, CentreKind::shrinking_sphere}) {
        const Failure failure = failure_of(massless, options_for(kind, VelocityKind::median));
        EXPECT_EQ(failure.kind, Kind::data);
        EXPECT_THAT(failure.text, HasSubstr("9 stars of mass 0"));
    }
    const Failure velocity = failure_of(massless, options_for(CentreKind::median, VelocityKind::mass));
    EXPECT_EQ(velocity.kind, Kind::data);
    EXPECT_THAT(velocity.text, HasSubstr("galaxy.velocity: mass"));
}

} // namespace
} // namespace tessera
