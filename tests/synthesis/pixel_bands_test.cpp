// R of the design, the integrals over the telescope's pixels, against the slow formula.
#include "synthesis/pixel_bands.hpp"

#include "tests/synthesis/stars.hpp"

namespace tessera {
namespace {

/// One node on points of very different spacing, 0.1 to 20 Angstrom, of random light.
ssp::Library uneven_library() {
    ssp::Library library;
    library.metallicity = {0.01};
    library.age = {1};
    double at = 3000;
    for (std::uint64_t i = 0; at < 7000; ++i) {
        const Philox random = Philox::at(31, 0, i);
        library.wavelength.push_back(at);
        library.flux.push_back(static_cast<float>(random.uniform(0)));
        at += i < 800 ? 0.1 + 2 * random.uniform(1) : 20 * random.uniform(1) + 0.1;
    }
    return library;
}

const ssp::NodeWeights one_node{.count = 1, .node = {}, .weight = {1.0F}};

std::vector<double> banded(const PixelBands& bands, const float* light) {
    std::vector<double> out(bands.first.size(), 0.0);
    for (std::size_t k = 0; k < out.size(); ++k) {
        for (std::int64_t t = 0; t < bands.width; ++t) {
            out[k] += static_cast<double>(
                          bands.weight[k * static_cast<std::size_t>(bands.width) + static_cast<std::size_t>(t)]) *
                      light[bands.first[k] + t];
        }
    }
    return out;
}

class Bands : public testing::TestWithParam<double> {}; // the Doppler factor

TEST_P(Bands, AreTheDirectIntegralsOfEveryGridOfPixels) {
    const ssp::Library library = uneven_library();
    const double factor = GetParam();
    std::vector<WavelengthGrid> grids;
    for (const double step : {0.02, 0.3, 1.25, 9.0, 130.0}) { // finer and coarser than the points
        for (const double first : {3005.0, 3900.0, 6500.0}) {
            grids.push_back(make_linear_wavelengths(first * factor, first * factor + 60 * step, step));
        }
        grids.push_back(make_logarithmic_wavelengths(3700 * factor, (3700 + 50 * step) * factor, step / 3700));
    }
    // Beyond either end, and across it.
    grids.push_back(make_linear_wavelengths(2500 * factor, 3100 * factor, 7 * factor));
    grids.push_back(make_linear_wavelengths(6900 * factor, 7300 * factor, 11 * factor));
    grids.push_back(make_linear_wavelengths(2000 * factor, 9000 * factor, 6000 * factor)); // all in a pixel or two
    for (const WavelengthGrid& pixels : grids) {
        const auto truth = direct_spectrum(library, one_node, 1, factor, pixels);
        const PixelBands bands(library.wavelength, pixels, 0, pixels.size(), factor);
        const auto made = banded(bands, library.flux.data());
        ASSERT_EQ(made.size(), truth.size());
        for (std::size_t k = 0; k < made.size(); ++k) {
            // Weights are floats, 6e-8 each of positive sums. The slow formula subtracts integrals from the blue end on, of up to
            // 2000 Lsun, rounded at 2e-16 of them: 1e-12 over a pixel's width.
            EXPECT_NEAR(made[k], truth[k], 2e-7 * truth[k] + 4e-12 / pixels.width(static_cast<std::int64_t>(k)))
                << "pixel " << k << " at " << pixels.centres[k];
        }
    }
}

TEST_P(Bands, ArePositiveAndStayWithinThePoints) {
    const ssp::Library library = uneven_library();
    const double factor = GetParam();
    const WavelengthGrid pixels = make_linear_wavelengths(2900 * factor, 7200 * factor, 3.3 * factor);
    const PixelBands bands(library.wavelength, pixels, 0, pixels.size(), factor);
    EXPECT_EQ(bands.weight.size(), static_cast<std::size_t>(bands.width * pixels.size()));
    for (const float weight : bands.weight) { EXPECT_GE(weight, 0); }
    for (const std::int32_t first : bands.first) {
        EXPECT_GE(first, 0);
        EXPECT_LE(first + bands.width, library.n_wave());
    }
}

TEST_P(Bands, OfAPartOfThePixelsAreThoseOfAll) {
    const ssp::Library library = uneven_library();
    const double factor = GetParam();
    const WavelengthGrid pixels = make_linear_wavelengths(3500 * factor, 4100 * factor, 1.1 * factor);
    const auto all = banded(PixelBands(library.wavelength, pixels, 0, pixels.size(), factor), library.flux.data());
    const auto some = banded(PixelBands(library.wavelength, pixels, 128, 256, factor), library.flux.data());
    for (std::size_t k = 0; k < some.size(); ++k) { EXPECT_NEAR(some[k], all[k + 128], 1e-7 * all[k + 128]); }
}

INSTANTIATE_TEST_SUITE_P(DopplerFactors, Bands, testing::Values(1.0, 0.31, 1.0237, 1.6, 7.5));

TEST(PointsRead, AreAllThatAnyShiftWithinTheRangeNeeds) {
    const ssp::Library library = uneven_library();
    const WavelengthGrid pixels = make_linear_wavelengths(4300, 4500, 1.25);
    for (const double largest_shift : {0.0, 1e-3, 0.05}) {
        const PointRange points = points_read(library.wavelength, pixels, 0.2, largest_shift);
        ASSERT_GE(points.first, 0);
        ASSERT_LE(points.end, library.n_wave());
        EXPECT_LT(points.size(), library.n_wave());
        const std::vector<double> part(library.wavelength.begin() + points.first,
                                       library.wavelength.begin() + points.end);
        for (const double shift : {-1.0, 0.0, 0.3, 1.0}) {
            const double factor = 1.2 * std::exp(shift * largest_shift);
            const auto truth = direct_spectrum(library, one_node, 1, factor, pixels);
            const auto made =
                banded(PixelBands(part, pixels, 0, pixels.size(), factor), library.flux.data() + points.first);
            for (std::size_t k = 0; k < made.size(); ++k) { EXPECT_NEAR(made[k], truth[k], 1e-6 * truth[k]); }
        }
    }
    // Pixels that end beyond the library read to its end.
    const PointRange wide = points_read(library.wavelength, make_linear_wavelengths(1000, 20000, 100), 0, 0.01);
    EXPECT_EQ(wide.first, 0);
    EXPECT_EQ(wide.end, library.n_wave());
}

} // namespace
} // namespace tessera
