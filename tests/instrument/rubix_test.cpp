// Kernels and stages 5 (summed) to 6 (PSF) to 7 (LSF) of the RUBIX reference files, full cubes or the parts stored.
#include <cmath>

#include "tessera/instrument/convolve.hpp"
#include "tessera/instrument/lsf.hpp"
#include "tessera/instrument/telescope.hpp"
#include "tessera/io/hdf5.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

PsfOptions rubix_psf(double sigma) {
    PsfOptions options;
    options.sigma = sigma;
    options.size = 5;
    return options;
}

LsfOptions rubix_lsf() {
    LsfOptions options;
    options.sigma = 1.0658988593614638;
    options.taps = 25;
    return options;
}

/// A stored cube [y, x, channel] as a slab [channel, y, x].
CubeSlab read_cube(const io::Hdf5Group& stage) {
    const auto dataset = stage.dataset("cube");
    const std::int64_t n_y = dataset.shape()[0], n_x = dataset.shape()[1], n_wave = dataset.shape()[2];
    const auto values = dataset.read_all<float>();
    CubeSlab slab({0, n_wave}, n_y, n_x);
    for (std::int64_t s = 0; s < n_y * n_x; ++s) {
        for (std::int64_t wave = 0; wave < n_wave; ++wave) {
            slab.flux().row(wave)[s] = values[static_cast<std::size_t>(s * n_wave + wave)];
        }
    }
    return slab;
}

double largest_difference(const CubeSlab& a, const CubeSlab& b) {
    float largest = 0, difference = 0;
    for (std::size_t i = 0; i < b.data().size(); ++i) {
        largest = std::max(largest, b.data()[i]);
        difference = std::max(difference, std::abs(a.data()[i] - b.data()[i]));
    }
    return static_cast<double>(difference / largest);
}

WavelengthGrid grid_of(const io::Hdf5Group& file) {
    const auto telescope = file.group("telescope");
    const auto range = telescope.numbers("wave_range");
    return make_linear_wavelengths(range[0], range[1], telescope.number("wave_res"));
}

struct Reference {
    const char* file;
    double sigma; // of the PSF, spaxels
};
constexpr Reference references[] = {{"reference/rubix/synthetic_disc.h5", 0.6},
                                    {"reference/rubix/synthetic_disc_linear.h5", 0.6},
                                    {"reference/rubix/tng_muse.h5", 0.6},
                                    {"reference/rubix/tng_wide.h5", 0.9}};

TEST(RubixReference, KernelsAreThoseOfTheFiles) {
    for (const auto& [name, sigma] : references) {
        const auto path = test::shared(name);
        if (!path) { GTEST_SKIP() << test::absent(name); }
        const auto file = io::Hdf5File::open(path->string());
        const auto psf = file.dataset("telescope/psf_kernel").read_all<double>();
        const Kernel2D kernel = make_psf(rubix_psf(sigma), 0.2);
        ASSERT_EQ(psf.size(), kernel.values.size());
        for (std::size_t i = 0; i < psf.size(); ++i) {
            EXPECT_NEAR(kernel.values[i], psf[i], 1e-7) << name;
        } // stored as float
        const auto taps = file.dataset("telescope/lsf_kernel").read_all<double>();
        const Lsf lsf = make_lsf(rubix_lsf(), grid_of(file), 2.51, {}, 0);
        ASSERT_EQ(lsf.kernels.size(), 1U);
        ASSERT_EQ(taps.size(), lsf.kernels[0].size());
        for (std::size_t i = 0; i < taps.size(); ++i) { EXPECT_NEAR(lsf.kernels[0][i], taps[i], 1e-6) << name; }
    }
}

