// Cubes brought together in blocks, summed or collected: the same slabs whatever the blocks, and as many bytes as were promised.
#include <gmock/gmock.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/cube/cube_blocks.hpp"
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

/// Small integers: their sums are exact, in any order.
float value(std::int64_t spaxel, std::int64_t wave, int rank) {
    return static_cast<float>((rank + 1) * (1000 * spaxel + wave));
}

PartialCube part_of(std::span<const std::int64_t> spaxels, std::int64_t n_wave, int rank) {
    PartialCube part(std::ssize(spaxels), n_wave);
    for (std::int64_t row = 0; row < part.n_spaxel(); ++row) {
        for (std::int64_t wave = 0; wave < n_wave; ++wave) {
            part.flux()(row, wave) = value(spaxels[static_cast<std::size_t>(row)], wave, rank);
        }
    }
    return part;
}

std::vector<std::int64_t> all_spaxels() {
    std::vector<std::int64_t> all;
    for (std::int64_t s = 0; s < n_y * n_x; ++s) { all.push_back(s); }
    return all;
}

CubeBlocks cut(std::int64_t n_wave, int n_rank, int n_part, int n_wave_block) {
    return {.n_spaxel = n_y * n_x, .n_wave = n_wave, .n_rank = n_rank, .n_part = n_part, .n_wave_block = n_wave_block};
}

/// Every way of cutting, and numbers of wavelengths that leave some ranks without a plane.
template <class Check>
void for_all_cuts(const Check& check) {
    for (const std::int64_t n_wave : {11, 1, 2, 200}) {
        for (const int n_part : {1, 2, 35}) {
            for (const int n_wave_block : {1, 3, 13}) {
                SCOPED_TRACE(testing::Message() << n_wave << " wavelengths, " << n_part << " parts, " << n_wave_block);
                check(cut(n_wave, test::world().size(), n_part, n_wave_block));
            }
        }
    }
}

template <class Sum>
void expect_slab(const CubeSlab& slab, std::int64_t n_wave, const Sum& sum) {
    auto& world = test::world();
    const WaveRange range = slab_of(n_wave, world.rank(), world.size());
    ASSERT_EQ(slab.range().first, range.first);
    ASSERT_EQ(slab.n_wave(), range.count);
    for (std::int64_t wave = 0; wave < range.count; ++wave) {
        for (std::int64_t s = 0; s < n_y * n_x; ++s) {
            ASSERT_EQ(slab.flux()(wave, s / n_x, s % n_x), sum(s, range.first + wave)) << "spaxel " << s;
        }
    }
}

TEST(CubeBlocks, HoldEveryVoxelOnce) {
    for (const int n_rank : {1, 2, 5, 16}) {
        for (const int n_wave_block : {1, 2, 7}) {
            const CubeBlocks blocks = cut(11, n_rank, 4, n_wave_block);
            std::vector<int> seen(11, 0);
            for (int b = 0; b < n_wave_block; ++b) {
                const WaveBlock waves = blocks.waves(b);
                ASSERT_EQ(std::ssize(waves.pieces), n_rank);
                std::int64_t n = 0;
                for (const WaveRange& range : waves.ranges(0, waves.size())) {
                    for (std::int64_t w = range.first; w < range.end(); ++w) { ++seen[static_cast<std::size_t>(w)]; }
                    n += range.count;
                }
                EXPECT_EQ(n, waves.size());
            }
            EXPECT_THAT(seen, testing::Each(1));
        }
    }
    const CubeBlocks blocks = cut(11, 2, 4, 3);
    EXPECT_EQ(blocks.spaxels(3).end(), n_y * n_x);
    EXPECT_EQ(blocks.bytes(n_y * n_x), 9 * blocks.waves(0).size() * 4);
}

