#include "tessera/cube/cube.hpp"

#include <gmock/gmock.h>

#include "tessera/comm/communicator.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

constexpr std::int64_t n_y = 5, n_x = 7;

/// Small integers: their sums are exact in float, in any order.
PartialCube partial_of(int rank, std::int64_t n_wave) {
    PartialCube partial(n_y * n_x, n_wave);
    for (std::int64_t s = 0; s < partial.n_spaxel(); ++s) {
        for (std::int64_t w = 0; w < n_wave; ++w) {
            partial.flux()(s, w) = static_cast<float>((rank + 1) * (s * n_wave + w));
        }
    }
    return partial;
}

float sum_at(std::int64_t n_wave, std::int64_t w, std::int64_t y, std::int64_t x, int size) {
    return static_cast<float>(size * (size + 1) / 2 * ((y * n_x + x) * n_wave + w));
}

/// A slab whose voxels tell where they are, as a rank would hold it after the sum.
CubeSlab numbered_slab(std::int64_t n_wave, int rank, int size) {
    CubeSlab slab(slab_of(n_wave, rank, size), n_y, n_x);
    for (std::int64_t i = 0; i < slab.flux().size(); ++i) {
        slab.data()[static_cast<std::size_t>(i)] = static_cast<float>(slab.range().first * n_y * n_x + i);
    }
    return slab;
}

TEST(ReduceAll, SlabIsTheSumOverRanks) {
    auto& world = test::world();
    for (const std::int64_t n_wave :
         {11, 1, 2, 200}) { // no rank count above 1 divides 11; 1 and 2 leave ranks without a plane
        PartialCube partial = partial_of(world.rank(), n_wave);
        const device::Host threads{n_wave == 200 ? 3 : 1}; // 200: several blocks for the threads to share
        const CubeSlab slab = reduce_all(std::move(partial), n_y, n_x, world, threads);
        const WaveRange own = slab_of(n_wave, world.rank(), world.size());
        EXPECT_EQ(slab.range().first, own.first);
        ASSERT_EQ(slab.n_wave(), own.count);
        ASSERT_EQ(slab.data().size(), static_cast<std::size_t>(own.count * n_y * n_x));
        for (std::int64_t w = 0; w < own.count; ++w) {
            for (std::int64_t y = 0; y < n_y; ++y) {
                for (std::int64_t x = 0; x < n_x; ++x) {
                    ASSERT_EQ(slab.flux()(w, y, x), sum_at(n_wave, own.first + w, y, x, world.size()));
                }
            }
        }
    }
}

TEST(ReduceAll, PartialCubeIsConsumed) {
    PartialCube partial = partial_of(0, 11);
    const CubeSlab slab = reduce_all(std::move(partial), n_y, n_x, test::world());
    const PartialCube after = std::move(partial); // NOLINT(bugprone-use-after-move): what is left is what is tested
    EXPECT_EQ(after.flux().data(), nullptr);
    EXPECT_GE(slab.n_wave(), 0);
}

