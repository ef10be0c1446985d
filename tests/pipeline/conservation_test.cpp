// Conservation laws and closed forms, from files to files.
#include "tessera/core/random.hpp"
#include "tests/pipeline/scene.hpp"

namespace tessera {
namespace {

/// Erg/s/cm2 in 1e-20 from one Lsun at luminosity distance `mpc`.
double dilution(double mpc) {
    const double distance = mpc * 1000 * constants::kpc;
    return constants::solar_luminosity / (4 * constants::pi * distance * distance) / 1e-20;
}

/// Stars within half a kpc of the centre (the field is +-1.7 kpc), masses all different.
test::SceneStars cloud(std::int64_t n, double sigma) {
    test::SceneStars stars;
    for (std::int64_t i = 0; i < n; ++i) {
        const auto random = [&](std::uint64_t stream) { return Philox::at(5, stream, static_cast<std::uint64_t>(i)); };
        const auto place = [&](std::uint64_t stream) { return random(stream).uniform(0) - 0.5; };
        stars.add(place(0), place(1), place(2), sigma * random(3).normal(), sigma * random(4).normal(),
                  sigma * random(5).normal(), 1e6 * (1 + place(6)));
    }
    return stars;
}

double total_mass(const test::SceneStars& stars) {
    double mass = 0;
    for (const float m : stars.mass) { mass += m; }
    return mass;
}

TEST(Conservation, TotalFluxIsMassTimesSspTimesDilution) {
    const auto stars = cloud(300, 150);
    const test::Scene scene("total-flux", stars);
    // An Einstein-de Sitter universe: D_L = 2 c/H0 (1 + z) (1 - 1/sqrt(1 + z)) in closed form.
    const auto flux_at = [&](double redshift, const char* range) {
        const std::string path = scene.run(
            "cube.h5", {fmt::format("galaxy.redshift={}", redshift), range, "cosmology.h0=70", "cosmology.omega_m=1"},
            test::world());
        return test::Cube(path).total();
    };
    for (const auto& [redshift, range] : {std::pair{0.05, "telescope.wavelength_range=[5100, 5400]"},
                                          std::pair{0.3, "telescope.wavelength_range=[6300, 6700]"}}) {
        const double mpc = 2 * constants::speed_of_light / 70 * (1 + redshift) * (1 - 1 / std::sqrt(1 + redshift));
        const double expected = total_mass(stars) * 1.0 * dilution(mpc); // the line holds 1 Lsun per Msun
        EXPECT_NEAR(flux_at(redshift, range), expected, 1e-5 * expected) << "redshift " << redshift;
    }
}

TEST(Conservation, LuminosityUnitsGiveTheLuminosity) {
    const auto stars = cloud(100, 150);
    const test::Scene scene("luminosity", stars);
    const test::Cube cube(scene.run("cube.h5", {"output.flux_unit=Lsun/Angstrom"}, test::world()));
    EXPECT_NEAR(cube.total(), total_mass(stars), 1e-5 * total_mass(stars));
}

TEST(Conservation, ThePsfKeepsTheFluxOfAGalaxyInsideTheField) {
    const auto stars = cloud(100, 150);
    const test::Scene scene("psf-energy", stars);
    const std::string wide = "telescope.field_of_view=14.5"; // 29 spaxels: kernels reach no edge
    const double sharp = test::Cube(scene.run("sharp.h5", {wide}, test::world())).total();
    for (const auto& psf : {std::vector<std::string>{wide, "psf.profile=gaussian", "psf.fwhm=1"},
                            {wide, "psf.profile=moffat", "psf.fwhm=0.7", "psf.moffat_beta=4.5", "psf.size=21"}}) {
        const test::Cube blurred(scene.run("blurred.h5", psf, test::world()));
        EXPECT_NEAR(blurred.total(), sharp, 1e-5 * sharp); // kernels are normalised
        EXPECT_LT(blurred.largest(), 0.8 * test::Cube((scene.folder / "sharp.h5").string()).largest());
    }
}

TEST(Conservation, StarsJustOutsideTheFieldScatterTheirLightIn) {
    test::SceneStars stars;
    stars.add(0, 0, 0, 0, 0, 0, 1e3);
    // 0.5 arcsec is 0.51 kpc at redshift 0.05: the field ends at +-1.78 kpc, this star lies half a spaxel beyond.
    stars.add(2.0, 0.1, 0, 0, 0, 0, 1e6);
    stars.add(-0.2, 0, 0, 0, 0, 0, 1e3);
    const test::Scene scene("margin", stars);
    const std::vector<std::string> psf{"psf.profile=gaussian", "psf.fwhm=0.8"};
    const test::Cube small(scene.run("small.h5", psf, test::world()));
    std::vector<std::string> wide = psf;
    wide.emplace_back("telescope.field_of_view=7.5"); // 15 spaxels: four more on each side
    const test::Cube large(scene.run("large.h5", wide, test::world()));
    const double scale = large.largest();
    double edge = 0;
    for (std::int64_t w = 0; w < small.n_wave; ++w) {
        for (std::int64_t y = 0; y < small.n_y; ++y) {
            for (std::int64_t x = 0; x < small.n_x; ++x) {
                EXPECT_NEAR(small.at(w, y, x), large.at(w, y + 4, x + 4), 1e-6 * scale);
            }
        }
        edge = std::max(edge, small.at(w, 3, small.n_x - 1));
    }
    EXPECT_GT(edge, 0.05 * scale); // the heavy star's light, which is most of what there is
}

TEST(Conservation, TheLsfBroadensALineInQuadrature) {
    const test::Scene scene("lsf-width", cloud(1, 0));
    const auto width = [&](const std::vector<std::string>& more) {
        const test::Cube cube(scene.run("cube.h5", more, test::world()));
        double flux = 0;
        double first = 0;
        double second = 0;
        for (std::int64_t w = 0; w < cube.n_wave; ++w) {
            double light = 0;
            for (std::int64_t s = 0; s < cube.n_y * cube.n_x; ++s) {
                light += cube.flux[static_cast<std::size_t>(w * cube.n_y * cube.n_x + s)];
            }
            const double offset = cube.wavelength[static_cast<std::size_t>(w)] - 5250;
            flux += light;
            first += light * offset;
            second += light * offset * offset;
        }
        return second / flux - std::pow(first / flux, 2);
    };
    const double before = width({});
    const double after = width({"lsf.profile=gaussian", "lsf.sigma=2.5"});
    EXPECT_NEAR(after - before, 2.5 * 2.5, 1e-3 * 2.5 * 2.5);
}

TEST(Conservation, ARotatingRingHasTheVelocityMapOfItsGeometry) {
    // A ring of radius 1.2 kpc rotating at 200 km/s about z, tilted by 60 degrees about x: v_z = 200 sin(60) cos(phi).
    test::SceneStars stars;
    const int n = 720;
    for (int i = 0; i < n; ++i) {
        const double phi = 2 * constants::pi * i / n;
        stars.add(1.2 * std::cos(phi), 1.2 * std::sin(phi), 0, -200 * std::sin(phi), 200 * std::cos(phi), 0);
    }
    const test::Scene scene("ring", stars);
    const std::string path = scene.run("ring.h5", {"view.rotation=[60, 0, 0]"}, test::world());
    const auto velocity = test::map_of(path, "RAW_VEL");
    const auto count = test::map_of(path, "RAW_NPART");
    // x' = x Rx(60) for a row vector: y' = y cos 60, and v_z' = -v_y sin 60.
    const double spaxel = 0.5 * Cosmology(CosmologyOptions{}).kpc_per_arcsec(0.05);
    std::vector<double> sum(49, 0.0);
    std::vector<double> number(49, 0.0);
    for (int i = 0; i < n; ++i) {
        const double phi = 2 * constants::pi * i / n;
        const auto ix = static_cast<int>(std::floor(1.2 * std::cos(phi) / spaxel + 3.5));
        const auto iy = static_cast<int>(std::floor(1.2 * std::sin(phi) * 0.5 / spaxel + 3.5));
        sum[static_cast<std::size_t>(7 * iy + ix)] += -200 * std::sin(constants::pi / 3) * std::cos(phi);
        number[static_cast<std::size_t>(7 * iy + ix)] += 1;
    }
    double fastest = 0;
    for (std::size_t s = 0; s < sum.size(); ++s) {
        EXPECT_EQ(count[s], number[s]);
        if (number[s] == 0) {
            EXPECT_TRUE(std::isnan(velocity[s]));
            continue;
        }
        EXPECT_NEAR(velocity[s], sum[s] / number[s], 1e-3);
        fastest = std::max(fastest, std::abs(velocity[s]));
    }
    EXPECT_NEAR(fastest, 200 * std::sin(constants::pi / 3), 10); // a spaxel averages over some of the ring
}

} // namespace
} // namespace tessera
