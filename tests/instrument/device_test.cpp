// The instrument's stages on an accelerator against the host's: the same bits, but for Fourier transforms, which are in float there.
#include "tessera/instrument/device_instrument.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gmock/gmock.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/random.hpp"
#include "tests/instrument/random_kernel.hpp"
#include "tests/support/accelerators.hpp"

namespace tessera {
namespace {

using test::random_kernel;

class DeviceInstrument : public test::OnAccelerator {
protected:
    CubeSlab back(const DeviceSlab& slab) { return to_host(accelerator(), slab); }
    DeviceSlab up(const CubeSlab& slab) { return to_device(accelerator(), slab); }
};
class DeviceNoise : public DeviceInstrument {};
class DevicePsf : public DeviceInstrument {};
class DeviceLsf : public DeviceInstrument {};

void expect_same(const CubeSlab& found, const CubeSlab& expected) {
    EXPECT_EQ(found.range().first, expected.range().first);
    EXPECT_EQ(found.range().count, expected.range().count);
    EXPECT_EQ(found.n_y(), expected.n_y());
    EXPECT_EQ(found.n_x(), expected.n_x());
    EXPECT_EQ(found.data(), expected.data());
}

/// Light over five decades.
CubeSlab random_slab(WaveRange range, std::int64_t n_y, std::int64_t n_x) {
    CubeSlab slab(range, n_y, n_x);
    for (std::size_t i = 0; i < slab.data().size(); ++i) {
        slab.data()[i] =
            static_cast<float>(std::pow(Philox::at(3, static_cast<std::uint64_t>(range.first), i).uniform(0), 8));
    }
    return slab;
}

// ---- noise

struct Field {
    std::int64_t n_wave, n_y, n_x;
};

/// This rank's planes: light of any sign and size, some of none, a spaxel without any.
CubeSlab noise_slab(const Field& field) {
    CubeSlab slab(slab_of(field.n_wave, test::world().rank(), test::world().size()), field.n_y, field.n_x);
    const std::int64_t plane = field.n_y * field.n_x;
    for (std::int64_t i = 0; i < slab.flux().size(); ++i) {
        const auto voxel = static_cast<std::uint64_t>(slab.range().first * plane + i);
        const double size = std::exp(4 * Philox::at(8, 1, voxel).normal());
        const bool dark = i % plane == 0 || voxel % 17 == 3;
        slab.data()[static_cast<std::size_t>(i)] =
            dark ? 0.0F : static_cast<float>(size * (voxel % 11 == 5 ? -0.01 : 1.0));
    }
    return slab;
}

NoiseOptions noise_of(NoiseKind kind, NoiseDistribution distribution) {
    NoiseOptions options;
    options.kind = kind;
    options.distribution = distribution;
    options.signal_to_noise = 20;
    options.seed = 42;
    return options;
}

TEST_P(DeviceNoise, CubeAndVarianceHaveTheBitsOfTheHosts) {
    for (const Field& field : {Field{203, 7, 9}, Field{3, 1, 1}, Field{70, 33, 1}, Field{1, 40, 50}}) {
        const WavelengthGrid grid =
            make_linear_wavelengths(5000, 5000 + 1.25 * static_cast<double>(field.n_wave) - 0.1, 1.25);
        ASSERT_EQ(grid.size(), field.n_wave);
        for (const NoiseKind kind : {NoiseKind::signal_to_noise, NoiseKind::exposure}) {
            for (const NoiseDistribution distribution : {NoiseDistribution::normal, NoiseDistribution::uniform}) {
                const NoiseOptions options = noise_of(kind, distribution);
                const NoiseScene scene{&grid, 0.2, 1e-20, 1};
                CubeSlab cube = noise_slab(field);
                DeviceSlab device_cube = up(cube);
                const CubeSlab variance = add_noise(cube, options, scene, test::world());
                const DeviceSlab device_variance = add_noise(accelerator(), device_cube, options, scene, test::world());
                expect_same(back(device_cube), cube);
                expect_same(back(device_variance), variance);
            }
        }
    }
}

TEST_P(DeviceNoise, NoneChangesNothingAndACubeWithoutLightGetsNone) {
    const WavelengthGrid grid = make_linear_wavelengths(5000, 5061, 1.25);
    const NoiseScene scene{&grid, 0.2, std::nullopt, 1};
    const CubeSlab cube = noise_slab({grid.size(), 5, 4});
    DeviceSlab untouched = up(cube);
    EXPECT_EQ(add_noise(accelerator(), untouched, {}, scene, test::world()).n_wave(), 0);
    expect_same(back(untouched), cube);
    CubeSlab dark(cube.range(), 5, 4);
    DeviceSlab device_dark = up(dark);
    const NoiseOptions options = noise_of(NoiseKind::signal_to_noise, NoiseDistribution::normal);
    const DeviceSlab variance = add_noise(accelerator(), device_dark, options, scene, test::world());
    expect_same(back(device_dark), dark);
    expect_same(back(variance), dark);
}

TEST_P(DeviceNoise, ExposureNeedsAPhysicalFlux) {
    const WavelengthGrid grid = make_linear_wavelengths(5000, 5061, 1.25);
    DeviceSlab cube = up(noise_slab({grid.size(), 2, 2}));
    const auto error = test::error_of([&] {
        add_noise(accelerator(), cube, noise_of(NoiseKind::exposure, NoiseDistribution::normal),
                  {&grid, 0.2, std::nullopt, 1}, test::world());
    });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::config);
}

// ---- point-spread function

struct PsfCase {
    std::int64_t n_wave, n_y, n_x, margin;
    Kernel2D kernel;
};

std::vector<PsfCase> psf_cases() {
    return {{3, 9, 11, 0, random_kernel(5, 3)},
            {5, 9, 11, 0, random_kernel(4, 6)},
            {1, 8, 8, 3, random_kernel(7, 7)},
            {9, 8, 13, 1, random_kernel(7, 5)},
            {4, 10, 9, 6, random_kernel(5, 5)},  // a margin that is not needed
            {6, 3, 4, 0, random_kernel(15, 12)}, // larger than the image
            {2, 1, 1, 0, random_kernel(3, 3)},
            {7, 1, 1, 5, moffat_kernel(2.0, 2.5, 11)},
            {0, 6, 6, 1, random_kernel(3, 3)}, // no planes
            {7, 25, 25, 0, gaussian_kernel(0.8, 5)},
            {3, 12, 14, 5, gaussian_kernel(1.7, 11)},
            {2, 12, 10, 0, sampled_gaussian_kernel(0.9, 4)},
            {5, 20, 23, 10, moffat_kernel(2.0, 2.5, 21)},
            {3, 6, 5, 2, Kernel2D{}}};
}

TEST_P(DevicePsf, SumsHaveTheBitsOfTheHosts) {
    for (const PsfCase& c : psf_cases()) {
        const CubeSlab slab = random_slab({7, c.n_wave}, c.n_y + 2 * c.margin, c.n_x + 2 * c.margin);
        const DeviceSlab device_slab = up(slab);
        SCOPED_TRACE(testing::Message() << c.n_y << "x" << c.n_x << " kernel " << c.kernel.n_y << "x" << c.kernel.n_x);
        expect_same(back(convolve(accelerator(), device_slab, c.kernel, c.margin, Convolution::direct)),
                    convolve(slab, c.kernel, c.margin, Convolution::direct, 1));
    }
}

TEST_P(DevicePsf, TransformsAreWithinAMillionthOfThePlanesLargest) {
    std::vector<PsfCase> cases = psf_cases();
    cases.push_back({2, 131, 150, 15, moffat_kernel(3.0, 2.5, 31)});
    for (const PsfCase& c : cases) {
        const CubeSlab slab = random_slab({7, c.n_wave}, c.n_y + 2 * c.margin, c.n_x + 2 * c.margin);
        const CubeSlab expected = convolve(slab, c.kernel, c.margin, Convolution::fft, 1);
        const CubeSlab found = back(convolve(accelerator(), up(slab), c.kernel, c.margin, Convolution::fft));
        ASSERT_EQ(found.n_wave(), c.n_wave);
        ASSERT_EQ(found.n_y(), c.n_y);
        ASSERT_EQ(found.n_x(), c.n_x);
        for (std::int64_t w = 0; w < c.n_wave; ++w) {
            const float* plane = slab.flux().row(w);
            const float largest = *std::max_element(plane, plane + slab.n_y() * slab.n_x());
            for (std::int64_t i = 0; i < c.n_y * c.n_x; ++i) {
                EXPECT_NEAR(found.flux().row(w)[i], expected.flux().row(w)[i], 1e-6F * largest)
                    << c.n_y << "x" << c.n_x << " kernel " << c.kernel.n_y << "x" << c.kernel.n_x;
            }
        }
    }
}

TEST_P(DevicePsf, TransformsArePlannedAndTheKernelTransformedForTheFirstCubeAlone) {
    const CubeSlab slab = random_slab({0, 3}, 40, 40);
    const auto& counts = accelerator().info().work;
    const auto made = [&](const Kernel2D& kernel) {
        return back(convolve(accelerator(), up(slab), kernel, 5, Convolution::fft));
    };
    const CubeSlab first = made(moffat_kernel(3.0, 2.5, 11));
    const auto before = counts;
    const CubeSlab second = made(moffat_kernel(3.0, 2.5, 11));
    const auto again = counts.since(before);
    EXPECT_EQ(again.fft_plans, 0);
    EXPECT_EQ(again.uploads, 1) << "the cube itself";
    EXPECT_LT(again.launches, before.launches);
    EXPECT_TRUE(std::ranges::equal(first.data(), second.data()));
    made(moffat_kernel(2.0, 2.5, 11));
    EXPECT_EQ(counts.since(before).fft_plans, 0) << "another kernel of that size";
    EXPECT_EQ(counts.since(before).uploads, 3) << "a cube and the kernel";
}

TEST_P(DevicePsf, NoNegativeFluxAndZeroWhereNoLightReaches) {
    for (const Kernel2D& kernel : {gaussian_kernel(1.5, 11), moffat_kernel(2.0, 2.5, 11)}) {
        CubeSlab slab({0, 2}, 40, 40);
        slab.flux()(0, 8, 9) = 1e12F;
        slab.flux()(1, 30, 9) = 1e-12F;
        for (const Convolution method : {Convolution::direct, Convolution::fft}) {
            const CubeSlab result = back(convolve(accelerator(), up(slab), kernel, 0, method));
            for (std::int64_t wave = 0; wave < 2; ++wave) {
                const std::int64_t star_y = wave == 0 ? 8 : 30;
                const float peak = result.flux()(wave, star_y, 9);
                EXPECT_NEAR(peak / (wave == 0 ? 1e12 : 1e-12), kernel.at(5, 5), 1e-6);
                for (std::int64_t y = 0; y < 40; ++y) {
                    for (std::int64_t x = 0; x < 40; ++x) {
                        const bool reached = std::abs(y - star_y) <= 5 && std::abs(x - 9) <= 5;
                        const float flux = result.flux()(wave, y, x);
                        EXPECT_GE(flux, 0.0F) << word(method);
                        if (!reached) { EXPECT_EQ(flux, 0.0F) << word(method); }
                    }
                }
            }
        }
    }
}

TEST_P(DevicePsf, AMarginWiderThanTheSlabIsADefectThatIsNamed) {
    const DeviceSlab slab = up(CubeSlab({0, 1}, 5, 5));
    const auto error = test::error_of([&] { convolve(accelerator(), slab, Kernel2D{}, 3); });
    ASSERT_TRUE(error);
    EXPECT_THAT(error->what(), testing::HasSubstr("margin of 3"));
}

TEST(DevicePsfMemory, BatchesOfTransformsGiveWhatAllPlanesAtOnceGive) {
    const CubeSlab slab = random_slab({0, 23}, 20, 21);
    const Kernel2D kernel = moffat_kernel(2.0, 2.5, 9);
    std::vector<CubeSlab> results;
    for (const std::int64_t memory : {std::int64_t{1} << 30, std::int64_t{400000}}) {
        const auto accelerator = device::emulate({.memory = memory});
        results.push_back(
            to_host(*accelerator, convolve(*accelerator, to_device(*accelerator, slab), kernel, 4, Convolution::fft)));
    }
    expect_same(results[1], results[0]);
}

TEST(DevicePsfMemory, TooLittleIsAnErrorThatSaysForWhat) {
    const auto accelerator = device::emulate({.memory = 50000});
    const DeviceSlab slab = to_device(*accelerator, random_slab({0, 20}, 20, 20));
    const auto error = test::error_of([&] { convolve(*accelerator, slab, random_kernel(3, 3), 1); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_THAT(error->what(), testing::HasSubstr("slab"));
}

TEST(DevicePsfChoice, SumsAreTakenUpToLargerKernelsThanOnTheHost) {
    const Kernel2D seeing = moffat_kernel(2.0, 2.5, 15);
    EXPECT_EQ(cheaper_convolution(seeing, 300, 300), Convolution::fft);
    EXPECT_EQ(cheaper_convolution_on_device(seeing, 300, 300), Convolution::direct);
    EXPECT_EQ(cheaper_convolution_on_device(gaussian_kernel(8, 81), 300, 300), Convolution::direct); // separable
    EXPECT_EQ(cheaper_convolution_on_device(moffat_kernel(3.5, 2.5, 71), 300, 300), Convolution::fft);
}

// ---- line-spread function

Lsf lsf_of(const WavelengthGrid& grid, double fwhm) {
    LsfOptions options;
    options.fwhm = fwhm;
    return make_lsf(options, grid, 2.51, {}, 0);
}

Lsf rubix_lsf(const WavelengthGrid& grid) {
    LsfOptions options;
    options.sigma = 2.0;
    options.taps = 25;
    return make_lsf(options, grid, 2.51, {}, 0);
}

TEST_P(DeviceLsf, EveryRangeOfPlanesHasTheBitsOfTheHosts) {
    const WavelengthGrid even = make_linear_wavelengths(5000, 5080, 1.25);
    const WavelengthGrid uneven = make_logarithmic_wavelengths(4000, 4200, 5e-4);
    struct Case {
        const WavelengthGrid& grid;
        Lsf lsf;
    };
    for (const Case& c : {Case{even, lsf_of(even, 2.6)}, Case{uneven, lsf_of(uneven, 7)}, Case{even, rubix_lsf(even)},
                          Case{even, Lsf{}}, Case{uneven, lsf_of(uneven, 100)}}) {
        const std::int64_t n = c.grid.size(), half = c.lsf.half_width();
        for (const auto& [n_y, n_x] : {std::pair{5, 7}, std::pair{1, 1}, std::pair{33, 40}}) {
            const CubeSlab whole = random_slab({0, n}, n_y, n_x);
            CubeSlab expected = whole;
            apply_lsf(expected, c.lsf, *make_self_communicator(), 1);
            for (const WaveRange wanted :
                 {WaveRange{0, n}, WaveRange{0, 3}, WaveRange{11, 20}, WaveRange{n - 17, 17}, WaveRange{4, 0}}) {
                const std::int64_t first = std::max<std::int64_t>(0, wanted.first - half);
                CubeSlab ghosts({first, std::min(n, wanted.end() + half) - first}, n_y, n_x);
                std::copy_n(whole.flux().row(first), ghosts.data().size(), ghosts.data().begin());
                CubeSlab planes = expected;
                planes.keep_planes(wanted, wanted.first);
                expect_same(back(apply_lsf(accelerator(), up(ghosts), wanted, c.lsf)), planes);
            }
        }
    }
}

TEST_P(DeviceLsf, WithGhostsOfOtherRanksItIsTheHosts) {
    const WavelengthGrid grid =
        make_linear_wavelengths(5000, 5030, 1.25); // 24 planes, on four ranks fewer than the ghosts
    const Lsf lsf = lsf_of(grid, 4);
    const WaveRange own = slab_of(grid.size(), test::world().rank(), test::world().size());
    CubeSlab slab = random_slab(own, 4, 5);
    const DeviceSlab ghosts = with_ghosts(accelerator(), up(slab), lsf.half_width(), grid.size(), test::world());
    const CubeSlab found = back(apply_lsf(accelerator(), ghosts, own, lsf));
    apply_lsf(slab, lsf, test::world(), 1);
    expect_same(found, slab);
}

TEST_P(DeviceLsf, PlanesThatAreNotThereAreADefectThatIsNamed) {
    const DeviceSlab slab = up(CubeSlab({10, 3}, 1, 1));
    const auto error = test::error_of([&] { apply_lsf(accelerator(), slab, {9, 2}, Lsf{}); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::internal);
    EXPECT_THAT(error->what(), testing::HasSubstr("9 to 11"));
}

INSTANTIATE_TEST_SUITE_P(On, DeviceNoise, test::every_accelerator());
INSTANTIATE_TEST_SUITE_P(On, DevicePsf, test::every_accelerator());
INSTANTIATE_TEST_SUITE_P(On, DeviceLsf, test::every_accelerator());

} // namespace
} // namespace tessera
