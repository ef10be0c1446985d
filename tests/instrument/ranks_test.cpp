// What ranks make of the slabs of one cube, against one rank that has all of it.
#include <cmath>

#include "instrument/shared_convolution.hpp"
#include "tessera/core/random.hpp"
#include "tessera/instrument/convolve.hpp"
#include "tessera/instrument/lsf.hpp"
#include "tests/instrument/random_kernel.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

using test::random_kernel;

CubeSlab random_cube(std::int64_t n_wave, std::int64_t n_y, std::int64_t n_x) {
    CubeSlab cube({0, n_wave}, n_y, n_x);
    for (std::size_t i = 0; i < cube.data().size(); ++i) {
        cube.data()[i] = static_cast<float>(std::fmod(static_cast<double>(i) * 0.6180339887, 1.0));
    }
    return cube;
}

/// This rank's planes.
CubeSlab own_part(CubeSlab cube) {
    const WaveRange own = slab_of(cube.n_wave(), test::world().rank(), test::world().size());
    cube.keep_planes(own, own.first);
    return cube;
}

Lsf lsf_of(const WavelengthGrid& grid, double fwhm, std::optional<std::int64_t> taps = {}) {
    LsfOptions options;
    options.fwhm = fwhm;
    options.taps = taps;
    return make_lsf(options, grid, 2.51, {}, 0);
}

void expect_bits_of_one_rank(const CubeSlab& cube, const Lsf& lsf, int n_thread) {
    CubeSlab expected = cube;
    apply_lsf(expected, lsf, *make_self_communicator(), 1);
    CubeSlab slab = own_part(cube);
    apply_lsf(slab, lsf, test::world(), n_thread);
    EXPECT_EQ(slab.data(), own_part(expected).data()) << cube.n_wave() << " planes";
}

TEST(LsfOnRanks, SlabsHaveTheBitsOfTheWholeCube) {
    const auto even = make_linear_wavelengths(5000, 5030, 1.25); // on four ranks fewer planes than ghosts
    const auto uneven = make_logarithmic_wavelengths(5000, 5200, 2e-4);
    expect_bits_of_one_rank(random_cube(even.size(), 4, 5), lsf_of(even, 4), 1);
    expect_bits_of_one_rank(random_cube(even.size(), 4, 5), lsf_of(even, 4, 25), 2); // zero beyond the band
    expect_bits_of_one_rank(random_cube(uneven.size(), 3, 500), lsf_of(uneven, 3), 2);
    expect_bits_of_one_rank(random_cube(2, 7, 3), lsf_of(make_linear_wavelengths(5000, 5002.5, 1.25), 2.5), 1);
}

TEST(LsfOnRanks, StripsOfALargeFieldAreExchangedOnceEach) {
    auto& world = test::world();
    const auto grid = make_linear_wavelengths(5000, 5025, 1.25);
    const Lsf lsf = lsf_of(grid, 2.6);
    const CubeSlab cube = random_cube(grid.size(), 401, 301);
    const std::int64_t n_spaxel = cube.n_y() * cube.n_x();
    const auto sent = [&](auto&& call) { // bytes, calls
        const Traffic before = world.traffic();
        call();
        const auto entry = [](const Traffic& traffic) {
            const auto found = traffic.collective.find("all_to_all");
            return found == traffic.collective.end() ? Traffic::Entry{} : found->second;
        };
        const auto now = entry(world.traffic()), then = entry(before);
        return std::pair{now.bytes - then.bytes, now.calls - then.calls};
    };
    const auto [whole, one] =
        sent([&] { exchange_ghosts(own_part(cube), 0, n_spaxel, lsf.half_width(), grid.size(), world); });
    const auto [bytes, calls] = sent([&] { expect_bits_of_one_rank(cube, lsf, 1); });
    EXPECT_EQ(bytes, whole);
    if (world.size() > 1) {
        EXPECT_GT(calls, one) << "this field should come in strips";
        EXPECT_LT(lsf_scratch(lsf, n_spaxel, world.size(), 1), 16 << 20);
    }
}

/// Planes over all ranks against whole planes on one.
void expect_same_convolution(const CubeSlab& cube, const Kernel2D& kernel, std::int64_t margin, int n_thread) {
    const CubeSlab expected = own_part(convolve(cube, kernel, margin, Convolution::fft, 1));
    const CubeSlab found = convolve_over_ranks(own_part(cube), kernel, margin, cube.n_wave(), test::world(), n_thread);
    EXPECT_EQ(found.range().first, expected.range().first);
    ASSERT_EQ(found.n_wave(), expected.n_wave());
    ASSERT_EQ(found.n_y(), expected.n_y());
    ASSERT_EQ(found.n_x(), expected.n_x());
    ASSERT_EQ(found.data().size(), expected.data().size());
    for (std::size_t i = 0; i < found.data().size(); ++i) {
        // The same sums in double in another order, then rounded to float: values are below 1.
        ASSERT_NEAR(found.data()[i], expected.data()[i], 1.2e-7)
            << cube.n_y() << " x " << cube.n_x() << ", kernel " << kernel.n_y << " x " << kernel.n_x;
    }
}

