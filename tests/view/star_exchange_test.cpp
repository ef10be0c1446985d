#include "tessera/view/star_exchange.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/comm/communicator.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

/// Stars [first, end) of a galaxy whose properties tell which star it is; each rank reads a contiguous range.
struct Part {
    Stars stars;
    std::vector<std::int32_t> spaxel;
};

template <class SpaxelOf>
Part read_by(int rank, int size, std::int64_t n_star, const SpaxelOf& spaxel_of) {
    Part part;
    for (std::int64_t i = n_star * rank / size; i < n_star * (rank + 1) / size; ++i) {
        const auto id = static_cast<float>(i);
        part.stars.vz.push_back(id);
        part.stars.initial_mass.push_back(2 * id);
        part.stars.mass.push_back(3 * id);
        part.stars.metallicity.push_back(4 * id);
        part.stars.age.push_back(5 * id);
        part.spaxel.push_back(spaxel_of(i));
    }
    return part;
}

SpaxelStars exchanged(Part&& part, const SpaxelOwners& owners) {
    return exchange_by_spaxel({2}, std::move(part.stars), part.spaxel, owners, test::world());
}

void expect_whole_stars(const SpaxelStars& sky) {
    for (std::size_t i = 0; i < sky.los_velocity.size(); ++i) {
        ASSERT_EQ(sky.initial_mass[i], 2 * sky.los_velocity[i]);
        ASSERT_EQ(sky.mass[i], 3 * sky.los_velocity[i]);
        ASSERT_EQ(sky.metallicity[i], 4 * sky.los_velocity[i]);
        ASSERT_EQ(sky.age[i], 5 * sky.los_velocity[i]);
    }
}

TEST(StarExchange, ARankHasAllStarsOfItsSpaxelsInTheOrderOfOneRankAlone) {
    auto& world = test::world();
    const std::int64_t n_spaxel = 31, n_star = 5000;
    const auto spaxel_of = [&](std::int64_t i) { return static_cast<std::int32_t>(i * i % (n_spaxel + 1)) - 1; };
    SpaxelOwners owners(n_spaxel, world.size());
    for (std::int64_t s = 0; s < n_spaxel; ++s) { owners.set(s, {static_cast<std::int32_t>(s * s % world.size())}); }
    Part all = read_by(0, 1, n_star, spaxel_of);
    const SpaxelStars alone = order_by_spaxel({1}, std::move(all.stars), all.spaxel, n_spaxel);

    const SpaxelStars own = exchanged(read_by(world.rank(), world.size(), n_star, spaxel_of), owners);

    ASSERT_EQ(own.n_spaxel(), n_spaxel);
    expect_whole_stars(own);
    for (std::size_t s = 0; s < n_spaxel; ++s) {
        const auto in = [s](const SpaxelStars& sky) {
            return std::vector<float>(sky.los_velocity.begin() + sky.start[s],
                                      sky.los_velocity.begin() + sky.start[s + 1]);
        };
        if (owners.of(static_cast<std::int64_t>(s))[0] == world.rank()) {
            EXPECT_EQ(in(own), in(alone)) << "spaxel " << s;
        } else {
            EXPECT_TRUE(in(own).empty());
        }
    }
}

TEST(StarExchange, SharedSpaxelsAreInEqualParts) {
    auto& world = test::world();
    SpaxelOwners owners(3, world.size());
    std::vector<std::int32_t> everyone;
    for (std::int32_t rank = 0; rank < world.size(); ++rank) { everyone.push_back(rank); }
    owners.set(1, everyone);
    for (const std::int64_t n_star : {1000L, static_cast<long>(world.size()), 1L, 0L}) {
        const SpaxelStars own =
            exchanged(read_by(world.rank(), world.size(), n_star, [](std::int64_t) { return 1; }), owners);
        expect_whole_stars(own);
        EXPECT_EQ(world.all_reduce_value(own.size(), Op::sum), n_star);
        // Each rank's stars are in equal parts to one star.
        const double share = static_cast<double>(n_star) / world.size();
        EXPECT_NEAR(static_cast<double>(own.size()), share, n_star == world.size() ? 0 : world.size());
    }
}

TEST(StarExchange, CountsAreThoseOfAllRanksAndRanksWithoutStarsTakePart) {
    auto& world = test::world();
    Part part;
    if (world.rank() == world.size() - 1) {
        part = read_by(0, 1, 3, [](std::int64_t i) { return i == 0 ? -1 : 4; });
    }
    EXPECT_EQ(stars_in_spaxels(part.spaxel, 5, world), (std::vector<std::int64_t>{0, 0, 0, 0, 2}));
    SpaxelOwners owners(5, world.size());
    owners.set(4, {0});
    const SpaxelStars own = exchanged(std::move(part), owners);
    EXPECT_EQ(own.size(), world.is_root() ? 2 : 0);
    EXPECT_EQ(own.n_spaxel(), 5);
    expect_whole_stars(own);
}

TEST(StarExchange, BytesAreThoseOfTheStarsThatChangeRank) {
    auto& world = test::world();
    SpaxelOwners owners(7, world.size());
    for (std::int64_t s = 0; s < 7; ++s) { owners.set(s, {static_cast<std::int32_t>(s % world.size())}); }
    const auto spaxel_of = [](std::int64_t i) { return static_cast<std::int32_t>(i % 8) - 1; };
    Part part = read_by(world.rank(), world.size(), 1001, spaxel_of);
    const auto leave = std::count_if(part.spaxel.begin(), part.spaxel.end(),
                                     [&](std::int32_t s) { return s >= 0 && s % world.size() != world.rank(); });
    const std::int64_t before = world.traffic().bytes("all_to_all");
    exchanged(std::move(part), owners);
    const std::int64_t of_others = 7 - std::ssize(owners.of_rank(world.rank())); // spaxels whose stars are counted
    EXPECT_EQ(world.traffic().bytes("all_to_all") - before, 20 * leave + 8 * of_others);
}

} // namespace
} // namespace tessera
