// What ranks make of the slabs of one cube, against one rank that has all of it.
#include <cmath>

#include "tessera/instrument/convolve.hpp"
#include "tessera/instrument/lsf.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

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
    const auto grid = make_linear_wavelengths(5000, 5050, 1.25);
    const Lsf lsf = lsf_of(grid, 2.6);
    const CubeSlab cube = random_cube(grid.size(), 401, 499);
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

} // namespace
} // namespace tessera
