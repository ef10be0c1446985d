// Inputs of docs/rubix.md on which RUBIX 0.0.5 crashes or is silently wrong, points 1 to 20 of its table: what tessera does.
// Inputs are written here; spectra are flat, so that a voxel is known in closed form.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <hdf5.h> // to add datasets to a file

#include "tessera/core/constants.hpp"
#include "tessera/io/fits.hpp"
#include "tessera/particles/synthetic.hpp"
#include "tests/pipeline/tiny_galaxy.hpp"

namespace tessera {
namespace {

using test::expect_error;
using test::expect_voxel;
using test::flat_light;
using test::flat_voxel;
using test::random_stars;
using test::tiny_pixels;
using test::tiny_spaxel;
using test::TinyScene;
using test::TinyStar;
using test::world;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Matrix3 rotation_of(const io::Hdf5Group& file) {
    const auto numbers = file.group("provenance").numbers("rotation_matrix");
    Matrix3 matrix;
    for (std::size_t i = 0; i < 9; ++i) { matrix(static_cast<int>(i / 3), static_cast<int>(i % 3)) = numbers.at(i); }
    return matrix;
}

/// A row vector times a matrix.
Vector3 times(const Vector3& x, const Matrix3& m) {
    Vector3 out{};
    for (int j = 0; j < 3; ++j) {
        for (int i = 0; i < 3; ++i) { out[static_cast<std::size_t>(j)] += x[static_cast<std::size_t>(i)] * m(i, j); }
    }
    return out;
}

// ---- Wrong by default

TEST(RubixProbes, Point01_AgeAxisInLogYears) {
    const std::vector<TinyStar> stars{{.age = 5.5}, {.x = 1, .age = 12}};
    const TinyScene scene("age", stars);
    std::vector<double> log_age{0};
    for (int i = 0; i <= 104; ++i) { log_age.push_back(5.1 + 0.05 * i); } // log10(yr), as in RUBIX's BC03lr.h5
    const auto write = [&](const std::string& unit) {
        test::on_root([&] {
            const ssp::Library flat = test::flat_library();
            auto file = io::Hdf5File::create(scene.library_file);
            test::put(file, "metallicity", flat.metallicity);
            test::put(file, "age", log_age);
            test::put(file, "wavelength", flat.wavelength);
            std::vector<double> flux;
            for (const double metallicity : flat.metallicity) {
                for (const double log : log_age) {
                    flux.insert(flux.end(), flat.wavelength.size(), flat_light(metallicity, std::pow(10.0, log - 9)));
                }
            }
            const std::vector<std::int64_t> shape{flat.n_metallicity(), static_cast<std::int64_t>(log_age.size()),
                                                  flat.n_wave()};
            file.create_dataset("flux", io::NumberType::float64, shape).write_all<double>(flux);
            file.dataset("age").set("unit", unit);
        });
    };
    write("Gyr");
    expect_error(scene.error(), Kind::data, {"library.h5:/age", "look like log10(yr)", "expected ages in Gyr"});
    write("log10(yr)");
    const auto cube = scene.run();
    expect_voxel(cube.at(50, 2, 2), flat_voxel(stars[0]), "5.5 Gyr");
    expect_voxel(cube.at(50, 2, 3), flat_voxel(stars[1]), "12 Gyr: above 10.3, where RUBIX has no light");
}

TEST(RubixProbes, Point02_DustIsRefusedNotIgnored) {
    const TinyScene scene("dust");
    expect_error(scene.error({"dust.extinction_model=Cardelli89"}), Kind::config,
                 {"the unknown key 'dust.extinction_model'", "Did you mean"});
}

/// The field of the redshifts at which RUBIX's edges are one too many: every star counted, and where the closed form puts it.
void expect_no_shear(double redshift, const std::string& preset) {
    const auto stars = random_stars(400, 3.2 * tiny_spaxel(redshift));
    const TinyScene scene(fmt::format("edges-{}-{}", preset, redshift), stars);
    const auto cube =
        scene.run({"preset=" + preset, fmt::format("galaxy.redshift={}", redshift), "telescope.spaxel_size=0.2",
                   "telescope.wavelength_range=[5000, 5010]", "synthesis.method=exact", "output.stages=true"});
    ASSERT_EQ(cube.n_x, 25);
    ASSERT_EQ(cube.n_y, 25);
    const auto spaxel = cube.file.dataset("stages/spaxel").read_all<std::int32_t>();
    ASSERT_EQ(spaxel.size(), stars.size());
    const double width = 0.2 * tiny_spaxel(redshift);
    std::vector<double> light(625, 0);
    std::int64_t n_in_field = 0;
    for (std::size_t i = 0; i < stars.size(); ++i) {
        const double column = std::floor(stars[i].x / width + 12.5), row = std::floor(stars[i].y / width + 12.5);
        const bool inside = column >= 0 && column < 25 && row >= 0 && row < 25;
        EXPECT_EQ(spaxel[i], inside ? static_cast<std::int32_t>(25 * row + column) : -1) << "star " << i;
        if (!inside) { continue; }
        ++n_in_field;
        light[static_cast<std::size_t>(25 * row + column)] += flat_voxel(stars[i], redshift);
    }
    EXPECT_GT(n_in_field, 100);
    EXPECT_LT(n_in_field, 400);
    EXPECT_EQ(cube.summary.n_in_field, n_in_field);
    if (preset == "rubix") { return; } // its light is normalised in its own way
    for (std::int64_t s = 0; s < 625; ++s) {
        expect_voxel(cube.at(4, s / 25, s % 25), light[static_cast<std::size_t>(s)], fmt::format("spaxel {}", s));
    }
    expect_voxel(cube.sum(), std::accumulate(light.begin(), light.end(), 0.0) * static_cast<double>(cube.n_wave),
                 "whole cube");
}

TEST(RubixProbes, Point03_NoExtraBin) {
    for (const double redshift : {0.05, 0.075, 0.08, 0.095, 0.115, 0.155}) {
        SCOPED_TRACE(redshift);
        expect_no_shear(redshift, "none");
        expect_no_shear(redshift, "rubix");
    }
}

/// RUBIX's own input at z = 0.05, where it makes 27 edges: the stars by their exact places, its stage files not consulted but
/// for the rotated positions (float32, so that a star within 1e-5 kpc of an edge may fall on either side).
TEST(RubixProbes, Point03_ReferenceInputOfTheExtraBin) {
    const std::string relative = "reference/rubix/quirk_extra_bin.h5";
    const auto path = test::shared(relative);
    if (!path) { GTEST_SKIP() << test::absent(relative); }
    const auto reference = io::Hdf5File::open(path->string());
    const auto positions = reference.dataset("stages/1_rotation/coords").read_all<float>();
    const auto read = [&](const char* name) {
        return reference.dataset(std::string("inputs/") + name).read_all<float>();
    };
    const auto coords = read("coords"), velocity = read("velocity"), mass = read("mass"),
               metallicity = read("metallicity"), age = read("age");
    std::vector<TinyStar> stars;
    for (std::size_t i = 0; i < mass.size(); ++i) {
        stars.push_back({coords[3 * i], coords[3 * i + 1], coords[3 * i + 2], velocity[3 * i], velocity[3 * i + 1],
                         velocity[3 * i + 2], mass[i], metallicity[i], age[i]});
    }
    const TinyScene scene("quirk", stars);
    const auto cube = scene.run({"preset=rubix", "view.rotation=[40, 25, 70]", "telescope.spaxel_size=0.2",
                                 "telescope.wavelength_range=[4850.25, 4860.25]", "output.stages=true"});
    ASSERT_EQ(cube.n_x, 25);
    ASSERT_EQ(cube.n_y, 25);
    const auto spaxel = cube.file.dataset("stages/spaxel").read_all<std::int32_t>();
    const double width = 5.0 / 25 * tiny_spaxel();
    std::int64_t n_in_field = 0, n_close = 0;
    for (std::size_t i = 0; i < stars.size(); ++i) {
        const double u = positions[3 * i] / width + 12.5, v = positions[3 * i + 1] / width + 12.5;
        const auto close = [&](double x) { return std::abs(x - std::round(x)) * width < 1e-5; };
        const bool inside = u >= 0 && u < 25 && v >= 0 && v < 25;
        n_in_field += spaxel[i] >= 0 ? 1 : 0;
        if (close(u) || close(v)) {
            ++n_close;
            continue;
        }
        EXPECT_EQ(spaxel[i], inside ? static_cast<std::int32_t>(25 * std::floor(v) + std::floor(u)) : -1)
            << "star " << i;
    }
    EXPECT_LT(n_close, 10);
    EXPECT_NEAR(static_cast<double>(n_in_field), 3644, static_cast<double>(n_close)); // RUBIX keeps 3727
    EXPECT_EQ(cube.summary.n_in_field, n_in_field);
    const auto kept = cube.file.dataset("maps/RAW_NPART").read_all<double>();
    EXPECT_EQ(std::accumulate(kept.begin(), kept.end(), 0.0), static_cast<double>(n_in_field));
}

TEST(RubixProbes, Point04_FaceOnFindsTheDisc) {
    const TinyScene scene("face-on");
    SyntheticOptions disc;
    disc.path = scene.stars_file;
    disc.n_star = 40000;
    disc.n_gas = 0;
    disc.inclination = 76; // RUBIX's axis for the example galaxy is off by as much
    disc.position_angle = 30;
    make_snapshot(disc, world());
    const Vector3 normal = disc_normal(disc, 0);
    const double tolerance = std::sin(0.1 * constants::pi / 180);
    for (const std::string view : {"face-on", "edge-on"}) {
        const auto cube = scene.run({"view.rotation=" + view, "telescope.wavelength_range=[5000, 5010]"});
        const Matrix3 matrix = rotation_of(cube.file);
        EXPECT_NEAR(determinant(matrix), 1, 1e-12) << view;
        const Vector3 seen = times(normal, matrix);
        const Vector3 expected = view == "face-on" ? Vector3{0, 0, -1} : Vector3{0, 1, 0}; // towards the observer; up
        const Vector3 off = cross(seen, expected);
        EXPECT_LT(std::sqrt(dot(off, off)), tolerance) << view;
        EXPECT_GT(dot(seen, expected), 0) << view;
    }
}

TEST(RubixProbes, Point05_RanksDoNotChangeTheView) {
    const TinyScene scene("ranks");
    SyntheticOptions disc;
    disc.path = scene.stars_file;
    disc.n_star = 3000;
    disc.inclination = 50;
    make_snapshot(disc, world());
    const std::vector<std::string> view{"view.rotation=face-on", "galaxy.centre=shrinking-sphere",
                                        "galaxy.velocity=median", "telescope.wavelength_range=[5000, 5025]"};
    const auto cube = scene.run(view);
    auto settings = scene.settings(view);
    settings.push_back("output.path=" + (scene.folder / fmt::format("alone-{}.h5", world().rank())).string());
    const auto alone_config = read_config("", settings);
    const auto self = make_self_communicator();
    run_cube(alone_config, *self);
    const auto alone = TinyScene::read(alone_config.output.path);
    ASSERT_EQ(alone.flux.size(), cube.flux.size());
    const double maximum = *std::max_element(cube.flux.begin(), cube.flux.end());
    EXPECT_GT(maximum, 0);
    for (std::size_t i = 0; i < cube.flux.size(); ++i) {
        ASSERT_NEAR(cube.flux[i], alone.flux[i], 1e-6 * maximum) << "voxel " << i;
    }
    EXPECT_EQ(cube.file.group("provenance").numbers("rotation_matrix"),
              alone.file.group("provenance").numbers("rotation_matrix"));
}

/// Rank 0 writes the cut-out of test::TinyTng: Masses of the stars among its fields, no SubhaloData.
void write_cutout(const std::filesystem::path& path) {
    test::on_root([&] {
        test::TinyTng tng;
        tng.star_rows = {14};
        tng.gas_rows = {5};
        tng.write_chunk(path, 0, 14, 5);
    });
}

/// A TNG cut-out of 12 stars and 2 wind cells at a = 0.5 (test::TinyTng), and settings that see all of it.
std::vector<std::string> cutout_settings(const std::string& path) {
    return {"simulation.path=" + path, "simulation.format=tng", "telescope.field_of_view=50",
            "telescope.spaxel_size=10", "galaxy.centre=auto"};
}

TEST(RubixProbes, Point06_AgesToTheSnapshot) {
    const TinyScene scene("snapshot-age");
    const auto path = scene.folder / "cutout.hdf5";
    using Tng = test::TinyTng;
    write_cutout(path);
    const auto cube = scene.run(cutout_settings(path.string()));
    EXPECT_EQ(cube.summary.n_in_field, 12);
    EXPECT_EQ(cube.summary.n_wind_dropped, 2);
    double expected = 0, from_today = 0;
    const double since =
        test::closed_form_age(1, Tng::h, Tng::omega_m) - test::closed_form_age(Tng::a, Tng::h, Tng::omega_m);
    for (std::int64_t i = 0; i < 14; ++i) {
        if (Tng::is_wind(i)) { continue; }
        TinyStar star{.vz = Tng::v(i, 2) * std::sqrt(Tng::a),
                      .mass = Tng::initial_mass(i) * 1e10 / Tng::h,
                      .metallicity = Tng::metallicity(i),
                      .age = Tng::age(i)};
        expected += flat_voxel(star);
        star.age += since;
        from_today += flat_voxel(star);
    }
    // The look-up interpolates ages of a table of 1e-5 Gyr precision: 1e-4 is far from the 40 % that ages from today would cost.
    EXPECT_NEAR(cube.sum() / static_cast<double>(tiny_pixels), expected, 1e-4 * expected);
    EXPECT_LT(from_today, 0.7 * expected);
}

TEST(RubixProbes, Point07_MatrixIsApplied) {
    const double w = tiny_spaxel();
    const TinyScene scene("matrix", {{.x = 2 * w, .y = 0, .z = -w, .vx = 10, .vy = 300, .vz = 20}});
    // x' = x . M with columns e3, e1, e2: (x, y, z) becomes (z, x, y).
    const auto cube = scene.run({"view.rotation=[[0, 1, 0], [0, 0, 1], [1, 0, 0]]"});
    const TinyStar turned{.vz = 300};
    expect_voxel(cube.at(7, 4, 1), flat_voxel(turned), "the star's spaxel: x = -1, y = +2");
    expect_voxel(cube.sum(), flat_voxel(turned) * static_cast<double>(tiny_pixels), "and nothing elsewhere");
    EXPECT_NE(cube.flux, scene.run({"view.rotation=edge-on"}).flux);
    const auto angles = scene.run({"view.rotation=[40, 25, 70]"});
    const Matrix3 m = euler_matrix({40, 25, 70});
    const auto same = scene.run({fmt::format("view.rotation=[[{}, {}, {}], [{}, {}, {}], [{}, {}, {}]]", m(0, 0),
                                             m(0, 1), m(0, 2), m(1, 0), m(1, 1), m(1, 2), m(2, 0), m(2, 1), m(2, 2))});
    EXPECT_EQ(angles.flux, same.flux);
    EXPECT_GT(angles.sum(), 0);
}

TEST(RubixProbes, Point08_FitsUnitAndAxes) {
    const double w = tiny_spaxel();
    const TinyStar star{.x = 2 * w, .y = -w};
    const TinyScene scene("fits", {star});
    const std::string path = (scene.folder / "cube.fits").string();
    const auto cube = scene.run({"output.fits=" + path, "output.flux_unit=1e-20 erg/s/cm2/Angstrom"});
    // IAU 2015 solar luminosity, and the parsec, to more digits than the tolerance.
    const double distance =
        Cosmology(CosmologyOptions{}).luminosity_distance(test::tiny_redshift) * 3.0856775814913673e24; // cm
    const double expected = flat_voxel(star) * 3.828e33 / (4 * constants::pi * distance * distance) / 1e-20;
    const io::FitsReader fits(path);
    const int data = fits.index("DATA");
    EXPECT_EQ(fits.find_text(data, "BUNIT"), "10**(-20)*erg/s/cm**2/Angstrom");
    EXPECT_EQ(fits.find_text(data, "CTYPE1"), "RA---TAN");
    EXPECT_EQ(fits.find_text(data, "CTYPE2"), "DEC--TAN");
    EXPECT_EQ(fits.find_text(data, "CUNIT3"), "Angstrom");
    const auto image = fits.read_image<float>(data); // [wavelength, y, x]
    EXPECT_EQ(image, cube.flux);
    EXPECT_NEAR(image[50 * 25 + 1 * 5 + 4], expected, 1e-4 * expected) << "x = +2 spaxels, y = -1";
    EXPECT_EQ(image[50 * 25 + 4 * 5 + 1], 0) << "x and y swapped";

    scene.run({"output.fits=" + path});
    EXPECT_EQ(io::FitsReader(path).find_text(data, "BUNIT"), "solLum/Angstrom");
}

TEST(RubixProbes, Point09_OnlyTheNamedInputIsRead) {
    const TinyScene scene("stale", {{.mass = 3e6}});
    test::write_stars(scene.folder / "rubix_galaxy.h5", {{.mass = 7e6}});
    expect_voxel(scene.run().at(3, 2, 2), flat_voxel({.mass = 3e6}));
    const std::string missing = (scene.folder / "nowhere.hdf5").string();
    expect_error(scene.error({"simulation.path=" + missing}), Kind::data, {missing, "no such file"});
}

// ---- Crashes on ordinary use

TEST(RubixProbes, Point10_EveryTelescopeLoads) {
    const TinyScene scene("telescopes");
    const auto names = telescope_names();
    EXPECT_GE(names.size(), 18U);
    for (const std::string& name : names) {
        SCOPED_TRACE(name);
        TelescopeOptions options;
        options.name = name;
        const Telescope telescope = load_telescope(options, ".");
        const double first = telescope.wavelength_range[0];
        const double step = telescope.sampling == Sampling::linear ? telescope.wavelength_step
                                                                   : first * telescope.wavelength_step * std::log(10.0);
        // The instrument's own pixels, a small part of them.
        const std::string band = fmt::format("telescope.wavelength_range=[{}, {}]", first, first + 60 * step);
        const auto config =
            read_config("", {"simulation.path=" + scene.stars_file, "ssp.path=demo", "galaxy.centre=[0, 0, 0]",
                             "galaxy.velocity=[0, 0, 0]", "telescope.name=" + name,
                             fmt::format("telescope.field_of_view={}", 3 * telescope.spaxel_size), band,
                             "output.path=" + scene.cube_file});
        run_cube(config, world());
        world().barrier();
        const auto cube = TinyScene::read(scene.cube_file);
        EXPECT_EQ(cube.n_x, 3);
        EXPECT_NEAR(static_cast<double>(cube.n_wave), 60, 2);
        EXPECT_GT(cube.sum_at(1, 1), 0);
    }
}

TEST(RubixProbes, Point11_AnyChannelWidth) {
    LsfOptions options;
    options.sigma = 1.0658988593614638;
    options.taps = 25;
    for (int i = 1; i <= 399; ++i) {
        const double width = 0.05 * i;
        const Lsf lsf = make_lsf(options, make_linear_wavelengths(5000, 5000 + 60 * width, width), 0, std::nullopt,
                                 test::tiny_redshift);
        ASSERT_EQ(lsf.kernels.at(0).size(), 25U) << width << " Angstrom";
    }
    const TinyScene scene("widths");
    for (const double width : {1.6, 2.7}) {
        const auto cube = scene.run({"lsf.profile=gaussian", "lsf.sigma=1.0658988593614638", "lsf.taps=25",
                                     fmt::format("telescope.wavelength_step={}", width)});
        EXPECT_EQ(cube.n_wave, static_cast<std::int64_t>(std::ceil(125 / width)));
        expect_voxel(cube.at(cube.n_wave / 2, 2, 2), flat_voxel({}), "a flat spectrum stays flat");
    }
}

TEST(RubixProbes, Point12_IntegersAreNumbers) {
    const TinyScene scene("integers", random_stars(30, 5));
    const auto integers = scene.run({"galaxy.redshift=1", "view.rotation=[30, 0, 0]"});
    const auto reals = scene.run({"galaxy.redshift=1.0", "view.rotation=[30.0, 0.0, 0.0]"});
    EXPECT_GT(integers.sum(), 0);
    EXPECT_EQ(integers.flux, reals.flux);
}

TEST(RubixProbes, Point13_InstrumentCanBeSwitchedOff) {
    const TinyScene scene("instrument");
    const auto config = read_config("", {"simulation.path=" + scene.stars_file, "galaxy.centre=[0, 0, 0]",
                                         "galaxy.velocity=[0, 0, 0]", "telescope.field_of_view=1",
                                         "telescope.wavelength_range=[5000, 5125]", "output.path=" + scene.cube_file});
    run_cube(config, world()); // nothing said of PSF, LSF, noise
    world().barrier();
    const auto defaults = TinyScene::read(scene.cube_file);
    EXPECT_GT(defaults.sum_at(1, 2), 0) << "the default PSF spreads the star";
    const auto off = scene.run({"psf.profile=none", "lsf.profile=none", "noise.kind=none"});
    expect_voxel(off.at(0, 2, 2), flat_voxel({}));
    EXPECT_EQ(off.sum_at(1, 2), 0);
    for (const float variance : off.file.dataset("variance").read_all<float>()) { EXPECT_EQ(variance, 0); }
    const auto noise = scene.run({"noise.kind=signal-to-noise", "noise.signal_to_noise=10"});
    EXPECT_NE(noise.flux, off.flux);
}

TEST(RubixProbes, Point14_OrdinaryCutout) {
    const TinyScene scene("cutout");
    const auto path = scene.folder / "cutout.hdf5";
    write_cutout(path);
    test::on_root([&] {
        const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
        const hsize_t n = 14;
        const hid_t space = H5Screate_simple(1, &n, nullptr);
        for (const char* name : {"PartType4/ParticleIDs", "PartType4/GFM_StellarPhotometrics"}) {
            H5Dclose(H5Dcreate2(file, name, H5T_STD_U64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        }
        H5Sclose(space);
        H5Fclose(file);
    });
    const auto plain = scene.run(cutout_settings(path.string()));
    EXPECT_EQ(plain.summary.n_in_field, 12);
    EXPECT_EQ(plain.summary.n_wind_dropped, 2);
}

TEST(RubixProbes, Point15_FitsWithAngles) {
    const TinyScene scene("angles", random_stars(20, 2));
    const std::string path = (scene.folder / "cube.fits").string();
    scene.run({"output.fits=" + path, "view.rotation=[40, 25, 70]"});
    const io::FitsReader fits(path);
    std::string config;
    for (const std::string& line :
         fits.read_text_column(fits.index("CONFIG"), fits.columns(fits.index("CONFIG")).front())) {
        config += line + "\n";
    }
    EXPECT_NE(config.find("rotation: [40.0, 25.0, 70.0]"), std::string::npos) << config;
}

TEST(RubixProbes, Point16_NoStarNearTheCentre) {
    const TinyScene scene("hollow", {{.x = 20}, {.x = -20}, {.y = 30}, {.y = -30}});
    expect_error(scene.error({"galaxy.velocity=median"}), Kind::data,
                 {"galaxy.velocity_radius", "no star within 10 kpc of the centre", "20"});
    // No gas cell near the centre, or none at all: nothing depends on it.
    const TinyScene without_gas("no-gas");
    expect_voxel(without_gas.run({"galaxy.velocity=median"}).at(0, 2, 2), flat_voxel({}));
}

TEST(RubixProbes, Point17_NoStarAtAll) {
    const TinyScene scene("empty", {});
    expect_error(scene.error(), Kind::data, {"stars.hdf5", "no star at all", "at least one row"});
}

TEST(RubixProbes, Point18_RedshiftZero) {
    const TinyScene scene("redshift");
    expect_error(scene.error({"galaxy.redshift=0"}), Kind::config, {"galaxy.redshift", "found 0", "> 0"});
}

TEST(RubixProbes, Point19_NanCoordinate) {
    auto stars = random_stars(40, 2);
    stars[17].y = nan;
    const TinyScene scene("nan-coordinate", stars);
    expect_error(scene.error(), Kind::data,
                 {"stars.hdf5:/stars/coordinates, row 17", "found nan", "expected a finite number"});
}

TEST(RubixProbes, Point20_CentreOutsideTheStars) {
    const TinyScene scene("centre", random_stars(40, 2));
    expect_error(scene.error({"galaxy.centre=[100, 0, 0]"}), Kind::data,
                 {"galaxy.centre", "found centre [100, 0, 0] kpc", "within 10 kpc of the stars' bounding box"});
}

} // namespace
} // namespace tessera
