#include "tessera/cube/device_cube.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>

#include <gmock/gmock.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/cube/cube_blocks.hpp"
#include "tessera/cube/spaxel_owners.hpp"
#include "tests/support/accelerators.hpp"

namespace tessera {
namespace {

constexpr std::int64_t n_y = 5, n_x = 7;

/// Small integers: their sums are exact in float, in any order.
float partial_at(int rank, std::int64_t wave, std::int64_t spaxel, std::int64_t n_wave) {
    return static_cast<float>((rank + 1) * (spaxel * n_wave + wave) % 1000);
}

/// A slab whose voxels tell where they are, as a rank would hold it after the sum.
CubeSlab numbered_slab(std::int64_t n_wave, int rank, int size) {
    CubeSlab slab(slab_of(n_wave, rank, size), n_y, n_x);
    for (std::int64_t i = 0; i < slab.flux().size(); ++i) {
        slab.data()[static_cast<std::size_t>(i)] = static_cast<float>(slab.range().first * n_y * n_x + i);
    }
    return slab;
}

void expect_same(const CubeSlab& found, const CubeSlab& expected) {
    EXPECT_EQ(found.range().first, expected.range().first);
    EXPECT_EQ(found.range().count, expected.range().count);
    EXPECT_EQ(found.n_y(), expected.n_y());
    EXPECT_EQ(found.n_x(), expected.n_x());
    EXPECT_EQ(found.data(), expected.data());
}

/// What is thrown, in words.
std::string text_of(const std::optional<Error>& error) { return error ? error->what() : "no error"; }

/// Bytes that `call` counts in one kind of collective.
template <class Call>
std::int64_t bytes_of(const char* collective, Call&& call) {
    const std::int64_t before = test::world().traffic().bytes(collective);
    call();
    return test::world().traffic().bytes(collective) - before;
}

class DeviceCube : public test::OnAccelerator {
protected:
    DevicePartial device_partial(std::int64_t n_wave) {
        DevicePartial partial(accelerator(), n_wave, n_y * n_x);
        std::vector<float> flux;
        for (std::int64_t w = 0; w < n_wave; ++w) {
            for (std::int64_t s = 0; s < n_y * n_x; ++s) {
                flux.push_back(partial_at(test::world().rank(), w, s, n_wave));
            }
        }
        accelerator().compute().upload(partial.flux, flux);
        accelerator().compute().finish();
        return partial;
    }
    static PartialCube host_partial(std::int64_t n_wave) {
        PartialCube partial(n_y * n_x, n_wave);
        for (std::int64_t s = 0; s < n_y * n_x; ++s) {
            for (std::int64_t w = 0; w < n_wave; ++w) {
                partial.flux()(s, w) = partial_at(test::world().rank(), w, s, n_wave);
            }
        }
        return partial;
    }
};

/// The host's sum of the same partial cubes.
CubeSlab on_host(const PartialCube& partial, Reduction method) {
    auto& world = test::world();
    if (method == Reduction::allreduce) { return reduce_all(PartialCube(partial), n_y, n_x, world); }
    const CubeBlocks blocks{.n_spaxel = n_y * n_x, .n_wave = partial.n_wave(), .n_rank = world.size()};
    return bring_together(partial, *sum_in_blocks(blocks, n_y, n_x, world));
}

TEST_P(DeviceCube, PartialCubeIsZeroWhenMade) {
    DevicePartial partial(accelerator(), 11, 35);
    EXPECT_EQ(test::values_of(accelerator().compute(), partial.flux), std::vector<float>(11 * 35));
}

TEST_P(DeviceCube, SumAndSlabAreThoseOfTheHost) {
    auto& world = test::world();
    for (const Reduction method : {Reduction::automatic, Reduction::allreduce, Reduction::reduce_scatter}) {
        for (const std::int64_t n_wave : {11, 1, 2, 200}) { // 1 and 2 leave ranks without a plane
            DevicePartial partial = device_partial(n_wave);
            const DeviceSlab slab = reduce(accelerator(), std::move(partial), n_y, n_x, method, world);
            expect_same(to_host(accelerator(), slab), on_host(host_partial(n_wave), method));
        }
    }
}

TEST_P(DeviceCube, SendsWhatTheHostSends) {
    auto& world = test::world();
    for (const char* collective : {"reduce_scatter", "all_reduce"}) {
        for (const Reduction method : {Reduction::reduce_scatter, Reduction::allreduce}) {
            const auto device =
                bytes_of(collective, [&] { reduce(accelerator(), device_partial(11), n_y, n_x, method, world); });
            EXPECT_EQ(device, bytes_of(collective, [&] { on_host(host_partial(11), method); }));
        }
    }
    const CubeSlab host = numbered_slab(40, world.rank(), world.size());
    const DeviceSlab slab = to_device(accelerator(), host);
    EXPECT_EQ(bytes_of("all_to_all", [&] { with_ghosts(accelerator(), slab, 2, 40, world); }),
              bytes_of("all_to_all", [&] { exchange_ghosts(host, 0, n_y * n_x, 2, 40, world); }));
    accelerator().compute().finish();
}

TEST_P(DeviceCube, InBlocksItIsTheSameSumAndTraffic) {
    auto& world = test::world();
    for (const std::int64_t n_wave : {11, 1, 2, 200}) {
        for (const std::int64_t n_block : {0, 1, 2, 5, 300}) {
            CubeSlab slab;
            const auto bytes = bytes_of("reduce_scatter", [&] {
                const DevicePartial partial = device_partial(n_wave);
                BlockedReduction reduction(accelerator(), partial, n_y, n_x, world, n_block);
                for (const WaveRange block : reduction.blocks()) { reduction.done(block); }
                const DeviceSlab there = reduction.finish();
                slab = to_host(accelerator(), there);
            });
            CubeSlab expected;
            EXPECT_EQ(bytes, bytes_of("reduce_scatter",
                                      [&] { expected = on_host(host_partial(n_wave), Reduction::reduce_scatter); }));
            expect_same(slab, expected);
        }
    }
}

TEST_P(DeviceCube, BlocksComeInTheirOrder) {
    const DevicePartial partial = device_partial(11);
    BlockedReduction reduction(accelerator(), partial, n_y, n_x, test::world(), 3);
    const auto error = test::error_of([&] { reduction.done(reduction.blocks()[1]); });
    EXPECT_TRUE(error);
}

TEST_P(DeviceCube, PartialCubeIsConsumed) {
    DevicePartial partial = device_partial(11);
    const DeviceSlab slab = reduce(accelerator(), std::move(partial), n_y, n_x, Reduction::automatic, test::world());
    EXPECT_EQ(partial.flux.data(), nullptr); // NOLINT(bugprone-use-after-move): what is left is what is tested
    EXPECT_EQ(slab.n_wave(), slab_of(11, test::world().rank(), test::world().size()).count);
}

TEST_P(DeviceCube, FieldOfAnotherSizeIsAnErrorOnEveryRank) {
    auto& world = test::world();
    const bool wrong = world.rank() == world.size() - 1;
    const auto error = test::error_of([&] {
        reduce(accelerator(), DevicePartial(accelerator(), 3, wrong ? 34 : 35), n_y, n_x, Reduction::automatic, world);
    });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_THAT(error->what(), testing::HasSubstr("34"));
}

/// The slab between its ghost planes.
CubeSlab with_ghosts_on_host(const CubeSlab& slab, std::int64_t n_ghost, std::int64_t n_wave) {
    const GhostPlanes ghosts = exchange_ghosts(slab, 0, n_y * n_x, n_ghost, n_wave, test::world());
    const std::int64_t n_plane = ghosts.below.count + slab.n_wave() + ghosts.above.count;
    CubeSlab wide({slab.range().first - ghosts.below.count, n_plane}, n_y, n_x);
    const auto middle = ghosts.flux.begin() + ghosts.below.count * n_y * n_x;
    auto to = std::copy(ghosts.flux.begin(), middle, wide.data().begin());
    to = std::copy(slab.data().begin(), slab.data().end(), to);
    std::copy(middle, ghosts.flux.end(), to);
    return wide;
}

TEST_P(DeviceCube, GhostsAreThoseOfTheHost) {
    auto& world = test::world();
    for (const std::int64_t n_wave : {11, 1, 2, 3, 40}) {
        for (const std::int64_t n_ghost : {0, 1, 2, 5, 12, 100}) { // 5 and more reach past the next rank's slab
            const CubeSlab host = numbered_slab(n_wave, world.rank(), world.size());
            const DeviceSlab wide = with_ghosts(accelerator(), to_device(accelerator(), host), n_ghost, n_wave, world);
            expect_same(to_host(accelerator(), wide), with_ghosts_on_host(host, n_ghost, n_wave));
        }
    }
}

TEST_P(DeviceCube, SlabOfAnotherRangeIsAnErrorOnEveryRank) {
    auto& world = test::world();
    const CubeSlab host = world.is_root() ? CubeSlab({3, 2}, n_y, n_x) : numbered_slab(11, world.rank(), world.size());
    const DeviceSlab slab = to_device(accelerator(), host);
    const auto error = test::error_of([&] { with_ghosts(accelerator(), slab, 1, 11, world); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_THAT(error->what(), testing::HasSubstr("2 planes from 3"));
}

TEST_P(DeviceCube, ScaledPixelsAreRoundedOnce) {
    CubeSlab host(WaveRange{4, 3}, n_y, n_x);
    for (std::size_t i = 0; i < host.data().size(); ++i) { host.data()[i] = 1.0F / static_cast<float>(i + 1); }
    DeviceSlab slab = to_device(accelerator(), host);
    scale(accelerator(), slab, 1.1e-3);
    for (float& value : host.data()) { value = static_cast<float>(value * 1.1e-3); }
    expect_same(to_host(accelerator(), slab), host);
}

TEST_P(DeviceCube, PlanesOfOwnedSpaxelsAreCollected) {
    auto& world = test::world();
    const auto value = [](int rank, std::int64_t wave, std::int64_t spaxel) {
        return static_cast<float>(1000 * rank + 100 * wave + spaxel);
    };
    for (const std::int64_t n_wave : {11L, 1L}) { // one: ranks without any plane
        SpaxelOwners owners(n_y * n_x, world.size());
        std::vector<std::int32_t> everyone;
        for (std::int32_t rank = 0; rank < world.size(); ++rank) { everyone.push_back(rank); }
        for (std::int64_t s = 0; s < n_y * n_x - 2; ++s) { // nobody makes the last two
            owners.set(s, s == 3 ? everyone : std::vector{static_cast<std::int32_t>(s * s % world.size())});
        }
        const std::vector<std::int64_t> rows = owners.of_rank(world.rank());
        std::vector<float> flux;
        for (std::int64_t w = 0; w < n_wave; ++w) {
            for (const std::int64_t s : rows) { flux.push_back(value(world.rank(), w, s)); }
        }
        DevicePartial own(accelerator(), n_wave, std::ssize(rows));
        if (!flux.empty()) { accelerator().compute().upload(own.flux, flux); }
        accelerator().compute().finish();
        const CubeSlab found =
            to_host(accelerator(), collect_planes(accelerator(), std::move(own), owners, n_y, n_x, world, world));
        CubeSlab expected(slab_of(n_wave, world.rank(), world.size()), n_y, n_x);
        for (std::int64_t w = 0; w < expected.n_wave(); ++w) {
            for (std::int64_t s = 0; s < n_y * n_x; ++s) {
                for (const std::int32_t rank : owners.of(s)) {
                    expected.flux().row(w)[s] += value(rank, expected.range().first + w, s);
                }
            }
        }
        expect_same(found, expected);
    }
}

TEST_P(DeviceCube, CollectingAnotherNumberOfSpaxelsIsAnErrorOnEveryRank) {
    const SpaxelOwners owners(n_y * n_x, test::world().size());
    const auto error = test::error_of([&] {
        collect_planes(accelerator(), DevicePartial(accelerator(), 3, 1), owners, n_y, n_x, test::world(),
                       test::world());
    });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
}

TEST_P(DeviceCube, ABoxIsCutOutAndItsPlanesRenumbered) {
    CubeSlab host(WaveRange{4, 6}, n_y, n_x);
    for (std::size_t i = 0; i < host.data().size(); ++i) { host.data()[i] = static_cast<float>(i); }
    const DeviceSlab slab = to_device(accelerator(), host);
    const CubeSlab found = to_host(accelerator(), cut_out(accelerator(), slab, {5, 3}, 2, 5));
    EXPECT_EQ(found.range().first, 0);
    ASSERT_EQ(found.range().count, 3);
    ASSERT_EQ(found.n_y(), 1);
    ASSERT_EQ(found.n_x(), 3);
    for (std::int64_t w = 0; w < 3; ++w) {
        for (std::int64_t x = 0; x < 3; ++x) { EXPECT_EQ(found.flux()(w, 0, x), host.flux()(w + 1, 2, x + 2)); }
    }
    const CubeSlab nothing = to_host(accelerator(), cut_out(accelerator(), slab, {20, 0}, 0, 5));
    EXPECT_EQ(nothing.range().first, 15);
    EXPECT_TRUE(nothing.data().empty());
    const auto error = test::error_of([&] { cut_out(accelerator(), slab, {9, 2}, 0, 0); });
    ASSERT_TRUE(error);
    EXPECT_THAT(error->what(), testing::HasSubstr("between 4 and 10"));
    EXPECT_TRUE(test::error_of([&] { cut_out(accelerator(), slab, {5, 3}, 3, 0); }));
}

TEST_P(DeviceCube, PlanesOfAFieldAreItsOwn) {
    constexpr std::int64_t n_wave = 3, n_field = 2;
    DevicePartial partial(accelerator(), n_wave, n_y * n_x, n_field);
    std::vector<float> flux(static_cast<std::size_t>(n_field * n_wave * n_y * n_x));
    std::iota(flux.begin(), flux.end(), 0.0F);
    accelerator().compute().upload(partial.flux, flux);
    for (std::int64_t field = 0; field < n_field; ++field) {
        const CubeSlab planes = to_host(accelerator(), planes_of_field(accelerator(), partial, field, n_y, n_x));
        ASSERT_EQ(planes.n_wave(), n_wave);
        const auto first = flux.begin() + field * n_wave * n_y * n_x;
        EXPECT_TRUE(std::equal(planes.data().begin(), planes.data().end(), first));
    }
    const auto planes = [&](std::int64_t field, std::int64_t rows) {
        return text_of(test::error_of([&] { planes_of_field(accelerator(), partial, field, rows, n_x); }));
    };
    EXPECT_THAT(planes(2, n_y), testing::HasSubstr("one of 2 fields"));
    EXPECT_THAT(planes(0, n_y + 1), testing::HasSubstr("35 spaxels"));
}

INSTANTIATE_TEST_SUITE_P(On, DeviceCube, test::every_accelerator());

} // namespace
} // namespace tessera