TEST(ConvolutionOnRanks, IsThatOfWholePlanes) {
    struct Case {
        std::int64_t n_wave, n_y, n_x, margin;
        Kernel2D kernel;
    };
    const std::vector<Case> cases{{3, 9, 11, 0, random_kernel(5, 3)},
                                  {5, 17, 13, 0, random_kernel(4, 6)},
                                  {11, 8, 8, 3, random_kernel(7, 7)},
                                  {7, 31, 37, 1, random_kernel(7, 5)},
                                  {2, 10, 9, 6, random_kernel(5, 5)},
                                  {4, 3, 4, 0, random_kernel(15, 12)}, // wider than the planes
                                  {6, 1, 1, 0, random_kernel(3, 3)},
                                  {1, 2, 41, 0, random_kernel(1, 9)}, // fewer planes and rows than ranks
                                  {13, 97, 89, 10, moffat_kernel(2.0, 2.5, 21)}};
    for (const Case& c : cases) {
        for (const int n_thread : {1, 3}) {
            expect_same_convolution(random_cube(c.n_wave, c.n_y + 2 * c.margin, c.n_x + 2 * c.margin), c.kernel,
                                    c.margin, n_thread);
        }
    }
}

TEST(ConvolutionOnRanks, ManyRoundsAndPiecesInPlace) {
    const Kernel2D kernel = random_kernel(5, 7);
    const int n_rank = test::world().size();
    const CubeSlab cube = random_cube(23, 26, 23);
    const SharedPlanes shared(kernel, 20, 17, 3, 23, n_rank, {.round = 20'000, .piece = 500});
    EXPECT_GT(shared.n_round() * n_rank, 5);
    EXPECT_GE(shared.n_piece, 2);
    CubeSlab slab = own_part(cube);
    SharedConvolution convolution(kernel, shared, test::world().rank(), 1);
    for (std::int64_t i = 0; i < shared.n_round(); ++i) { convolution.round(i, slab, test::world()); }
    slab.shrink_planes(20, 17);
    const CubeSlab expected = own_part(convolve(cube, kernel, 3, Convolution::fft, 1));
    ASSERT_EQ(slab.data().size(), expected.data().size());
    for (std::size_t i = 0; i < slab.data().size(); ++i) { ASSERT_NEAR(slab.data()[i], expected.data()[i], 1.2e-7); }
}

TEST(ConvolutionOnRanks, NoNegativeFluxAndZeroWhereNoLightReaches) {
    const Kernel2D kernel = gaussian_kernel(1.5, 11);
    CubeSlab cube({0, 2}, 40, 40);
    cube.flux()(0, 8, 9) = 1e12F;
    cube.flux()(1, 30, 9) = 1e-12F;
    const CubeSlab result = convolve_over_ranks(own_part(cube), kernel, 0, 2, test::world());
    for (std::int64_t i = 0; i < result.n_wave(); ++i) {
        const std::int64_t star_y = result.range().first + i == 0 ? 8 : 30;
        for (std::int64_t y = 0; y < 40; ++y) {
            for (std::int64_t x = 0; x < 40; ++x) {
                const bool reached = std::abs(y - star_y) <= 5 && std::abs(x - 9) <= 5;
                EXPECT_EQ(result.flux()(i, y, x) > 0, reached) << y << " " << x;
                EXPECT_GE(result.flux()(i, y, x), 0);
            }
        }
    }
}

TEST(ConvolutionOnRanks, ARankHoldsItsPartOfAPlane) {
    const Kernel2D kernel = moffat_kernel(3.5, 2.5, 71);
    const auto scratch = [&](int n_rank) { return distributed_scratch(kernel, 4000, 4000, 3721, n_rank, 1); };
    EXPECT_LT(scratch(16), scratch(1) / 4); // of one plane; then the messages of a round are what there is
    EXPECT_LT(scratch(64), 100 << 20);
    EXPECT_LT(scratch(64), convolution_scratch(kernel, 4000, 4000, 1) / 3);
}

TEST(ConvolutionOnRanks, TheIdentityCrops) {
    const CubeSlab cube = random_cube(5, 9, 8);
    const CubeSlab found = convolve_over_ranks(own_part(cube), Kernel2D{}, 2, 5, test::world());
    EXPECT_EQ(found.data(), own_part(convolve(cube, Kernel2D{}, 2)).data());
}

TEST(ConvolutionOnRanks, ASlabOfAnotherRangeIsAnErrorOnEveryRank) {
    auto& world = test::world();
    const CubeSlab slab = world.is_root() ? CubeSlab({3, 2}, 9, 9) : own_part(random_cube(11, 9, 9));
    const auto error = test::error_of([&] { convolve_over_ranks(slab, gaussian_kernel(1, 5), 1, 11, world); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_NE(std::string(error->what()).find("2 planes from 3"), std::string::npos) << error->what();
}

} // namespace
} // namespace tessera