TEST(CubeBlocks, AreAsLargeAsWantedAndFillTheirTiles) {
    const BlockSizes muse{.n_spaxel = 961, .n_wave = 3731, .n_row = 961, .tile = 128};
    EXPECT_EQ(choose_blocks(muse).count(), 1) << "one rank, a small cube";
    BlockSizes mosaic{.n_spaxel = 360'000, .n_wave = 400, .n_rank = 4, .n_row = 360'000, .tile = 128};
    const CubeBlocks blocks = choose_blocks(mosaic);
    EXPECT_EQ(blocks.n_wave_block, 4) << "400 wavelengths are four tiles";
    EXPECT_LE(blocks.bytes(mosaic.n_row), 360'000 * 400 * 4 / 4 / 8 * 5 / 4) << "an eighth of a slab";
    mosaic.n_row /= 4; // exchange
    EXPECT_LE(choose_blocks(mosaic).count(), 9);
    mosaic.tile = 0;
    EXPECT_EQ(choose_blocks(mosaic).n_wave_block, 1);
    mosaic.tile = 128;
    mosaic.n_thread = 8; // more than there are tiles
    EXPECT_EQ(choose_blocks(mosaic).n_wave_block, 1);
    mosaic.least_part = 50;
    EXPECT_EQ(choose_blocks(mosaic).n_part, 50);
    EXPECT_EQ(choose_blocks({.n_spaxel = 0, .n_wave = 10}).count(), 1);
    mosaic.own_planes = true;
    EXPECT_EQ(choose_blocks(mosaic).n_wave_block, 1) << "row weights of a part are there once";
    EXPECT_LE(choose_blocks(mosaic).bytes_of_piece(), 360'000 * 100 * 4 / 8 + 400) << "an eighth of a slab";
    const BlockSizes small{.n_spaxel = 35, .n_wave = 3, .n_rank = 7, .n_row = 35, .tile = 128, .bytes = 1};
    EXPECT_EQ(choose_blocks(small).n_part, 35) << "no part is less than a spaxel";
}

TEST(SumInBlocks, SlabIsTheSumOverRanksWhateverTheBlocks) {
    auto& world = test::world();
    const int p = world.size();
    const auto all = all_spaxels();
    for_all_cuts([&](const CubeBlocks& blocks) {
        const PartialCube partial = part_of(all, blocks.n_wave, world.rank());
        const std::int64_t before = world.traffic().bytes("reduce_scatter");
        const device::Host threads{blocks.n_wave == 200 ? 3 : 1};
        const CubeSlab slab = bring_together(partial, *sum_in_blocks(blocks, n_y, n_x, world, threads));
        expect_slab(slab, blocks.n_wave, [&](std::int64_t s, std::int64_t w) {
            return static_cast<float>(p * (p + 1) / 2) * value(s, w, 0);
        });
        const std::int64_t sent =
            p == 1 ? 0 : partial.bytes() - std::ssize(slab.data()) * 4; // what others keep, and no more
        EXPECT_EQ(world.traffic().bytes("reduce_scatter") - before, sent);
    });
}

TEST(SumInBlocks, RanksWithoutStarsAddNothing) {
    auto& world = test::world();
    const CubeBlocks blocks = cut(11, world.size(), 3, 2);
    const PartialCube partial =
        world.rank() == world.size() - 1 ? part_of(all_spaxels(), 11, 0) : PartialCube(n_y * n_x, 11);
    expect_slab(bring_together(partial, *sum_in_blocks(blocks, n_y, n_x, world)), 11,
                [](std::int64_t s, std::int64_t w) { return value(s, w, 0); });
}

TEST(SumInBlocks, IsTheSameToTheBitInAnyRun) {
    auto& world = test::world();
    PartialCube partial(n_y * n_x, 50);
    for (std::int64_t i = 0; i < partial.flux().size(); ++i) {
        partial.flux().data()[i] = 1 / static_cast<float>(3 + i + 1000 * world.rank());
    }
    const auto run = [&](int n_part, int n_wave_block) {
        return bring_together(partial, *sum_in_blocks(cut(50, world.size(), n_part, n_wave_block), n_y, n_x, world));
    };
    const CubeSlab once = run(1, 1);
    for (int i = 0; i < 5; ++i) { EXPECT_EQ(run(i + 1, 6 - i).data(), once.data()); }
}

TEST(SumInBlocks, BlocksOfAnotherFieldAreAnErrorOnEveryRank) {
    auto& world = test::world();
    const bool wrong = world.rank() == world.size() - 1;
    const auto error =
        test::error_of([&] { sum_in_blocks(cut(3, world.size(), 1, 1), wrong ? n_y + 1 : n_y, n_x, world); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_THAT(error->what(), testing::HasSubstr("6 x 7"));
}

TEST(CollectInBlocks, SlabHasEverySpaxelOnceAndPartsOfSharedOnesAdded) {
    auto& world = test::world();
    const SpaxelOwners owners = some_owners(world.size());
    const auto own = owners.of_rank(world.rank());
    for_all_cuts([&](const CubeBlocks& blocks) {
        const device::Host threads{blocks.n_wave == 200 ? 3 : 1};
        const std::int64_t before = world.traffic().bytes("all_to_all");
        const CubeSlab slab = bring_together(part_of(own, blocks.n_wave, world.rank()),
                                             *collect_in_blocks(blocks, owners, n_y, n_x, world, threads));
        expect_slab(slab, blocks.n_wave, [&](std::int64_t s, std::int64_t w) {
            float sum = 0;
            for (const std::int32_t rank : owners.of(s)) { sum += value(s, w, rank); }
            return sum;
        });
        EXPECT_EQ(world.traffic().bytes("all_to_all") - before, std::ssize(own) * (blocks.n_wave - slab.n_wave()) * 4);
    });
}

TEST(OwnPlanes, AreMadeOfAllStarsAndSentToNobody) {
    auto& world = test::world();
    for_all_cuts([&](const CubeBlocks& blocks) {
        const std::int64_t before = world.traffic().bytes("all_to_all") + world.traffic().bytes("reduce_scatter");
        const auto cube = make_own_planes(blocks, n_y, n_x, world, {blocks.n_wave == 200 ? 3 : 1});
        EXPECT_TRUE(cube->of_all_ranks());
        const WaveRange own = slab_of(blocks.n_wave, world.rank(), world.size());
        std::int64_t n_voxel = 0;
        for (int part = 0; part < blocks.n_part; ++part) {
            for (int b = 0; b < blocks.n_wave_block; ++b) {
                const BlockView block = cube->open(part, b);
                EXPECT_LE(block.n_row * block.waves->size() * 4, blocks.bytes_of_piece());
                const std::vector<WaveRange> ranges = block.waves->ranges(0, block.waves->size());
                std::int64_t first = 0;
                for (const WaveRange& range : ranges) {
                    EXPECT_GE(range.first, own.first);
                    EXPECT_LE(range.end(), own.end());
                    for (std::int64_t i = 0; i < block.n_row; ++i) {
                        const std::int64_t s = cube->rows(part)[static_cast<std::size_t>(i)];
                        std::vector<float> light;
                        for (std::int64_t w = range.first; w < range.end(); ++w) { light.push_back(value(s, w, 0)); }
                        block.add(i, first, light.data(), range.count);
                        n_voxel += range.count;
                    }
                    first += range.count;
                }
                cube->close();
            }
        }
        EXPECT_EQ(n_voxel, n_y * n_x * own.count);
        expect_slab(cube->finish(), blocks.n_wave, [](std::int64_t s, std::int64_t w) { return value(s, w, 0); });
        EXPECT_EQ(world.traffic().bytes("all_to_all") + world.traffic().bytes("reduce_scatter"), before);
    });
}

TEST(CollectInBlocks, OwnersOfAnotherFieldAreAnErrorOnEveryRank) {
    auto& world = test::world();
    const bool wrong = world.rank() == world.size() - 1;
    const SpaxelOwners owners(wrong ? 34 : 35, world.size());
    const auto error = test::error_of([&] { collect_in_blocks(cut(3, world.size(), 1, 1), owners, n_y, n_x, world); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_THAT(error->what(), testing::HasSubstr("34"));
}

} // namespace
} // namespace tessera
