// Rotation, filter and spaxel index against RUBIX's own, star by star.
#include <cmath>

#include <gtest/gtest.h>

#include "tessera/io/hdf5.hpp"
#include "tessera/view/centre.hpp"
#include "tessera/view/projection.hpp"
#include "tessera/view/rotation.hpp"
#include "tests/support/test_support.hpp"
#include "tests/view/galaxies.hpp"

namespace tessera {
namespace {

constexpr device::Host one_thread{};

Matrix3 matrix_in(const io::Hdf5Group& group, const std::string& name) {
    const auto numbers = group.dataset(name).read_all<double>();
    Matrix3 out;
    std::copy(numbers.begin(), numbers.end(), &out.m[0][0]);
    return out;
}

struct Case {
    std::string name;
    Vector3 angles;       ///< degree
    bool by_matrix;       ///< the file's product of matrices instead, a mirror image
    std::int64_t n_field; ///< stars in the field
};

class Reference : public testing::TestWithParam<Case> {};

TEST_P(Reference, RotationMaskAndSpaxelOfEveryStarAreRubixs) {
    const std::string path = "reference/rubix/" + GetParam().name + ".h5";
    const auto file = test::shared(path);
    if (!file) { GTEST_SKIP() << test::absent(path); }
    auto& world = test::world();
    const auto root = io::Hdf5File::open(file->string());
    const auto x = root.dataset("inputs/coords").read_all<double>(),
               v = root.dataset("inputs/velocity").read_all<double>();
    const auto mass = root.dataset("inputs/mass").read_all<double>();
    const auto expected_x = root.dataset("stages/1_rotation/coords").read_all<float>(),
               expected_v = root.dataset("stages/1_rotation/velocity").read_all<float>();
    const auto mask = root.dataset("stages/2_filter/mask").read_all<std::int64_t>(),
               index = root.dataset("stages/3_spaxel/spaxel_index").read_all<std::int64_t>();

    const auto n = static_cast<std::int64_t>(mass.size());
    const std::int64_t first = n * world.rank() / world.size(), last = n * (world.rank() + 1) / world.size();
    Stars stars;
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
        test::append(stars, {x[3 * i], x[3 * i + 1], x[3 * i + 2]}, {v[3 * i], v[3 * i + 1], v[3 * i + 2]}, mass[i]);
    }
    ViewOptions options;
    options.rotation = {.kind = RotationKind::euler, .angles = GetParam().angles, .matrix = {}};
    if (GetParam().by_matrix) {
        const auto stage = root.group("stages/1_rotation");
        options.rotation = {.kind = RotationKind::matrix,
                            .angles = {},
                            .matrix = matrix_in(stage, "initial_rotation_matrix") * matrix_in(stage, "euler_matrix")};
    }
    GalaxyOptions galaxy; // centred already
    galaxy.centre.kind = CentreKind::point;
    galaxy.velocity.kind = VelocityKind::point;
    const Centre centre = find_centre(one_thread, stars, {0, 0, 0}, galaxy, {}, world);
    recentre(one_thread, stars, {0, 0, 0}, centre, std::nullopt);
    const Rotation rotation = find_rotation(one_thread, stars, options, true, 0, world);
    EXPECT_EQ(rotation.mirror, GetParam().by_matrix);
    rotate(one_thread, stars, rotation.matrix);
    const auto telescope = root.group("telescope");
    const SpatialGrid grid = make_rubix_spatial_grid(25, telescope.number("fov"), telescope.number("spatial_res"),
                                                     telescope.number("kpc_per_arcsec"));
    const Projection found = project(one_thread, stars, grid, world);

    EXPECT_EQ(found.n_in_field, GetParam().n_field);
    for (std::size_t k = 0; k < stars.x.size(); ++k) {
        const std::size_t i = static_cast<std::size_t>(first) + k;
        // RUBIX multiplies in float32 with a matrix rounded to it: some 4 steps of the length of the vector.
        const double tolerance = 4 * 1.2e-7 * std::hypot(x[3 * i], x[3 * i + 1], x[3 * i + 2]);
        EXPECT_NEAR(stars.x[k], expected_x[3 * i], tolerance);
        EXPECT_NEAR(stars.y[k], expected_x[3 * i + 1], tolerance);
        EXPECT_NEAR(stars.z[k], expected_x[3 * i + 2], tolerance);
        EXPECT_NEAR(stars.vz[k], expected_v[3 * i + 2], 4 * 1.2e-7 * std::hypot(v[3 * i], v[3 * i + 1], v[3 * i + 2]));
        EXPECT_EQ(found.spaxel[k], mask[i] != 0 ? index[i] : -1) << "star " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Rubix, Reference,
                         testing::Values(Case{"tng_muse", {}, true, 68}, Case{"tng_wide", {}, true, 1519},
                                         Case{"synthetic_disc", {40, 25, 70}, false, 4029},
                                         Case{"synthetic_disc_linear", {40, 25, 70}, false, 4029}),
                         [](const auto& instance) { return instance.param.name; });

// The number of stars in the field is taken from the file's mask here.
TEST(Rubix, DustDiscSpaxelOfEveryStarIsRubixs) {
    const auto file = test::shared("reference/rubix/dust_disc.h5");
    if (!file) { GTEST_SKIP() << test::absent("reference/rubix/dust_disc.h5"); }
    const auto root = io::Hdf5File::open(file->string());
    const auto x = root.dataset("inputs/coords").read_all<double>();
    const auto mask = root.dataset("stages/2_filter/mask").read_all<std::int64_t>(),
               index = root.dataset("stages/3_spaxel/spaxel_index").read_all<std::int64_t>();
    Stars stars;
    for (std::size_t i = 0; i < mask.size(); ++i) {
        test::append(stars, {x[3 * i], x[3 * i + 1], x[3 * i + 2]}, {}, 1);
    }
    rotate(one_thread, stars, euler_matrix({60, 0, 0}));
    const SpatialGrid grid = make_rubix_spatial_grid(25, 5.0, 0.2, root.group("telescope").number("kpc_per_arcsec"));
    const Projection found = project(one_thread, stars, grid, test::world());
    for (std::size_t i = 0; i < mask.size(); ++i) {
        EXPECT_EQ(found.spaxel[i], mask[i] != 0 ? index[i] : -1) << "star " << i;
    }
}

} // namespace
} // namespace tessera
