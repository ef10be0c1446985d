#include "tessera/cube/grid.hpp"

#include <cmath>
#include <string>

#include <gmock/gmock.h>

#include "tessera/core/value.hpp"
#include "tessera/io/hdf5.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

using testing::HasSubstr;

double number(const Value& map, const std::string& name) {
    double out = NAN;
    const Value* value = map.find(name);
    if (value == nullptr || !value->number(out)) { ADD_FAILURE() << name << " is not a number"; }
    return out;
}

TEST(SpatialGrid, EdgesAreSymmetricAboutTheGalaxyAndOneSpaxelApart) {
    const SpatialGrid grid = make_spatial_grid(4, 3, 0.5, 2.0, 2);
    EXPECT_EQ(grid.padded_x(), 8);
    EXPECT_EQ(grid.padded_y(), 7);
    EXPECT_EQ(grid.n_padded(), 56);
    EXPECT_THAT(grid.x_edges, testing::ElementsAre(-4, -3, -2, -1, 0, 1, 2, 3, 4));
    EXPECT_THAT(grid.y_edges, testing::ElementsAre(-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5));
    EXPECT_FALSE(grid.closed_end);
}

TEST(SpatialGrid, MarginDoesNotMoveTheEdgesOfTheField) {
    const SpatialGrid plain = make_spatial_grid(25, 25, 0.2, 1.1974990367889404, 0);
    const SpatialGrid padded = make_spatial_grid(25, 25, 0.2, 1.1974990367889404, 7);
    for (std::size_t k = 0; k < plain.x_edges.size(); ++k) { EXPECT_EQ(plain.x_edges[k], padded.x_edges[k + 7]); }
}

TEST(SpatialGrid, NoSpaxelOrNoScaleIsAConfigurationError) {
    for (const auto& [n, size, scale] : {std::tuple{std::int64_t{0}, 0.2, 1.0},
                                         {5, 0.0, 1.0},
                                         {5, -0.2, 1.0},
                                         {5, 0.2, 0.0},
                                         {5, 0.2, std::nan("")}}) {
        const auto error =
            test::error_of([&, n = n, size = size, scale = scale] { make_spatial_grid(n, 5, size, scale, 0); });
        ASSERT_TRUE(error);
        EXPECT_EQ(error->kind(), Kind::config);
        EXPECT_THAT(error->what(), HasSubstr("telescope.spaxel_size"));
        EXPECT_THAT(error->what(), HasSubstr(std::to_string(n) + " spaxels"));
        EXPECT_TRUE(
            test::error_of([&, n = n, size = size, scale = scale] { make_rubix_spatial_grid(n, 5, size, scale); }));
    }
    const auto error = test::error_of([] { make_spatial_grid(5, 5, 0.2, 1.0, -1); });
    ASSERT_TRUE(error);
    EXPECT_THAT(error->what(), HasSubstr("margin -1"));
}

// RUBIX's float32 edges, reproduced to the last bit.
TEST(RubixSpatialGrid, EdgesEqualTheReferenceExactly) {
    for (const std::string name : {"tng_muse", "tng_wide", "synthetic_disc", "dust_disc"}) {
        const std::string path = "reference/rubix/" + name + ".h5";
        const auto file = test::shared(path);
        if (!file) { GTEST_SKIP() << test::absent(path); }
        const auto telescope = io::Hdf5File::open(file->string()).group("telescope");
        const double field = telescope.number("fov");
        const double spaxel = telescope.number("spatial_res");
        const auto expected = telescope.dataset("spatial_bin_edges_kpc").read_all<double>();
        const SpatialGrid grid = make_rubix_spatial_grid(25, field, spaxel, telescope.number("kpc_per_arcsec"));
        EXPECT_EQ(grid.x_edges, expected) << name;
        EXPECT_EQ(grid.y_edges, expected) << name;
        EXPECT_EQ(grid.margin, 0);
        EXPECT_TRUE(grid.closed_end);
    }
}

// At z = 0.05 RUBIX's arange has one edge too many, which shears its image.
TEST(RubixSpatialGrid, HasOneEdgeMoreThanSpaxelsWhereRubixHasTwo) {
    const std::string path = "reference/rubix/quirk_extra_bin.h5";
    const auto file = test::shared(path);
    if (!file) { GTEST_SKIP() << test::absent(path); }
    const auto telescope = io::Hdf5File::open(file->string()).group("telescope");
    auto expected = telescope.dataset("spatial_bin_edges_kpc").read_all<double>();
    ASSERT_EQ(expected.size(), 27U);
    expected.pop_back();
    EXPECT_EQ(make_rubix_spatial_grid(25, 5.0, 0.2, telescope.number("kpc_per_arcsec")).x_edges, expected);
}

TEST(RubixSpatialGrid, AlwaysHasOneEdgeMoreThanSpaxels) {
    for (int i = 1; i <= 100; ++i) {
        const SpatialGrid grid = make_rubix_spatial_grid(25, 5.0, 0.2, 0.05 * i);
        EXPECT_EQ(grid.x_edges.size(), 26U);
        // The last edge is L/2 to the rounding of 25 float32 steps of width L/25.
        EXPECT_NEAR(grid.x_edges.back(), 0.125 * i, 0.125 * i * 4 * 6e-8);
    }
}