TEST(RubixReference, FullCubesAgreeAfterPsfAndAfterLsf) {
    const auto path = test::shared("reference/rubix/synthetic_disc.h5");
    if (!path) { GTEST_SKIP() << test::absent("reference/rubix/synthetic_disc.h5"); }
    const auto file = io::Hdf5File::open(path->string());
    const auto stages = file.group("stages/method_cubic");
    const CubeSlab summed = read_cube(stages.group("5_cube"));
    const CubeSlab after_psf = read_cube(stages.group("6_after_psf"));
    const CubeSlab after_lsf = read_cube(stages.group("7_after_lsf"));
    const Lsf lsf = make_lsf(rubix_lsf(), grid_of(file), 2.51, {}, 0);
    ASSERT_EQ(std::ssize(lsf.kernel_of), summed.n_wave());
    for (const Convolution method : {Convolution::direct, Convolution::fft}) {
        CubeSlab psf = convolve(summed, make_psf(rubix_psf(0.6), 0.2), 0, method);
        EXPECT_LT(largest_difference(psf, after_psf), 1e-6) << word(method); // float sums in another order
        apply_lsf(psf, lsf, *make_self_communicator());
        EXPECT_LT(largest_difference(psf, after_lsf), 2e-6) << word(method);
    }
}

TEST(RubixReference, ChannelImagesAgreeAfterPsfAndSpaxelSpectraAfterLsf) {
    for (const auto& [name, sigma] : references) {
        const auto path = test::shared(name);
        if (!path) { GTEST_SKIP() << test::absent(name); }
        const auto file = io::Hdf5File::open(path->string());
        for (const std::string method : {"cubic", "linear"}) {
            if (!file.has_group("stages/method_" + method)) { continue; }
            const auto stages = file.group("stages/method_" + method);
            if (!stages.has_dataset("5_cube/channel_images")) { continue; } // the full cube is compared above
            const auto shape = stages.dataset("5_cube/channel_images").shape();
            CubeSlab images({0, shape[0]}, shape[1], shape[2]), expected = images;
            images.data() = stages.dataset("5_cube/channel_images").read_all<float>();
            expected.data() = stages.dataset("6_after_psf/channel_images").read_all<float>();
            EXPECT_LT(largest_difference(convolve(images, make_psf(rubix_psf(sigma), 0.2), 0), expected), 1e-6) << name;

            const auto spectra = stages.dataset("6_after_psf/spaxel_spectra").read_all<float>();
            const auto wanted = stages.dataset("7_after_lsf/spaxel_spectra").read_all<float>();
            const std::int64_t n_spaxel = stages.dataset("6_after_psf/spaxel_spectra").shape()[0];
            const std::int64_t n_wave = stages.dataset("6_after_psf/spaxel_spectra").shape()[1];
            CubeSlab slab({0, n_wave}, 1, n_spaxel), after({0, n_wave}, 1, n_spaxel);
            for (std::int64_t s = 0; s < n_spaxel; ++s) {
                for (std::int64_t wave = 0; wave < n_wave; ++wave) {
                    slab.flux()(wave, 0, s) = spectra[static_cast<std::size_t>(s * n_wave + wave)];
                    after.flux()(wave, 0, s) = wanted[static_cast<std::size_t>(s * n_wave + wave)];
                }
            }
            const Lsf lsf = make_lsf(rubix_lsf(), grid_of(file), 2.51, {}, 0);
            ASSERT_EQ(std::ssize(lsf.kernel_of), n_wave) << name;
            apply_lsf(slab, lsf, *make_self_communicator());
            EXPECT_LT(largest_difference(slab, after), 2e-6) << name;
        }
    }
}

TEST(RubixReference, SquareApertureIsTheOneOfTheFile) {
    const auto path = test::shared("reference/rubix/synthetic_disc.h5");
    if (!path) { GTEST_SKIP() << test::absent("reference/rubix/synthetic_disc.h5"); }
    const auto stored =
        io::Hdf5File::open(path->string()).dataset("telescope/aperture_region_unused_by_rubix").read_all<double>();
    const auto mask = aperture_mask(load_telescope({}, ""));
    ASSERT_EQ(stored.size(), mask.size());
    for (std::size_t i = 0; i < mask.size(); ++i) { EXPECT_EQ(stored[i], mask[i]); }
}

} // namespace
} // namespace tessera
