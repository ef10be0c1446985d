#include "tessera/view/projection.hpp"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>

#include "tests/support/test_support.hpp"
#include "tests/view/galaxies.hpp"

namespace tessera {
namespace {

constexpr device::Host one_thread{};

/// Number of edges <= value, less one: the definition, for any edges.
std::int64_t slow_interval(const std::vector<double>& edges, float value, bool closed_end) {
    std::int64_t n = -1;
    for (const double edge : edges) { n += static_cast<double>(value) >= edge ? 1 : 0; }
    const auto last = static_cast<std::int64_t>(edges.size()) - 1;
    if (n == last) { return closed_end && static_cast<double>(value) == edges.back() ? last - 1 : -1; }
    return n;
}

void expect_slow_index(const Stars& stars, const SpatialGrid& grid, const Projection& found) {
    for (std::size_t i = 0; i < stars.x.size(); ++i) {
        const std::int64_t ix = slow_interval(grid.x_edges, stars.x[i], grid.closed_end),
                           iy = slow_interval(grid.y_edges, stars.y[i], grid.closed_end);
        ASSERT_EQ(found.spaxel[i], ix < 0 || iy < 0 ? -1 : iy * grid.padded_x() + ix)
            << stars.x[i] << ", " << stars.y[i];
    }
}

TEST(Project, IndexIsThatOfTheSlowDefinitionOnRectangularPaddedFields) {
    const Stars all = test::disc(2000, euler_matrix({50, 10, 0}));
    const Stars stars = test::share(all, test::world());
    for (const std::int64_t margin : {0, 3}) {
        const SpatialGrid grid = make_spatial_grid(13, 8, 0.5, 1.9, margin);
        expect_slow_index(stars, grid, project(test::threads_on(test::world()), stars, grid, test::world()));
    }
    const SpatialGrid rubix = make_rubix_spatial_grid(25, 5.0, 0.2, 1.1974990367889404);
    expect_slow_index(stars, rubix, project(one_thread, stars, rubix, test::world()));
}

// The floats around each edge: the stored edges decide, not a division.
TEST(Project, StarsOnEdgesBelongToTheSpaxelThatBeginsThere) {
    const SpatialGrid rubix = make_rubix_spatial_grid(25, 5.0, 0.2, 4.595419406890869);
    const SpatialGrid plain = make_spatial_grid(25, 25, 0.2, 4.595419406890869, 2);
    for (const SpatialGrid& grid : {rubix, plain}) {
        Stars stars;
        for (const double edge : grid.x_edges) {
            const auto at = static_cast<float>(edge);
            for (const float x : {std::nextafter(at, -1e9F), at, std::nextafter(at, 1e9F)}) {
                test::append(stars, {x, 0, 0}, {}, 1);
                test::append(stars, {0, x, 0}, {}, 1);
            }
        }
        expect_slow_index(stars, grid, project(one_thread, stars, grid, test::world()));
    }
    Stars last;
    test::append(last, {rubix.x_edges.back(), rubix.y_edges.back(), 0}, {}, 1);
    EXPECT_EQ(project(one_thread, last, rubix, test::world()).spaxel[0], 624); // closed
    SpatialGrid half_open = rubix;
    half_open.closed_end = false;
    EXPECT_EQ(project(one_thread, last, half_open, test::world()).spaxel[0], -1);
}

TEST(Project, EdgesNeedNotBeUniform) {
    SpatialGrid grid = make_spatial_grid(4, 1, 1, 1, 0);
    grid.x_edges = {-2, -1.9, 0, 0.1, 10};
    Stars stars;
    for (const double x : {-2.0, -1.95, -1.9, -0.5, 0.0, 0.05, 0.1, 5.0, 9.99, 10.0}) {
        test::append(stars, {x, 0, 0}, {}, 1);
    }
    EXPECT_THAT(project(one_thread, stars, grid, test::world()).spaxel,
                testing::ElementsAre(0, 0, 1, 1, 2, 2, 3, 3, 3, -1));
}

TEST(Project, CountsAreThoseOfAllRanks) {
    auto& world = test::world();
    const SpatialGrid grid = make_spatial_grid(2, 2, 1, 1, 1); // field -1 … 1, with margin -2 … 2
    Stars stars;
    if (world.is_root()) {
        test::append(stars, {-0.5, 0.5, 99}, {1, 2, 3}, 1); // no cut along z
        test::append(stars, {0.5, 0.5, 0}, {1, 2, -4}, 1);
        test::append(stars, {1.5, 0.5, 0}, {}, 1);
        test::append(stars, {-1.5, 1.5, 0}, {}, 1);
        test::append(stars, {7, 0.5, 0}, {}, 1);
    }
    const Projection found = project(one_thread, stars, grid, world);
    EXPECT_EQ(found.n_in_field, 2);
    EXPECT_EQ(found.n_in_margin, 2);
    EXPECT_EQ(found.n_outside, 1);
    EXPECT_EQ(found.x_range, (std::array<double, 2>{-1.5, 7}));
    EXPECT_EQ(found.y_range, (std::array<double, 2>{0.5, 1.5}));
    if (!world.is_root()) {
        EXPECT_TRUE(found.spaxel.empty());
        return;
    }
    EXPECT_THAT(found.spaxel, testing::ElementsAre(9, 10, 11, 12, -1));
    EXPECT_EQ(field_spaxel(grid, 9), 2);
    EXPECT_EQ(field_spaxel(grid, 10), 3);
    for (const std::int64_t outside : {11, 12, 0, 15, -1}) { EXPECT_EQ(field_spaxel(grid, outside), -1); }
}

TEST(Project, WithoutStarsTheRangeIsEmpty) {
    const Projection found = project(one_thread, {}, make_spatial_grid(2, 2, 1, 1, 0), test::world());
    EXPECT_EQ(found.n_in_field + found.n_in_margin + found.n_outside, 0);
    EXPECT_GT(found.x_range[0], found.x_range[1]);
}

TEST(Project, MoreSpaxelsThanAnIndexHoldsIsAConfigurationErrorOnEveryRank) {
    SpatialGrid grid = make_spatial_grid(2, 2, 1, 1, 0);
    grid.n_x = 50000;
    grid.n_y = 50000;
    const auto error = test::error_of([&] { project(one_thread, {}, grid, test::world()); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::config);
    EXPECT_THAT(error->what(), testing::HasSubstr("50000 x 50000"));
}

} // namespace
} // namespace tessera
