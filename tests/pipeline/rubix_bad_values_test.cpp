// Inputs of docs/rubix.md with bad or extreme values, points 21 to 29 of its table, on which RUBIX 0.0.5 is silently wrong:
// what tessera does. Spectra are flat, so that a voxel is known in closed form.
#include <cmath>
#include <limits>

#include "tests/pipeline/tiny_galaxy.hpp"

namespace tessera {
namespace {

using test::expect_error;
using test::expect_voxel;
using test::flat_voxel;
using test::messages_of;
using test::random_stars;
using test::tiny_pixels;
using test::tiny_spaxel;
using test::TinyScene;
using test::TinyStar;
using test::world;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(RubixProbes, Point21_NanOrInfiniteField) {
    struct Bad {
        const char* dataset;
        TinyStar star;
        const char* found;
    };
    for (const Bad& bad :
         {Bad{"age", {.age = nan}, "found nan"}, Bad{"metallicity", {.metallicity = nan}, "found nan"},
          Bad{"initial_mass", {.mass = nan}, "found nan"}, Bad{"velocities", {.vz = infinity}, "found inf"}}) {
        auto stars = random_stars(7, 2);
        stars.push_back(bad.star); // row 7, of the last rank
        const TinyScene scene("bad-field", stars);
        expect_error(scene.error(), Kind::data,
                     {fmt::format("stars.hdf5:/stars/{}, row 7", bad.dataset), bad.found, "expected a finite number"});
    }
}

TEST(RubixProbes, Point22_NanVelocity) {
    auto stars = random_stars(7, 2);
    stars[6].vx = nan;
    const TinyScene scene("nan-velocity", stars);
    for (const std::string velocity : {"median", "mass", "[0, 0, 0]"}) {
        expect_error(scene.error({"galaxy.velocity=" + velocity}), Kind::data,
                     {"/stars/velocities, row 6", "found nan", "expected a finite number"});
    }
}

TEST(RubixProbes, Point23_OutsideTheGrid) {
    const TinyScene negative("negative-age", {{}, {.age = -0.5}});
    expect_error(negative.error(), Kind::data, {"/stars/age, row 1", "-0.5", "at least 0"});

    const std::vector<TinyStar> stars{{}, {.age = 22}, {.metallicity = 0.3}}; // the grid ends at 20 Gyr and Z = 0.05
    const TinyScene scene("outside", stars);
    const double inside = flat_voxel(stars[0]), edges = flat_voxel({.age = 20}) + flat_voxel({.metallicity = 0.05});
    for (const auto& [choice, expected] : {std::pair{"clamp", inside + edges}, std::pair{"zero", inside}}) {
        test::TinyCube cube;
        const std::string said = messages_of([&] { cube = scene.run({fmt::format("ssp.outside={}", choice)}); });
        expect_voxel(cube.at(30, 2, 2), expected, choice);
        EXPECT_EQ(cube.summary.synthesis.n_age_outside, 1);
        EXPECT_EQ(cube.summary.synthesis.n_metallicity_outside, 1);
        EXPECT_EQ(cube.summary.synthesis.n_synthesised, std::string(choice) == "zero" ? 1 : 3);
        if (world().is_root()) {
            EXPECT_NE(said.find("1 stars in the field have ages and 1 metallicities outside the grid of flat"),
                      std::string::npos)
                << said;
        }
    }
    expect_error(scene.error({"ssp.outside=error"}), Kind::data, {"age 22", "0 to 20 Gyr", "ssp.outside"});
}

TEST(RubixProbes, Point24_NegativeMass) {
    const TinyScene scene("negative-mass", {{}, {.mass = -1e6}});
    expect_error(scene.error(), Kind::data, {"/stars/initial_mass, row 1", "-1", "at least 0"});
}

TEST(RubixProbes, Point25_NothingToSee) {
    const TinyScene away("away", {{.x = 30}, {.x = -30, .y = 8}});
    expect_error(away.error(), Kind::data,
                 {"no star of 2 in the field", "x = -30.00 to 30.00 kpc", "y = 0.00 to 8.00 kpc", "output.empty"});
    test::TinyCube cube;
    const std::string said = messages_of([&] { cube = away.run({"output.empty=zeros"}); });
    if (world().is_root()) { EXPECT_NE(said.find("warning: no star of 2 in the field"), std::string::npos) << said; }
    EXPECT_EQ(cube.sum(), 0);
    for (const float value : cube.flux) { EXPECT_EQ(value, 0); }

    // All too old, all without metals: the edge's light by default, a counted zero or an error where asked.
    for (const auto& [star, edge] : {std::pair{TinyStar{.age = 24}, TinyStar{.age = 20}},
                                     std::pair{TinyStar{.metallicity = 0}, TinyStar{.metallicity = 0.0005}}}) {
        const TinyScene scene("off-grid", {star, star});
        expect_voxel(scene.run().at(0, 2, 2), 2 * flat_voxel(edge));
        const std::string warned = messages_of([&] { cube = scene.run({"ssp.outside=zero"}); });
        EXPECT_EQ(cube.sum(), 0);
        EXPECT_EQ(cube.summary.synthesis.n_synthesised, 0);
        if (world().is_root()) {
            EXPECT_NE(warned.find("they give no light"), std::string::npos) << warned;
            EXPECT_NE(warned.find("2"), std::string::npos) << warned;
        }
        expect_error(scene.error({"ssp.outside=error"}), Kind::data, {"ssp.outside"});
    }
}

TEST(RubixProbes, Point26_RangeNotCovered) {
    const TinyScene scene("range"); // the library ends at 20000 Angstrom: 21000 at redshift 0.05
    const std::vector<std::string> beyond{"telescope.wavelength_range=[20950, 21075]"};
    expect_error(scene.error(beyond), Kind::config,
                 {"SSP library", "library.h5", "1000.0 to 20000.0", "60 of 100 telescope pixels",
                  "between 21000.00 and 21073.75", "synthesis.uncovered: flag"});
    const auto cube = scene.run({beyond[0], "synthesis.uncovered=flag"});
    const auto mask = cube.file.dataset("mask").read_all<std::int32_t>();
    for (std::int64_t w = 0; w < tiny_pixels; ++w) {
        const double upper_edge = 20950 + 1.25 * (static_cast<double>(w) + 0.5);
        const bool flagged = (mask[static_cast<std::size_t>(w * 25)] & 1) != 0;
        // Flagged from a little before the end on, by what a star of 1000 km/s would need.
        if (upper_edge > 21000) {
            EXPECT_TRUE(flagged) << w;
        } else if (!flagged) {
            expect_voxel(cube.at(w, 2, 2), flat_voxel({}), fmt::format("pixel {}", w));
        }
        EXPECT_TRUE(std::isfinite(cube.at(w, 2, 2)));
    }
    const auto whole = scene.error({"telescope.wavelength_range=[30000, 30125]"});
    expect_error(whole, Kind::config, {"100 of 100 telescope pixels"});
}

TEST(RubixProbes, Point27_ZeroWidths) {
    const TinyScene scene("zero-widths");
    const std::vector<std::string> on{"psf.profile=gaussian", "lsf.profile=gaussian"};
    for (const std::string key : {"psf.sigma", "psf.fwhm", "lsf.sigma", "lsf.fwhm"}) {
        const auto error = scene.error({on[0], on[1], key + "=0"});
        expect_error(error, Kind::config, {key, "found 0", "> 0", key.substr(0, 3) + ".profile: none"});
    }
}

TEST(RubixProbes, Point28_WideLsf) {
    // One Gaussian line of 3 Angstrom at 5000 on nothing.
    ssp::Library library = test::flat_library();
    library.metallicity = {0.0005, 0.05};
    library.age = {0, 20};
    library.wavelength.clear();
    library.flux.clear();
    for (int i = 0; i <= 3000; ++i) { library.wavelength.push_back(3500 + i); }
    for (int node = 0; node < 4; ++node) {
        for (const double lambda : library.wavelength) {
            library.flux.push_back(static_cast<float>(std::exp(-0.5 * std::pow((lambda - 5000) / 3, 2))));
        }
    }
    const TinyScene scene("wide-lsf", {TinyStar{}}, library);
    const double sigma = 40; // Angstrom, 32 channels
    const std::vector<std::string> band{"telescope.wavelength_range=[4850, 5650]"};
    const auto sharp = scene.run(band);
    const auto cube = scene.run({band[0], "lsf.profile=gaussian", fmt::format("lsf.sigma={}", sigma)});
    double flux = 0, mean = 0, square = 0;
    for (std::int64_t w = 0; w < cube.n_wave; ++w) {
        const double lambda = 4850 + 1.25 * static_cast<double>(w), value = cube.at(w, 2, 2);
        flux += value;
        mean += value * lambda;
        square += value * lambda * lambda;
    }
    mean /= flux;
    const double width = std::sqrt(square / flux - mean * mean);
    const double expected =
        std::sqrt(std::pow(3 * 1.05, 2) + sigma * sigma + 1.25 * 1.25 / 12); // the pixel's own width counts too
    EXPECT_NEAR(mean, 5250, 0.05);
    EXPECT_NEAR(width, expected,
                2e-3 * expected); // 10 sigma of band hold the line; RUBIX's 12 channels would give 8.7 Angstrom
    EXPECT_NEAR(flux, sharp.sum(), 1e-4 * flux);
}

TEST(RubixProbes, Point29_PsfLargerThanTheImage) {
    const double w = tiny_spaxel();
    std::vector<TinyStar> sheet;
    for (int y = -8; y <= 8; ++y) {
        for (int x = -8; x <= 8; ++x) { sheet.push_back({.x = x * w, .y = y * w}); }
    }
    const TinyScene scene("wide-psf", sheet);
    const auto cube = scene.run({"psf.profile=gaussian", "psf.sigma=1.8", "psf.size=11"}); // 11 spaxels on a field of 5
    for (std::int64_t s = 0; s < 25; ++s) {
        expect_voxel(cube.at(20, s / 5, s % 5), flat_voxel({}), fmt::format("spaxel {}", s));
    }
    EXPECT_EQ(cube.summary.n_in_field, 25);
}

} // namespace
} // namespace tessera
