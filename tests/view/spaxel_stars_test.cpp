#include "tessera/view/spaxel_stars.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

TEST(OrderBySpaxel, StarsComeInSpaxelOrderThenInputOrderAndThoseOutsideAreGone) {
    Stars stars;
    stars.vz = {0, 1, 2, 3, 4, 5};
    stars.initial_mass = {10, 11, 12, 13, 14, 15};
    stars.mass = {20, 21, 22, 23, 24, 25};
    stars.metallicity = {30, 31, 32, 33, 34, 35};
    stars.age = {40, 41, 42, 43, 44, 45};
    const std::vector<std::int32_t> spaxel{2, -1, 0, 2, 0, 3};
    const SpaxelStars sky = order_by_spaxel({2}, std::move(stars), spaxel, 5);
    EXPECT_EQ(sky.n_spaxel(), 5);
    EXPECT_EQ(sky.size(), 5);
    EXPECT_EQ(sky.start, (std::vector<std::int64_t>{0, 2, 2, 4, 5, 5}));
    EXPECT_EQ(sky.los_velocity, (std::vector<float>{2, 4, 0, 3, 5}));
    EXPECT_EQ(sky.initial_mass, (std::vector<float>{12, 14, 10, 13, 15}));
    EXPECT_EQ(sky.mass, (std::vector<float>{22, 24, 20, 23, 25}));
    EXPECT_EQ(sky.metallicity, (std::vector<float>{32, 34, 30, 33, 35}));
    EXPECT_EQ(sky.age, (std::vector<float>{42, 44, 40, 43, 45}));
}

TEST(OrderBySpaxel, IsTheSameForAnyNumberOfThreads) {
    const std::int64_t n = 10000, n_spaxel = 7;
    const auto many = [&] {
        Stars stars;
        stars.resize(n);
        for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
            stars.vz[i] = static_cast<float>(i);
            stars.age[i] = static_cast<float>(2 * i);
        }
        return stars;
    };
    std::vector<std::int32_t> spaxel;
    for (std::int64_t i = 0; i < n; ++i) { spaxel.push_back(static_cast<std::int32_t>(i * i % 8) - 1); }
    const SpaxelStars one = order_by_spaxel({1}, many(), spaxel, n_spaxel);
    for (std::int64_t s = 0; s < n_spaxel; ++s) {
        for (auto i = static_cast<std::size_t>(one.start[static_cast<std::size_t>(s)]);
             i < static_cast<std::size_t>(one.start[static_cast<std::size_t>(s) + 1]); ++i) {
            ASSERT_EQ(spaxel[static_cast<std::size_t>(one.los_velocity[i])], s);
            ASSERT_EQ(one.age[i], 2 * one.los_velocity[i]);
            if (static_cast<std::int64_t>(i) > one.start[static_cast<std::size_t>(s)]) {
                ASSERT_GT(one.los_velocity[i], one.los_velocity[i - 1]) << "input order";
            }
        }
    }
    const SpaxelStars five = order_by_spaxel({5}, many(), spaxel, n_spaxel);
    EXPECT_EQ(five.start, one.start);
    EXPECT_EQ(five.los_velocity, one.los_velocity);
    EXPECT_EQ(five.age, one.age);
}

TEST(OrderBySpaxel, NoStarsGiveEmptySpaxels) {
    const SpaxelStars sky = order_by_spaxel({1}, {}, {}, 3);
    EXPECT_EQ(sky.n_spaxel(), 3);
    EXPECT_EQ(sky.size(), 0);
    EXPECT_TRUE(sky.age.empty());
}

} // namespace
} // namespace tessera
