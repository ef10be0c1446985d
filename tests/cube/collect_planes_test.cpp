#include <gmock/gmock.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/cube/spaxel_owners.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

constexpr std::int64_t n_y = 5, n_x = 7;

/// Spaxel s belongs to rank s mod P; every fifth to nobody, every fourth to all ranks.
SpaxelOwners some_owners(int n_rank) {
    SpaxelOwners owners(n_y * n_x, n_rank);
    for (std::int64_t s = 0; s < n_y * n_x; ++s) {
        if (s % 5 == 0) { continue; }
        std::vector<std::int32_t> ranks;
        for (std::int32_t rank = n_rank - 1; rank >= 0; --rank) {
            if (s % 4 == 0 || s % n_rank == rank) { ranks.push_back(rank); }
        }
        owners.set(s, ranks);
    }
    return owners;
}

/// Small integers: their sums are exact.
float value(std::int64_t spaxel, std::int64_t wave, int rank) {
    return static_cast<float>((rank + 1) * (1000 * spaxel + wave));
}

PartialCube part_of(const SpaxelOwners& owners, std::int64_t n_wave, int rank) {
    const auto own = owners.of_rank(rank);
    PartialCube part(std::ssize(own), n_wave);
    for (std::int64_t row = 0; row < part.n_spaxel(); ++row) {
        for (std::int64_t wave = 0; wave < n_wave; ++wave) {
            part.flux()(row, wave) = value(own[static_cast<std::size_t>(row)], wave, rank);
        }
    }
    return part;
}

TEST(CollectPlanes, SlabHasEverySpaxelOnceAndPartsOfSharedOnesAdded) {
    auto& world = test::world();
    for (const std::int64_t n_wave : {11, 1, 2, 200}) { // 1 and 2 leave ranks without a plane
        const SpaxelOwners owners = some_owners(world.size());
        const device::Host threads{n_wave == 200 ? 3 : 1};
        const CubeSlab slab = collect_planes(part_of(owners, n_wave, world.rank()), owners, n_y, n_x, world, threads);
        const WaveRange range = slab_of(n_wave, world.rank(), world.size());
        ASSERT_EQ(slab.range().first, range.first);
        ASSERT_EQ(slab.n_wave(), range.count);
        for (std::int64_t wave = 0; wave < range.count; ++wave) {
            for (std::int64_t s = 0; s < n_y * n_x; ++s) {
                float sum = 0;
                for (const std::int32_t rank : owners.of(s)) { sum += value(s, range.first + wave, rank); }
                ASSERT_EQ(slab.flux()(wave, s / n_x, s % n_x), sum) << "spaxel " << s;
            }
        }
    }
}

TEST(CollectPlanes, LargeCubesTravelInBlocks) {
    auto& world = test::world();
    // Of one spaxel in a thousand; the block size is that of the whole field.
    const std::int64_t n_wave = 64, side = 600;
    EXPECT_GT(blocks_collected(side * side * n_wave * 4, 1), 1);
    SpaxelOwners owners(side * side, world.size());
    for (std::int64_t s = 0; s < side * side; s += 997) {
        owners.set(s, {static_cast<std::int32_t>(s / 997 % world.size())});
    }
    const CubeSlab slab = collect_planes(part_of(owners, n_wave, world.rank()), owners, side, side, world);
    for (std::int64_t wave = 0; wave < slab.n_wave(); ++wave) {
        for (std::int64_t s = 0; s < side * side; ++s) {
            const float expected =
                s % 997 == 0 ? value(s, slab.range().first + wave, static_cast<int>(s / 997 % world.size())) : 0;
            ASSERT_EQ(slab.flux().row(wave)[s], expected);
        }
    }
}

TEST(CollectPlanes, BytesSentAreThePartOfTheCubeThatOthersKeep) {
    auto& world = test::world();
    SpaxelOwners owners(n_y * n_x, world.size());
    for (std::int64_t s = 0; s < n_y * n_x; ++s) { owners.set(s, {static_cast<std::int32_t>(s % world.size())}); }
    constexpr std::int64_t n_wave = 11;
    PartialCube part = part_of(owners, n_wave, world.rank());
    const std::int64_t n_own = part.n_spaxel();
    EXPECT_LE(n_own, (n_y * n_x + world.size() - 1) / world.size());
    const std::int64_t before = world.traffic().bytes("all_to_all");
    collect_planes(std::move(part), owners, n_y, n_x, world);
    const std::int64_t kept = slab_of(n_wave, world.rank(), world.size()).count;
    EXPECT_EQ(world.traffic().bytes("all_to_all") - before, n_own * (n_wave - kept) * 4);
}

TEST(CollectPlanes, PartsWithOtherRowsAreAnErrorOnEveryRank) {
    auto& world = test::world();
    const SpaxelOwners owners = some_owners(world.size());
    const bool wrong = world.rank() == world.size() - 1;
    const auto n_own = std::ssize(owners.of_rank(world.rank()));
    const auto error =
        test::error_of([&] { collect_planes(PartialCube(wrong ? n_own + 1 : n_own, 3), owners, n_y, n_x, world); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_THAT(error->what(), testing::HasSubstr("rows"));
}

} // namespace
} // namespace tessera
