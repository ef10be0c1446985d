// The inner loops on every instruction set of this machine, against plain loops in double.
#include "synthesis/aligned.hpp"
#include "synthesis/tile_kernel.hpp"
#include "tests/synthesis/stars.hpp"

namespace tessera {
namespace {

constexpr auto n_tile = static_cast<std::size_t>(tile_pixels);
constexpr auto n_group = static_cast<std::size_t>(tile_spaxels);

/// Deviates in (-1, 1), the same for the same stream.
template <class Vector>
void fill_random(Vector& values, std::uint64_t stream) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<float>(2 * Philox::at(5, stream, i).uniform(0) - 1);
    }
}

class Kernels : public testing::TestWithParam<int> {
protected:
    const TileKernels& kernels = tile_kernels(GetParam());
};

/// weight · panel summed in double, and the sum of the absolute values: what rounding is relative to.
struct Sum {
    double value = 0, absolute = 0;
    void add(double product) {
        value += product;
        absolute += std::abs(product);
    }
    /// n products and sums in float: each rounds once, half a unit in the last place of what is there.
    void expect_near(float made, std::size_t n) const {
        EXPECT_NEAR(made, value, 6e-8 * static_cast<double>(n + 1) * absolute);
    }
};

TEST_P(Kernels, SixSpaxelsTogetherAreTheirSums) {
    constexpr std::size_t n_row = 300;
    AlignedFloats panel(n_row * n_tile);
    fill_random(panel, 1);
    for (const std::size_t n : {0, 1, 2, 7, 64, 300}) {
        std::vector<std::uint32_t> row(n);
        for (std::size_t e = 0; e < n; ++e) { row[e] = static_cast<std::uint32_t>(7 * e % n_row); }
        std::vector<float> weight(n * n_group);
        fill_random(weight, 2);
        AlignedFloats out(n_group * n_tile, 99.0F); // what was there is overwritten
        kernels.group(panel.data(), row.data(), weight.data(), static_cast<std::int64_t>(n), out.data());
        for (std::size_t m = 0; m < n_group; ++m) {
            for (std::size_t k = 0; k < n_tile; ++k) {
                Sum sum;
                for (std::size_t e = 0; e < n; ++e) {
                    sum.add(static_cast<double>(weight[e * n_group + m]) * panel[row[e] * n_tile + k]);
                }
                sum.expect_near(out[m * n_tile + k], n);
            }
        }
    }
}

TEST_P(Kernels, OneSpaxelIsItsSum) {
    constexpr std::size_t n_row = 300;
    AlignedFloats panel(n_row * n_tile);
    fill_random(panel, 3);
    for (const std::size_t n : {0, 1, 3, 16, 299}) {
        std::vector<std::uint32_t> row(n);
        for (std::size_t e = 0; e < n; ++e) { row[e] = static_cast<std::uint32_t>(n_row - 1 - e); }
        std::vector<float> weight(n);
        fill_random(weight, 4);
        AlignedFloats out(n_tile, 99.0F);
        kernels.single(panel.data(), row.data(), weight.data(), static_cast<std::int64_t>(n), out.data());
        for (std::size_t k = 0; k < n_tile; ++k) {
            Sum sum;
            for (std::size_t e = 0; e < n; ++e) {
                sum.add(static_cast<double>(weight[e]) * panel[row[e] * n_tile + k]);
            }
            sum.expect_near(out[k], n);
        }
    }
}

TEST_P(Kernels, APanelIsTheBandsTimesTheSpectra) {
    for (const std::int64_t n_column : {16, 48}) {
        for (const std::int64_t width : {2, 3, 5, 40}) {
            constexpr std::int64_t n_point = 200;
            AlignedFloats spectra(static_cast<std::size_t>(n_point * n_column));
            fill_random(spectra, 5);
            for (const std::int64_t n_pixel : {1, 15, 16, 17, 100, 127, 128}) {
                std::vector<std::int32_t> first;
                for (std::int64_t k = 0; k < n_pixel; ++k) {
                    first.push_back(static_cast<std::int32_t>(k * (n_point - width) / n_pixel));
                }
                std::vector<float> band(static_cast<std::size_t>(n_pixel * width));
                fill_random(band, 6);
                AlignedFloats panel(static_cast<std::size_t>(n_column) * n_tile, 99.0F);
                kernels.fill(spectra.data(), n_column, first.data(), band.data(), width, n_pixel, panel.data());
                for (std::int64_t c = 0; c < n_column; ++c) {
                    for (std::int64_t k = 0; k < tile_pixels; ++k) {
                        const float made = panel[static_cast<std::size_t>(c * tile_pixels + k)];
                        if (k >= n_pixel) {
                            ASSERT_EQ(made, 0.0F); // beyond the last pixel
                            continue;
                        }
                        Sum sum;
                        for (std::int64_t t = 0; t < width; ++t) {
                            sum.add(static_cast<double>(band[static_cast<std::size_t>(k * width + t)]) *
                                    spectra[static_cast<std::size_t>(
                                        (first[static_cast<std::size_t>(k)] + t) * n_column + c)]);
                        }
                        sum.expect_near(made, static_cast<std::size_t>(width));
                    }
                }
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, Kernels, testing::Range(0, n_tile_kernels()), [](const auto& instance) {
    std::string name(tile_kernels(instance.param).name);
    std::erase(name, '-');
    return name;
});

TEST(KernelsOfThisMachine, AreTheWidestThatItHasAndBaselineIsAlwaysThere) {
    EXPECT_EQ(tile_kernels().name, tile_kernels(0).name);
    EXPECT_EQ(tile_kernels(n_tile_kernels() - 1).name, "baseline");
    for (int i = 0; i < n_tile_kernels(); ++i) {
        EXPECT_GE(tile_kernels(i).cost_of_single, 1);
        EXPECT_GT(tile_kernels(i).cost_of_fill, 0);
    }
}

} // namespace
} // namespace tessera
