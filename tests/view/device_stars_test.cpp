// The accelerator's way from stars to spaxels against the host's: every array the same, bit for bit.
#include "tessera/view/device_stars.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include <gmock/gmock.h>

#include "tessera/view/rotation.hpp"
#include "tessera/view/star_exchange.hpp"
#include "tests/support/accelerators.hpp"
#include "tests/view/galaxies.hpp"

namespace tessera {
namespace {

struct Sky {
    SpaxelStars stars;
    Projection projection;
};

Sky on_host(Stars stars, const Matrix3& rotation, const SpatialGrid& grid) {
    Sky sky;
    rotate({1}, stars, rotation);
    sky.projection = project({1}, stars, grid, test::world());
    sky.stars = order_by_spaxel({1}, std::move(stars), sky.projection.spaxel, grid.n_padded());
    return sky;
}

void expect_same(const Projection& found, const Projection& expected, bool keep_spaxels) {
    EXPECT_EQ(found.spaxel, keep_spaxels ? expected.spaxel : std::vector<std::int32_t>());
    EXPECT_EQ(found.n_in_field, expected.n_in_field);
    EXPECT_EQ(found.n_in_margin, expected.n_in_margin);
    EXPECT_EQ(found.n_outside, expected.n_outside);
    EXPECT_EQ(found.x_range, expected.x_range);
    EXPECT_EQ(found.y_range, expected.y_range);
}

class DeviceStars : public test::OnAccelerator {
protected:
    void expect_stars(const DeviceSpaxelStars& found, const SpaxelStars& expected) {
        device::Queue& queue = accelerator().compute();
        EXPECT_EQ(found.start, expected.start);
        EXPECT_EQ(test::values_of(queue, found.starts), expected.start);
        EXPECT_EQ(test::values_of(queue, found.los_velocity), expected.los_velocity);
        EXPECT_EQ(test::values_of(queue, found.initial_mass), expected.initial_mass);
        EXPECT_EQ(test::values_of(queue, found.mass), expected.mass);
        EXPECT_EQ(test::values_of(queue, found.metallicity), expected.metallicity);
        EXPECT_EQ(test::values_of(queue, found.age), expected.age);
    }