TEST(LinearWavelengths, MuseHasTheChannelsOfItsTable) {
    const WavelengthGrid grid = make_linear_wavelengths(4700.15, 9351.4, 1.25);
    EXPECT_EQ(grid.size(), 3721);
    EXPECT_EQ(grid.edges.size(), 3722U);
    EXPECT_EQ(grid.centres.front(), 4700.15);
    EXPECT_NEAR(grid.centres.back(), 9350.15, 1e-11); // rounding of one product and one sum
    EXPECT_NEAR(grid.edges.front(), 4699.525, 1e-11);
    EXPECT_NEAR(grid.edges.back(), 9350.775, 1e-11);
    for (const std::int64_t i : {0, 1, 1860, 3720}) { EXPECT_NEAR(grid.width(i), 1.25, 1e-11); }
    EXPECT_FALSE(grid.logarithmic);
}

TEST(LinearWavelengths, EveryTelescopeOfTheTableHasItsNumberOfChannels) {
    const auto file = test::shared("specs/telescopes.yaml");
    if (!file) { GTEST_SKIP() << test::absent("specs/telescopes.yaml"); }
    const Value tree = read_yaml(file->string());
    const Value::Map& telescopes = *tree.find("telescopes")->as_map();
    EXPECT_EQ(telescopes.size(), 18U);
    for (const auto& [name, telescope] : telescopes) {
        const WavelengthGrid grid = make_linear_wavelengths(
            number(telescope, "wave_min"), number(telescope, "wave_max"), number(telescope, "wave_res"));
        EXPECT_EQ(grid.size(), static_cast<std::int64_t>(number(telescope, "n_wave"))) << name;
        EXPECT_LT(grid.centres.back(), number(telescope, "wave_max")) << name;
    }
}

TEST(LinearWavelengths, EqualTheReferenceToItsFloat32) {
    for (const std::string name : {"tng_muse", "tng_wide", "synthetic_disc"}) {
        const auto file = test::shared("reference/rubix/" + name + ".h5");
        if (!file) { GTEST_SKIP() << test::absent(name); }
        const auto telescope = io::Hdf5File::open(file->string()).group("telescope");
        const auto range = telescope.numbers("wave_range");
        const WavelengthGrid grid = make_linear_wavelengths(range[0], range[1], telescope.number("wave_res"));
        const auto expected = telescope.dataset("wave_seq").read_all<double>();
        ASSERT_EQ(grid.centres.size(), expected.size()) << name;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            EXPECT_NEAR(grid.centres[i], expected[i], 0.001);
        } // one float32 step at 9000
    }
}

// In binary (0.7 - 0.1) / 0.1 lies below 6 and (0.4 - 0.1) / 0.1 above 3: neither may decide.
TEST(LinearWavelengths, ChannelAtTheEndIsOutsideHoweverItRounds) {
    for (int n = 1; n <= 2000; ++n) {
        EXPECT_EQ(make_linear_wavelengths(0.1, 0.1 * (n + 1), 0.1).size(), n);
        EXPECT_EQ(make_linear_wavelengths(3622.0, 3622.0 + 1.04 * n, 1.04).size(), n);
        EXPECT_EQ(make_linear_wavelengths(3622.0, 3622.0 + 1.04 * n + 0.01, 1.04).size(), n + 1);
    }
}

TEST(LogarithmicWavelengths, StepIsConstantInTheLogarithm) {
    const double step = 1e-4 * std::log(10.0);
    const WavelengthGrid grid =
        make_logarithmic_wavelengths(3621.596, 3621.596 * std::pow(10.0, 0.4563), step); // MaNGA: 4563 planes
    EXPECT_EQ(grid.size(), 4563);
    EXPECT_TRUE(grid.logarithmic);
    for (std::size_t i = 0; i < grid.centres.size(); ++i) {
        EXPECT_NEAR(std::log(grid.edges[i + 1] / grid.edges[i]), step, 1e-14);
        EXPECT_NEAR(grid.centres[i] / std::sqrt(grid.edges[i] * grid.edges[i + 1]), 1.0, 1e-14);
    }
}

TEST(Wavelengths, EmptyReversedOrEndlessRangeIsAConfigurationError) {
    for (const auto& [first, last, step] : {std::tuple{5000.0, 4000.0, 1.0},
                                            {5000.0, 5000.0, 1.0},
                                            {0.0, 5000.0, 1.0},
                                            {4000.0, 5000.0, 0.0},
                                            {4000.0, 5000.0, -1.0},
                                            {4000.0, 5000.0, 1e-9},
                                            {4000.0, std::nan(""), 1.0}}) {
        for (const auto make : {make_linear_wavelengths, make_logarithmic_wavelengths}) {
            const auto error = test::error_of([&, first = first, last = last, step = step] {
                make(first, last, make == make_linear_wavelengths ? step : step * 1e-3);
            });
            ASSERT_TRUE(error);
            EXPECT_EQ(error->kind(), Kind::config);
            EXPECT_THAT(error->what(), HasSubstr("telescope.wavelength_range"));
        }
    }
}

TEST(SlabOf, CoversEveryWavelengthOnceInRankOrder) {
    for (const std::int64_t n_wave : {0, 1, 2, 3, 11, 3721}) {
        for (int size = 1; size <= 16; ++size) {
            std::int64_t next = 0;
            for (int rank = 0; rank < size; ++rank) {
                const WaveRange slab = slab_of(n_wave, rank, size);
                EXPECT_EQ(slab.first, next);
                EXPECT_GE(slab.count, n_wave / size);
                EXPECT_LE(slab.count, n_wave / size + (n_wave % size != 0 ? 1 : 0));
                next = slab.end();
            }
            EXPECT_EQ(next, n_wave);
        }
    }
}

} // namespace
} // namespace tessera