TEST(ReduceAll, FieldOfAnotherSizeIsAnErrorOnEveryRank) {
    auto& world = test::world();
    const bool wrong = world.rank() == world.size() - 1;
    const auto error = test::error_of([&] { reduce_all(PartialCube(wrong ? 34 : 35, 3), n_y, n_x, world); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_THAT(error->what(), testing::HasSubstr("34"));
}

TEST(ReduceAll, SendsTwiceWhatOthersKeep) {
    auto& world = test::world();
    const PartialCube partial = partial_of(world.rank(), 11);
    const std::int64_t before = world.traffic().bytes("all_reduce");
    reduce_all(PartialCube(partial), n_y, n_x, world);
    // Agreements gather: they are not counted here.
    EXPECT_EQ(world.traffic().bytes("all_reduce") - before, 2 * partial.bytes() * (world.size() - 1) / world.size());
}

TEST(Ghosts, AreTheNeighboursPlanes) {
    auto& world = test::world();
    for (const std::int64_t n_wave : {11, 1, 2, 3, 40}) {
        for (const std::int64_t n_ghost : {0, 1, 2, 5, 12, 100}) { // 5 and more reach past the next rank's slab
            const CubeSlab slab = numbered_slab(n_wave, world.rank(), world.size());
            for (const auto& [first, n_spaxel] : {std::pair{0, 35}, std::pair{9, 14}, std::pair{34, 1}}) {
                const GhostPlanes ghosts = exchange_ghosts(slab, first, n_spaxel, n_ghost, n_wave, world);
                const WaveRange own = slab.range();
                const bool any = own.count > 0;
                EXPECT_EQ(ghosts.below.end(), own.first);
                EXPECT_EQ(ghosts.below.count, any ? std::min(n_ghost, own.first) : 0);
                EXPECT_EQ(ghosts.above.first, own.end());
                EXPECT_EQ(ghosts.above.count, any ? std::min(n_ghost, n_wave - own.end()) : 0);
                for (const WaveRange& side : {ghosts.below, ghosts.above}) {
                    for (std::int64_t wave = side.first; wave < side.end(); ++wave) {
                        for (std::int64_t s = 0; s < n_spaxel; ++s) {
                            ASSERT_EQ(ghosts.row(wave)[s], static_cast<float>(wave * n_y * n_x + first + s))
                                << n_wave << " wavelengths, " << n_ghost << " ghosts";
                        }
                    }
                }
            }
        }
    }
}

TEST(Ghosts, BordersAreExchangedAndNoMore) {
    auto& world = test::world();
    const std::int64_t before = world.traffic().bytes("all_to_all");
    exchange_ghosts(numbered_slab(40, world.rank(), world.size()), 0, n_y * n_x, 2, 40, world);
    EXPECT_LE(world.traffic().bytes("all_to_all") - before,
              2 * 2 * n_y * n_x * static_cast<std::int64_t>(sizeof(float)));
}

TEST(Ghosts, SlabOfAnotherRangeIsAnErrorOnEveryRank) {
    auto& world = test::world();
    const CubeSlab slab = world.is_root() ? CubeSlab({3, 2}, n_y, n_x) : numbered_slab(11, world.rank(), world.size());
    const auto error = test::error_of([&] { exchange_ghosts(slab, 0, n_y * n_x, 1, 11, world); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_THAT(error->what(), testing::HasSubstr("2 planes from 3"));
}

TEST(Slab, PlanesAreKeptInPlaceWithNewNumbers) {
    CubeSlab slab = numbered_slab(40, 0, 1);
    const float* memory = slab.data().data();
    slab.keep_planes({7, 30}, 2);
    EXPECT_EQ(slab.range().first, 2);
    ASSERT_EQ(slab.n_wave(), 30);
    EXPECT_EQ(slab.data().data(), memory);
    ASSERT_EQ(slab.data().size(), 30U * n_y * n_x);
    for (std::size_t i = 0; i < slab.data().size(); ++i) {
        ASSERT_EQ(slab.data()[i], static_cast<float>(7 * n_y * n_x + static_cast<std::int64_t>(i)));
    }
    slab.keep_planes({9, 0}, 5);
    EXPECT_EQ(slab.range().first, 5);
    EXPECT_EQ(slab.n_wave(), 0);
    const auto error = test::error_of([&] { numbered_slab(40, 0, 1).keep_planes({39, 2}, 0); });
    ASSERT_TRUE(error);
    EXPECT_THAT(error->what(), testing::HasSubstr("39 to 41"));
}

TEST(Slab, SmallerPlanesLieAtTheFront) {
    CubeSlab slab({3, 400}, 60, 60); // several pages
    for (std::size_t i = 0; i < slab.data().size(); ++i) { slab.data()[i] = static_cast<float>(i); }
    slab.shrink_planes(20, 30);
    EXPECT_EQ(slab.range().first, 3);
    EXPECT_EQ(slab.n_y(), 20);
    EXPECT_EQ(slab.n_x(), 30);
    ASSERT_EQ(slab.data().size(), 400U * 20 * 30);
    for (std::size_t i = 0; i < slab.data().size(); ++i) { ASSERT_EQ(slab.data()[i], static_cast<float>(i)); }
}

} // namespace
} // namespace tessera
