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

class EachMethod : public testing::TestWithParam<Reduction> {};

TEST_P(EachMethod, SlabIsTheSumOverRanks) {
    auto& world = test::world();
    for (const std::int64_t n_wave :
         {11, 1, 2, 200}) { // no rank count above 1 divides 11; 1 and 2 leave ranks without a plane
        PartialCube partial = partial_of(world.rank(), n_wave);
        const device::Host threads{n_wave == 200 ? 3 : 1}; // 200: several blocks for the threads to share
        const CubeSlab slab = reduce(std::move(partial), n_y, n_x, GetParam(), world, threads);
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

TEST_P(EachMethod, RanksWithoutStarsAddNothing) {
    auto& world = test::world();
    const int last = world.size() - 1;
    const CubeSlab slab =
        reduce(world.rank() == last ? partial_of(0, 11) : PartialCube(n_y * n_x, 11), n_y, n_x, GetParam(), world);
    for (std::int64_t w = 0; w < slab.n_wave(); ++w) {
        EXPECT_EQ(slab.flux()(w, 4, 6), static_cast<float>(34 * 11 + slab.range().first + w));
    }
}

TEST_P(EachMethod, PartialCubeIsConsumed) {
    PartialCube partial = partial_of(0, 11);
    const CubeSlab slab = reduce(std::move(partial), n_y, n_x, GetParam(), test::world());
    const PartialCube after = std::move(partial); // NOLINT(bugprone-use-after-move): what is left is what is tested
    EXPECT_EQ(after.flux().data(), nullptr);
    EXPECT_GE(slab.n_wave(), 0);
}

TEST_P(EachMethod, FieldOfAnotherSizeIsAnErrorOnEveryRank) {
    auto& world = test::world();
    const bool wrong = world.rank() == world.size() - 1;
    const auto error = test::error_of([&] { reduce(PartialCube(wrong ? 34 : 35, 3), n_y, n_x, GetParam(), world); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_THAT(error->what(), testing::HasSubstr("34"));
}

INSTANTIATE_TEST_SUITE_P(Reduce, EachMethod,
                         testing::Values(Reduction::automatic, Reduction::allreduce, Reduction::reduce_scatter));

TEST(Reduce, BytesSentStayBelowOneCubeByReduceScatterAndTwoByAllreduce) {
    auto& world = test::world();
    PartialCube scattered = partial_of(world.rank(), 11), whole = partial_of(world.rank(), 11);
    const std::int64_t bytes = scattered.bytes();
    const std::int64_t before = world.traffic().bytes("reduce_scatter"),
                       before_all = world.traffic().bytes("all_reduce");
    const CubeSlab slab = reduce(std::move(scattered), n_y, n_x, Reduction::reduce_scatter, world);
    const std::int64_t sent = world.traffic().bytes("reduce_scatter") - before;
    EXPECT_LE(sent, bytes);
    EXPECT_EQ(sent,
              bytes - static_cast<std::int64_t>(slab.data().size() * sizeof(float))); // what others own, and no more
    EXPECT_EQ(world.traffic().bytes("all_reduce"), before_all);
    reduce(std::move(whole), n_y, n_x, Reduction::allreduce, world);
    EXPECT_LE(world.traffic().bytes("all_reduce") - before_all, 2 * bytes);
    if (world.size() > 1) { EXPECT_GT(world.traffic().bytes("all_reduce"), before_all); }
}

TEST(WithGhosts, BordersAreTheNeighboursPlanes) {
    auto& world = test::world();
    for (const std::int64_t n_wave : {11, 1, 2, 3, 40}) {
        for (const std::int64_t n_ghost : {0, 1, 2, 5, 12, 100}) { // 5 and more reach past the next rank's slab
            const CubeSlab slab = numbered_slab(n_wave, world.rank(), world.size());
            const CubeSlab wide = with_ghosts(slab, n_ghost, n_wave, world);
            if (slab.n_wave() == 0) {
                EXPECT_EQ(wide.n_wave(), 0);
                continue;
            }
            EXPECT_EQ(wide.range().first, std::max<std::int64_t>(0, slab.range().first - n_ghost));
            EXPECT_EQ(wide.range().end(), std::min(n_wave, slab.range().end() + n_ghost));
            EXPECT_EQ(wide.n_y(), n_y);
            EXPECT_EQ(wide.n_x(), n_x);
            for (std::int64_t i = 0; i < wide.flux().size(); ++i) {
                ASSERT_EQ(wide.data()[static_cast<std::size_t>(i)],
                          static_cast<float>(wide.range().first * n_y * n_x + i))
                    << n_wave << " wavelengths, " << n_ghost << " ghosts";
            }
        }
    }
}

TEST(WithGhosts, ExchangesTheBordersAndNoMore) {
    auto& world = test::world();
    const std::int64_t before = world.traffic().bytes("all_to_all");
    with_ghosts(numbered_slab(40, world.rank(), world.size()), 2, 40, world);
    EXPECT_LE(world.traffic().bytes("all_to_all") - before,
              2 * 2 * n_y * n_x * static_cast<std::int64_t>(sizeof(float)));
}

TEST(WithGhosts, SlabOfAnotherRangeIsAnErrorOnEveryRank) {
    auto& world = test::world();
    const bool wrong = world.is_root();
    const auto error = test::error_of([&] {
        with_ghosts(wrong ? CubeSlab({3, 2}, n_y, n_x) : numbered_slab(11, world.rank(), world.size()), 1, 11, world);
    });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_THAT(error->what(), testing::HasSubstr("2 planes from 3"));
}

} // namespace
} // namespace tessera