    void expect_as_on_host(const Stars& stars, const Matrix3& rotation, const SpatialGrid& grid,
                           std::int64_t block = 1000, bool keep_spaxels = true) {
        const Sky expected = on_host(stars, rotation, grid);
        Stars own = stars;
        Projection projection;
        const DeviceSpaxelStars found = order_on_device(accelerator(), std::move(own), rotation, grid, keep_spaxels,
                                                        projection, {2}, test::world(), block);
        expect_stars(found, expected.stars);
        expect_same(projection, expected.projection, keep_spaxels);
    }
};

/// Owners by some rule, one spaxel shared by all.
SpaxelOwners some_owners(std::int64_t n_spaxel) {
    const int n_rank = test::world().size();
    SpaxelOwners owners(n_spaxel, n_rank);
    for (std::int64_t s = 0; s < n_spaxel; ++s) { owners.set(s, {static_cast<std::int32_t>(s * s % n_rank)}); }
    std::vector<std::int32_t> everyone(static_cast<std::size_t>(n_rank));
    std::iota(everyone.begin(), everyone.end(), 0);
    owners.set(n_spaxel / 2, everyone);
    return owners;
}

const SpatialGrid padded = make_spatial_grid(13, 8, 0.5, 1.9, 3);

/// n stars, other ones on each rank, with properties that tell them apart.
Stars some_stars(std::int64_t n) {
    const Matrix3 tilt = euler_matrix({50, 10, static_cast<double>(test::world().rank())});
    Stars stars = test::part(test::disc(static_cast<int>((n + 1) / 2), tilt), 0, n);
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
        const auto number = static_cast<float>(i + 1);
        stars.vx[i] = std::sin(number) * 200;
        stars.vy[i] = std::cos(number) * 200;
        stars.vz[i] = std::sin(2 * number) * 100;
        stars.initial_mass[i] = number;
        stars.mass[i] = number / 2;
        stars.metallicity[i] = 1 / number;
        stars.age[i] = 13.8F / number;
    }
    return stars;
}

TEST_P(DeviceStars, AreThoseOfTheHostForAnySizeAroundABlock) {
    const Matrix3 rotation = euler_matrix({30, 60, 10});
    for (const std::int64_t n : {0, 1, 99, 100, 101, 199, 200, 201, 300, 555}) {
        expect_as_on_host(some_stars(n), rotation, padded, 100);
    }
    expect_as_on_host(some_stars(1000), rotation, padded, 1 << 17);
}

TEST_P(DeviceStars, AreThoseOfTheHostOnOtherGrids) {
    const Stars stars = some_stars(2000);
    for (const SpatialGrid& grid : {make_rubix_spatial_grid(25, 5.0, 0.2, 4.595419406890869),
                                    make_spatial_grid(1, 1, 100, 1, 0), make_spatial_grid(64, 2, 0.3, 2, 1)}) {
        expect_as_on_host(stars, euler_matrix({90, 0, 45}), grid);
        expect_as_on_host(stars, Matrix3(), grid, 700, false);
    }
}

TEST_P(DeviceStars, OnEdgesBelongWhereTheHostPutsThem) {
    const SpatialGrid closed = make_rubix_spatial_grid(25, 5.0, 0.2, 4.595419406890869);
    const SpatialGrid open = make_spatial_grid(25, 25, 0.2, 4.595419406890869, 2);
    for (const SpatialGrid& grid : {closed, open}) {
        Stars stars;
        for (const double edge : grid.x_edges) {
            const auto at = static_cast<float>(edge);
            for (const float x : {std::nextafter(at, -1e9F), at, std::nextafter(at, 1e9F)}) {
                test::append(stars, {x, 0, 0}, {1, 2, 3}, 1);
                test::append(stars, {0, x, 0}, {4, 5, 6}, 2);
                test::append(stars, {x, x, 0}, {7, 8, 9}, 3);
            }
        }
        expect_as_on_host(stars, Matrix3(), grid);
    }
}

TEST_P(DeviceStars, MayAllBeOutsideOrOnOneRank) {
    Stars far;
    for (int i = 0; i < 10; ++i) { test::append(far, {1000.0 + i, -500.0, 0}, {1, 2, 3}, 1); }
    expect_as_on_host(far, Matrix3(), padded, 3);
    const auto& world = test::world();
    expect_as_on_host(world.rank() == world.size() - 1 ? some_stars(250) : Stars(), Matrix3(), padded, 100);
}

TEST_P(DeviceStars, MayHavePlacesThatAreNoNumbers) {
    Stars stars = some_stars(20);
    stars.x[3] = std::numeric_limits<float>::quiet_NaN();
    stars.y[7] = std::numeric_limits<float>::infinity();
    expect_as_on_host(stars, Matrix3(), padded, 6);
}

TEST_P(DeviceStars, OfSeveralFieldsAreThoseOfEach) {
    const std::vector<std::int64_t> n_star{150, 0, 301, 7};
    std::vector<Stars> stars;
    std::vector<Matrix3> rotation;
    for (const std::int64_t n : n_star) {
        stars.push_back(some_stars(n));
        rotation.push_back(euler_matrix({static_cast<double>(n), 20, 10}));
    }
    std::vector<Sky> expected;
    for (std::size_t f = 0; f < stars.size(); ++f) { expected.push_back(on_host(stars[f], rotation[f], padded)); }
    std::vector<Projection> projections(stars.size());
    std::vector<FieldStars> fields;
    for (std::size_t f = 0; f < stars.size(); ++f) { fields.push_back({stars[f], rotation[f], projections[f]}); }
    const DeviceSpaxelStars found = order_on_device(accelerator(), fields, padded, true, {2}, test::world(), 100);
    ASSERT_EQ(found.n_field, 4);
    ASSERT_EQ(found.n_spaxel_of_field(), padded.n_padded());
    SpaxelStars all;
    for (std::size_t f = 0; f < stars.size(); ++f) {
        expect_same(projections[f], expected[f].projection, true);
        const SpaxelStars& one = expected[f].stars;
        const std::int64_t before = all.start.back();
        for (std::size_t s = 1; s < one.start.size(); ++s) { all.start.push_back(before + one.start[s]); }
        const auto add = [](std::vector<float>& to, const std::vector<float>& from) {
            to.insert(to.end(), from.begin(), from.end());
        };
        add(all.los_velocity, one.los_velocity);
        add(all.initial_mass, one.initial_mass);
        add(all.mass, one.mass);
        add(all.metallicity, one.metallicity);
        add(all.age, one.age);
    }
    expect_stars(found, all);
}

TEST_P(DeviceStars, LeaveTheHost) {
    Stars stars = some_stars(300);
    stars.row = {1, 2, 3};
    Projection projection;
    const DeviceSpaxelStars sky =
        order_on_device(accelerator(), std::move(stars), Matrix3(), padded, false, projection, {1}, test::world(), 100);
    // NOLINTBEGIN(bugprone-use-after-move): what is left is what is tested
    EXPECT_EQ(stars.x.capacity() + stars.vz.capacity() + stars.age.capacity(), 0U);
    EXPECT_EQ(stars.row.size(), 3U);
    // NOLINTEND(bugprone-use-after-move)
    EXPECT_EQ(accelerator().info().copy_bytes >= 300 * 40, true) << "counted";
    EXPECT_LT(accelerator().info().copy_bytes, 300 * 40 + 1000) << "once";
}

TEST_P(DeviceStars, TooManySpaxelsAreTheHostsError) {
    SpatialGrid grid = padded;
    grid.n_x = grid.n_y = 1 << 16;
    Projection projection;
    const auto error = test::error_of(
        [&] { order_on_device(accelerator(), Stars(), Matrix3(), grid, false, projection, {1}, test::world()); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::config);
}

TEST_P(DeviceStars, OfTheHostGoUpAsTheyAre) {
    const Sky sky = on_host(some_stars(500), Matrix3(), padded);
    expect_stars(to_device(accelerator(), sky.stars), sky.stars);
    expect_stars(to_device(accelerator(), SpaxelStars()), SpaxelStars());
}

TEST_P(DeviceStars, GoToTheRanksThatMakeTheirSpaxelsAsOnTheHost) {
    auto& world = test::world();
    const SpaxelOwners owners = some_owners(padded.n_padded());
    for (const std::int64_t n : {0L, 1L, 700L, 700L + 50 * world.rank()}) { // in the last case also none to some
        const Stars stars = world.rank() == 1 && n == 1 ? Stars() : some_stars(n);
        Stars own = stars;
        Sky sky = on_host(stars, Matrix3(), padded);
        const SpaxelStars expected = exchange_by_spaxel({1}, std::move(own), sky.projection.spaxel, owners, world);
        expect_stars(exchange_by_spaxel(accelerator(), to_device(accelerator(), sky.stars), owners, world, world),
                     expected);
    }
}

TEST(DeviceStarsMemory, TooLittleIsAnErrorOnEveryRank) {
    auto& world = test::world();
    const bool small = world.is_root();
    const auto accelerator = device::emulate({.memory = small ? 20'000 : 1 << 24});
    Projection projection;
    const auto error = test::error_of([&] {
        order_on_device(*accelerator, some_stars(1000), Matrix3(), padded, false, projection, {1}, world, 100);
    });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_THAT(error->what(), testing::HasSubstr("20000"));
}

INSTANTIATE_TEST_SUITE_P(On, DeviceStars, test::every_accelerator());

} // namespace
} // namespace tessera
