// Cubes of all stars in a field: the subhalo's, its neighbours' and those of nobody, against sums over every star.
#include <array>
#include <functional>

#include "tests/pipeline/tiny_galaxy.hpp"

namespace tessera {
namespace {

using test::TinyStar;
using test::TinyTng;

constexpr double to_kpc = TinyTng::a / TinyTng::h;

/// Row i as seen from subhalo 1, which lies over the edge of the box, without the expansion of space.
TinyStar star(std::int64_t i) {
    const double root_a = std::sqrt(TinyTng::a), mass = TinyTng::initial_mass(i) * 1e10 / TinyTng::h;
    return {.x = (996.0 + 1.25 * static_cast<double>(i - 3) - 999) * to_kpc,
            .y = (TinyTng::y(i) - 502) * to_kpc,
            .z = (TinyTng::z(i) - 249) * to_kpc,
            .vx = TinyTng::v(i, 0) * root_a - 10,
            .vy = TinyTng::v(i, 1) * root_a - 20,
            .vz = TinyTng::v(i, 2) * root_a - 30,
            .mass = mass,
            .metallicity = TinyTng::metallicity(i),
            .age = TinyTng::age(i)};
}
bool is_own(std::int64_t i) { return i >= 3 && i < 7; }

/// The tiny run, and the same stars about the origin in one plain file.
class Neighbourhood {
public:
    explicit Neighbourhood(const std::string& name) : scene("others-" + name, stars()) {
        test::on_root([&] { TinyTng{}.write(scene.folder); });
    }
    static std::vector<TinyStar> stars() {
        std::vector<TinyStar> out;
        for (std::int64_t i = 0; i < TinyTng::n_star; ++i) {
            if (!TinyTng::is_wind(i)) { out.push_back(star(i)); }
        }
        return out;
    }
    std::vector<std::string> input(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> all{"simulation.path=" + TinyTng{}.base(scene.folder).string(),
                                     "simulation.snapshot=8",
                                     "simulation.subhalo=1",
                                     "simulation.gas=false",
                                     "galaxy.centre=auto",
                                     "galaxy.velocity=auto",
                                     "telescope.field_of_view=11"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }

    test::TinyScene scene;
};

/// Every spaxel's light in the middle of the band is that of the stars that are taken.
void expect_light_of(const test::TinyCube& cube, const std::function<bool(const TinyStar&, std::int64_t)>& is_taken,
                     double hubble = 0) {
    std::vector<double> expected(static_cast<std::size_t>(cube.n_y * cube.n_x));
    const double spaxel = test::tiny_spaxel();
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < TinyTng::n_star; ++i) {
        TinyStar one = star(i);
        if (TinyTng::is_wind(i) || !is_taken(one, i)) { continue; }
        const auto ix = static_cast<std::int64_t>(std::floor(one.x / spaxel + 0.5 * static_cast<double>(cube.n_x))),
                   iy = static_cast<std::int64_t>(std::floor(one.y / spaxel + 0.5 * static_cast<double>(cube.n_y)));
        if (ix < 0 || ix >= cube.n_x || iy < 0 || iy >= cube.n_y) { continue; }
        if (!is_own(i)) { one.vz += hubble * 1e-3 * one.z; }
        expected[static_cast<std::size_t>(iy * cube.n_x + ix)] += test::flat_voxel(one);
        ++n;
    }
    EXPECT_GT(n, 0);
    EXPECT_EQ(cube.summary.n_in_field, n);
    for (std::int64_t y = 0; y < cube.n_y; ++y) {
        for (std::int64_t x = 0; x < cube.n_x; ++x) {
            test::expect_voxel(cube.at(50, y, x), expected[static_cast<std::size_t>(y * cube.n_x + x)],
                               fmt::format("{} {}", y, x));
        }
    }
}

TEST(Others, GiveTheirLightBesideTheSubhalosOwn) {
    const Neighbourhood run("light");
    const auto own = run.scene.run(run.input());
    expect_light_of(own, [](const TinyStar&, std::int64_t i) { return is_own(i); });
    const auto all = run.scene.run(run.input({"simulation.depth=100", "simulation.hubble_flow=false"}));
    expect_light_of(all, [](const TinyStar&, std::int64_t) { return true; });
    EXPECT_EQ(all.file.group("provenance").numbers("n_other").front(), 7) << "rows 0 to 2 and 7 to 10";
    EXPECT_TRUE(std::filesystem::exists(run.scene.folder / "snap_008.star_index.h5"));
}

TEST(Others, MoveWithTheExpansionOfSpaceAsWell) {
    const Neighbourhood run("flow");
    const double hubble = Cosmology(100 * TinyTng::h, TinyTng::omega_m).hubble(TinyTng::a);
    const auto cube = run.scene.run(run.input({"simulation.depth=100"}));
    expect_light_of(cube, [](const TinyStar&, std::int64_t) { return true; }, hubble);
    // The velocity itself, which the light hardly shows: row 0 is alone in its spaxel.
    const auto velocity = cube.file.dataset("maps/RAW_VEL").read_all<double>();
    const TinyStar first = star(0);
    const double spaxel = test::tiny_spaxel();
    const auto at = [&](double x) { return static_cast<std::int64_t>(std::floor(x / spaxel + 5.5)); };
    EXPECT_NEAR(velocity[static_cast<std::size_t>(at(first.y) * 11 + at(first.x))], first.vz + hubble * 1e-3 * first.z,
                1e-2);
    EXPECT_GT(hubble * 1e-3 * std::abs(first.z), 0.05);
}

TEST(Others, EndAtTheDepthWhicheverWayTheGalaxyIsTurned) {
    const Neighbourhood run("depth");
    const auto shallow = run.scene.run(run.input({"simulation.depth=2", "simulation.hubble_flow=false"}));
    expect_light_of(shallow, [](const TinyStar& one, std::int64_t) { return std::abs(one.z) <= 1; });
    // The subhalo's own stars, too.
    const auto sheet = run.scene.run(run.input({"simulation.depth=0.5", "simulation.hubble_flow=false"}));
    expect_light_of(sheet, [](const TinyStar& one, std::int64_t) { return std::abs(one.z) <= 0.25; });
    EXPECT_LT(sheet.summary.n_in_field, shallow.summary.n_in_field);
    // x along the line of sight: what it cuts off are neighbours on the sky of before.
    const auto turned =
        run.scene.run(run.input({"simulation.depth=5", "simulation.hubble_flow=false", "view.rotation=[0, 90, 0]"}));
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < TinyTng::n_star; ++i) {
        n += !TinyTng::is_wind(i) && std::abs(star(i).x) <= 2.5 ? 1 : 0;
    }
    EXPECT_EQ(turned.summary.n_in_field, n);
}

/// The mass in each spaxel of the gas cells, of those that are taken.
void expect_gas(const test::TinyCube& cube, const std::function<bool(std::int64_t, const TinyStar&)>& is_taken) {
    const std::array<std::int64_t, 5> place{0, 1, 5, 6, 7}; // cell i is where this star is, and as heavy
    std::vector<double> expected(static_cast<std::size_t>(cube.n_y * cube.n_x));
    const double spaxel = test::tiny_spaxel();
    std::int64_t n = 0;
    for (std::size_t i = 0; i < place.size(); ++i) {
        const TinyStar cell = star(place[i]);
        if (!is_taken(static_cast<std::int64_t>(i), cell)) { continue; }
        const auto ix = static_cast<std::int64_t>(std::floor(cell.x / spaxel + 0.5 * static_cast<double>(cube.n_x))),
                   iy = static_cast<std::int64_t>(std::floor(cell.y / spaxel + 0.5 * static_cast<double>(cube.n_y)));
        expected.at(static_cast<std::size_t>(iy * cube.n_x + ix)) += TinyTng::mass(place[i]) * 1e10 / TinyTng::h;
        ++n;
    }
    EXPECT_GT(n, 0);
    const auto mass = cube.file.dataset("maps/RAW_GAS_MASS").read_all<double>();
    ASSERT_EQ(mass.size(), expected.size());
    for (std::size_t i = 0; i < mass.size(); ++i) { EXPECT_NEAR(mass[i], expected[i], 1e-6 * expected[i]) << i; }
}

TEST(Others, HaveGasAsWell) {
    const Neighbourhood run("gas");
    const auto cube = [&](std::vector<std::string> more) {
        more.insert(more.end(), {"simulation.gas=true", "simulation.hubble_flow=false"});
        return run.scene.run(run.input(more));
    };
    expect_gas(cube({}), [](std::int64_t i, const TinyStar&) { return i == 1 || i == 2; });
    const auto index = run.scene.folder / "snap_008.gas_index.h5";
    EXPECT_FALSE(std::filesystem::exists(index)) << "none is asked for";
    const auto all = cube({"simulation.depth=100"});
    expect_gas(all, [](std::int64_t, const TinyStar&) { return true; });
    EXPECT_TRUE(std::filesystem::exists(index));
    EXPECT_EQ(all.file.group("provenance").numbers("n_gas").front(), 5);
    // One of its own and one of another; not its other cell, beyond the depth.
    const auto within = [](std::int64_t i, const TinyStar& cell) {
        EXPECT_EQ(i == 2 || i == 3, std::abs(cell.z) <= 0.4);
        return i == 2 || i == 3;
    };
    expect_gas(cube({"simulation.depth=0.8"}), within);
}

TEST(Others, BesideTheFieldReachIntoItThroughThePsf) {
    const Neighbourhood run("psf");
    const std::vector<std::string> psf{"psf.profile=gaussian", "psf.fwhm=2", "telescope.field_of_view=11",
                                       "simulation.hubble_flow=false"};
    auto more = psf;
    more.insert(more.end(), {"view.rotation=[0, 0, 20]", "simulation.depth=100"});
    const auto field = run.scene.run(run.input(more));
    auto plain = psf;
    plain.emplace_back("view.rotation=[0, 0, 20]");
    const auto all = run.scene.run(plain);
    EXPECT_GT(field.summary.n_star, field.summary.n_in_field);
    ASSERT_EQ(field.flux.size(), all.flux.size());
    const double largest = *std::max_element(all.flux.begin(), all.flux.end());
    for (std::size_t i = 0; i < all.flux.size(); ++i) { ASSERT_NEAR(field.flux[i], all.flux[i], 1e-6 * largest) << i; }
}

TEST(Others, AreRefusedWhereTheyCannotBeFound) {
    const Neighbourhood run("refused");
    const auto error = [&](const std::vector<std::string>& settings) { return run.scene.error(settings); };
    test::expect_error(error({"simulation.depth=10"}), Kind::config, {"simulation.depth", "simulation.subhalo"});
    test::expect_error(error(run.input({"simulation.depth=800"})), Kind::config, {"simulation.depth", "periodic box"});
    test::expect_error(error(run.input({"simulation.depth=10", "simulation.index=no/such"})), Kind::resource,
                       {"simulation.index"});
}

} // namespace
} // namespace tessera
