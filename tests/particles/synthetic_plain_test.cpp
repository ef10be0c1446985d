// Synthetic galaxies in the plain layout: what they look like, and that the ranks do not matter.
#include <functional>

#include "tests/particles/synthetic_support.hpp"

namespace tessera {
namespace {

using test::cross;
using test::dot;
using test::length;
using test::Vector;

constexpr double degree = 3.14159265358979323846 / 180;

/// Stars of a file, and where they are in the disc's own cylindrical frame.
struct Made {
    explicit Made(const SyntheticOptions& options) {
        const auto file = io::Hdf5File::open(options.path);
        const auto read = [&](const char* name) { return file.dataset(name).read_all<double>(); };
        position = test::vectors(read("stars/coordinates"));
        velocity = test::vectors(read("stars/velocities"));
        mass = read("stars/mass");
        initial_mass = read("stars/initial_mass");
        metallicity = read("stars/metallicity");
        age = read("stars/age");
        const auto n = file.group("galaxy").numbers("disc_normal");
        normal = {n[0], n[1], n[2]};
        half_mass_radius = file.group("galaxy").number("half_mass_radius");
        const Vector axis_x = std::abs(normal[2]) < 0.9 ? cross(normal, {0, 0, 1}) : cross(normal, {1, 0, 0});
        const Vector axis_y = cross(normal, axis_x);
        for (std::size_t i = 0; i < position.size(); ++i) {
            const double x = dot(position[i], axis_x) / length(axis_x), y = dot(position[i], axis_y) / length(axis_x);
            radius.push_back(std::hypot(x, y));
            azimuth.push_back(std::atan2(y, x));
            height.push_back(dot(position[i], normal));
            v_azimuth.push_back(dot(cross(normal, position[i]), velocity[i]) / radius[i]);
            v_z.push_back(dot(normal, velocity[i]));
        }
    }

    /// Mean of `value(i)` over the stars for which `take(i)` holds; at least a hundred.
    template <class Take, class Value>
    double mean(Take&& take, Value&& value) const {
        double sum = 0;
        std::int64_t n = 0;
        for (std::size_t i = 0; i < position.size(); ++i) {
            if (take(i)) { sum += value(i), ++n; }
        }
        EXPECT_GE(n, 100);
        return sum / static_cast<double>(n);
    }

    std::vector<Vector> position, velocity;
    std::vector<double> mass, initial_mass, metallicity, age, radius, azimuth, height, v_azimuth, v_z;
    Vector normal{};
    double half_mass_radius = 0;
};

SyntheticOptions disc_options(const std::string& name) {
    SyntheticOptions options;
    options.path = (test::scratch(name) / "disc.h5").string();
    options.n_star = 100003;
    options.n_gas = 0;
    options.seed = 7;
    options.disc_fraction = 1;
    options.scale_length = 3;
    options.v_max = 200;
    return options;
}

TEST(SyntheticPlain, FileIsTheSameByteForByteOnAnyNumberOfRanks) {
    SyntheticOptions options;
    options.n_star = 300007; // three blocks on one rank, one on four, and no rank count divides it
    options.n_gas = 1009;
    test::expect_same_bytes_as_on_one_rank(options, test::scratch("plain-bytes"));
}

TEST(SyntheticPlain, MoreRanksThanStarsIsNoTrouble) {
    SyntheticOptions options;
    options.n_star = 2;
    options.n_gas = 1;
    test::expect_same_bytes_as_on_one_rank(options, test::scratch("plain-few"));
}

TEST(SyntheticPlain, SeedsMakeDifferentGalaxies) {
    SyntheticOptions options = disc_options("plain-seeds");
    options.n_star = 1000;
    options.inclination = 0; // the same orientation: the stars themselves must differ
    make_snapshot(options, test::world());
    const Made one(options);
    options.seed = 8;
    make_snapshot(options, test::world()); // replaces the file
    const Made two(options);
    std::size_t n_equal = 0;
    for (std::size_t i = 0; i < one.age.size(); ++i) { n_equal += one.age[i] == two.age[i] ? 1U : 0U; }
    EXPECT_LE(n_equal, 1U);
}

TEST(SyntheticPlain, DiscIsExponentialWithTheGivenScaleLength) {
    const SyntheticOptions options = disc_options("plain-scale");
    make_snapshot(options, test::world());
    const Made disc(options);
    const auto all = [](std::size_t) { return true; };
    const double n = static_cast<double>(options.n_star);
    // Surface density exp(-R/h): <R> = 2 h with variance 2 h^2; inside h lie 1 - 2/e. Five standard errors.
    EXPECT_NEAR(disc.mean(all, [&](std::size_t i) { return disc.radius[i]; }), 6, 5 * std::sqrt(18 / n));
    EXPECT_NEAR(disc.mean(all, [&](std::size_t i) { return disc.radius[i] < 3 ? 1.0 : 0.0; }), 1 - 2 / std::exp(1.0),
                5 * std::sqrt(0.25 / n));
    // sech^2(z/z0) with z0 = h (0.04 + 0.1 age / 12.5 Gyr): <|z|> = z0 ln 2 with variance z0^2 (pi^2/12 - ln^2 2).
    const auto in_heights = [&](std::size_t i) {
        return std::abs(disc.height[i]) / (3 * (0.04 + 0.1 * disc.age[i] / 12.5));
    };
    EXPECT_NEAR(disc.mean(all, in_heights), std::log(2.0), 5 * std::sqrt(0.342 / n));
    // Birth masses are uniform in 0.5 to 1.5 times the mean.
    EXPECT_NEAR(disc.mean(all, [&](std::size_t i) { return disc.initial_mass[i]; }), 5e5, 5 * 5e5 / std::sqrt(12 * n));
}

TEST(SyntheticPlain, BulgeFollowsHernquistAndPressureHoldsIt) {
    SyntheticOptions options = disc_options("plain-bulge");
    options.disc_fraction = 0;
    make_snapshot(options, test::world());
    const Made bulge(options);
    const double a = 0.15 * 3, n = static_cast<double>(options.n_star);
    // M(<r)/M = (r/(r + a))^2 / 0.94: the profile is cut where it holds 94 %.
    const double s = std::sqrt(0.47), half = a * s / (1 - s);
    const auto all = [](std::size_t) { return true; };
    EXPECT_NEAR(bulge.mean(all, [&](std::size_t i) { return length(bulge.position[i]) < half ? 1.0 : 0.0; }), 0.5,
                5 * std::sqrt(0.25 / n));
    const double rotation = bulge.mean(all, [&](std::size_t i) { return bulge.v_azimuth[i]; });
    const double vertical = bulge.mean(all, [&](std::size_t i) { return bulge.v_z[i] * bulge.v_z[i]; });
    EXPECT_GT(rotation, 0);
    EXPECT_LT(rotation, 0.5 * std::sqrt(vertical));
}

TEST(SyntheticPlain, RotationRisesToFlatAndOldStarsLag) {
    const SyntheticOptions options = disc_options("plain-rotation");
    make_snapshot(options, test::world());
    const Made disc(options);
    const auto rotation = [&](double from, double to, double youngest, double oldest) {
        return disc.mean(
            [&](std::size_t i) {
                return disc.radius[i] > from && disc.radius[i] < to && disc.age[i] > youngest && disc.age[i] < oldest;
            },
            [&](std::size_t i) { return disc.v_azimuth[i]; });
    };
    // v_c = 200 R / hypot(R, 0.4 h) at 9 kpc: 198.2; the young lag by sigma^2 (2 R/h - 0.5) / 2 v_c < 6 km/s there.
    const double young = rotation(8.5, 9.5, 0, 1);
    EXPECT_LT(young, 198.5);
    EXPECT_GT(young, 191);
    // At 5.5 kpc the drift is 2.6 km/s at an age of 0.5 Gyr and 8.7 km/s at 11 Gyr.
    EXPECT_NEAR(rotation(5, 6, 0, 1) - rotation(5, 6, 9, 13), 6, 2);
    EXPECT_LT(rotation(0.2, 0.8, 0, 13), 0.6 * young);             // rising
    EXPECT_NEAR(rotation(11, 13, 0, 1), rotation(8, 10, 0, 1), 5); // flat
    const auto dispersion = [&](double from, double to) {
        return std::sqrt(disc.mean([&](std::size_t i) { return disc.radius[i] > from && disc.radius[i] < to; },
                                   [&](std::size_t i) { return disc.v_z[i] * disc.v_z[i]; }));
    };
    EXPECT_GT(dispersion(1, 2), 1.5 * dispersion(6, 8));
}

TEST(SyntheticPlain, MetalsFallOutwardAndWithAgeAndYouthIsOutside) {
    const SyntheticOptions options = disc_options("plain-metals");
    make_snapshot(options, test::world());
    const Made disc(options);
    const auto ring = [&](double from, double to) {
        return [&disc, from, to](std::size_t i) { return disc.radius[i] > from && disc.radius[i] < to; };
    };
    const auto log_metals = [&](std::size_t i) { return std::log10(disc.metallicity[i]); };
    const auto aged = [&](std::size_t i) { return disc.age[i]; };
    EXPECT_LT(disc.mean(ring(8, 10), log_metals), disc.mean(ring(1, 3), log_metals) - 0.15);
    EXPECT_LT(disc.mean(ring(8, 10), aged), disc.mean(ring(1, 3), aged) - 0.5);
    const auto at_four = [&](double youngest, double oldest) {
        return disc.mean(
            [&, in = ring(3, 5)](std::size_t i) { return in(i) && disc.age[i] > youngest && disc.age[i] < oldest; },
            log_metals);
    };
    EXPECT_LT(at_four(9, 12), at_four(0, 3) - 0.15);
    for (std::size_t i = 0; i < disc.age.size(); ++i) {
        ASSERT_GT(disc.age[i], 0);
        ASSERT_LT(disc.age[i], 13.8);
        ASSERT_GT(disc.metallicity[i], 0);
        ASSERT_LT(disc.metallicity[i], 0.1);
        ASSERT_GT(disc.mass[i], 0);
        ASSERT_LE(disc.mass[i], disc.initial_mass[i]);
    }
}

TEST(SyntheticPlain, YoungStarsFollowTwoTrailingArms) {
    SyntheticOptions options = disc_options("plain-arms");
    options.inclination = 0; // x, y of the file are then those of the disc
    make_snapshot(options, test::world());
    const Made disc(options);
    // |<exp(2 i phase)>| with the phase against a logarithmic spiral of 18 degree pitch: 1 on the arms, 0 without arms.
    const auto strength = [&](double oldest, double turn) {
        const auto young = [&](std::size_t i) { return oldest > 0 ? disc.age[i] < oldest : disc.age[i] > 6; };
        const auto phase = [&](std::size_t i) {
            const double angle = std::atan2(disc.position[i][1], disc.position[i][0]);
            return 2 * (angle + turn * std::log(disc.radius[i] / 3) / std::tan(18 * degree));
        };
        return std::hypot(disc.mean(young, [&](std::size_t i) { return std::cos(phase(i)); }),
                          disc.mean(young, [&](std::size_t i) { return std::sin(phase(i)); }));
    };
    EXPECT_GT(strength(0.2, 1), 0.5);  // at most 0.9 exp(-2 0.25^2) = 0.79
    EXPECT_LT(strength(0.2, -1), 0.2); // leading arms there are none
    EXPECT_LT(strength(0, 1), 0.03);   // among the old
}

TEST(SyntheticPlain, AttributesTellWhatTheStarsSay) {
    SyntheticOptions options = disc_options("plain-attributes");
    options.n_star = 200000;
    options.disc_fraction = 0.8;
    options.redshift = 0.1;
    make_snapshot(options, test::world());
    const Made galaxy(options);
    std::vector<double> radius;
    Vector spin{};
    for (std::size_t i = 0; i < galaxy.position.size(); ++i) {
        radius.push_back(length(galaxy.position[i]));
        const Vector l = cross(galaxy.position[i], galaxy.velocity[i]);
        for (std::size_t d = 0; d < 3; ++d) { spin[d] += galaxy.mass[i] * l[d]; }
    }
    // Shells of 0.2 % in radius, interpolated.
    EXPECT_NEAR(galaxy.half_mass_radius / test::half_mass_radius(radius, galaxy.mass), 1, 1e-3);
    EXPECT_NEAR(length(galaxy.normal), 1, 1e-12);
    EXPECT_LT(std::acos(std::min(1.0, dot(spin, galaxy.normal) / length(spin))), 0.1 * degree);
    const Vector told = disc_normal(options, 0);
    for (std::size_t d = 0; d < 3; ++d) { EXPECT_EQ(told[d], galaxy.normal[d]); }

    const auto file = io::Hdf5File::open(options.path);
    EXPECT_EQ(file.group("galaxy").number("redshift"), 0.1);
    EXPECT_EQ(file.group("galaxy").numbers("centre"), (std::vector<double>{0, 0, 0}));
    for (const auto& [name, unit] : std::map<std::string, std::string>{{"coordinates", "kpc"},
                                                                       {"velocities", "km/s"},
                                                                       {"initial_mass", "Msun"},
                                                                       {"mass", "Msun"},
                                                                       {"metallicity", ""},
                                                                       {"age", "Gyr"}}) {
        const auto dataset = file.dataset("stars/" + name);
        EXPECT_EQ(dataset.find_text("unit"), unit) << name;
        EXPECT_EQ(dataset.n_row(), options.n_star) << name;
        EXPECT_EQ(dataset.number_type(), io::NumberType::float32) << name;
    }
    EXPECT_FALSE(file.has_group("gas")); // none asked for
}

TEST(SyntheticPlain, GasDiscFormsStarsWhereItIsDense) {
    SyntheticOptions options = disc_options("plain-gas");
    options.n_star = 10000;
    options.n_gas = 20000;
    options.stellar_mass = 3e10;
    options.inclination = 0;
    make_snapshot(options, test::world());
    const auto gas = io::Hdf5File::open(options.path).group("gas");
    const auto read = [&](const char* name) { return gas.dataset(name).read_all<double>(); };
    const auto mass = read("masses"), density = read("density"), rate = read("star_formation_rate");
    const auto temperature = read("temperature");
    const auto position = test::vectors(read("coordinates"));
    double total = 0, in_plane = 0, thickness = 0;
    std::size_t n_forming = 0;
    for (std::size_t i = 0; i < mass.size(); ++i) {
        total += mass[i];
        in_plane += std::hypot(position[i][0], position[i][1]);
        thickness += std::abs(position[i][2]);
        n_forming += rate[i] > 0 ? 1U : 0U;
        ASSERT_EQ(rate[i] > 0, density[i] > 4.2e6) << density[i]; // n_H = 0.13 cm^-3
        ASSERT_GT(temperature[i], 1e3);
    }
    const double n = 20000;
    EXPECT_NEAR(total, 0.1 * 3e10, 5 * 3e9 / std::sqrt(12 * n));                           // gas_fraction of the stars
    EXPECT_NEAR(in_plane / n, 2 * 1.7 * 3, 5 * std::sqrt(2 / n) * 5.1);                    // 1.7 scale lengths
    EXPECT_NEAR(thickness / n, 0.04 * 3 * std::log(2.0), 5 * 0.12 * std::sqrt(0.342 / n)); // sech^2
    EXPECT_GT(n_forming, 1000U);
    EXPECT_LT(n_forming, 19000U);
}

TEST(SyntheticPlain, StellarMassAndScalingRelations) {
    SyntheticOptions options = disc_options("plain-mass");
    options.n_star = 50000;
    options.scale_length.reset();
    options.v_max.reset();
    options.stellar_mass = 5e10 / 16; // a sixteenth: half the size, half the speed
    make_snapshot(options, test::world());
    const Made disc(options);
    const auto all = [](std::size_t) { return true; };
    EXPECT_NEAR(disc.mean(all, [&](std::size_t i) { return disc.initial_mass[i]; }) * 50000 / *options.stellar_mass, 1,
                5 / std::sqrt(12 * 50000.0));
    EXPECT_NEAR(disc.mean(all, [&](std::size_t i) { return disc.radius[i]; }), 3.5, 5 * 1.75 * std::sqrt(2 / 50000.0));
    const double speed = disc.mean([&](std::size_t i) { return disc.age[i] < 1 && disc.radius[i] > 5; },
                                   [&](std::size_t i) { return disc.v_azimuth[i]; });
    EXPECT_NEAR(speed, 110, 5);
}

TEST(SyntheticPlain, RandomOrientationsAreUniform) {
    SyntheticOptions options;
    Vector mean{}, square{};
    const int n = 3000;
    for (int i = 0; i < n; ++i) {
        const Vector normal = disc_normal(options, i);
        for (std::size_t d = 0; d < 3; ++d) {
            mean[d] += normal[d] / n;
            square[d] += normal[d] * normal[d] / n;
        }
    }
    for (std::size_t d = 0; d < 3; ++d) { // a component is uniform on (-1, 1): variance 1/3, its square's 4/45
        EXPECT_NEAR(mean[d], 0, 5 * std::sqrt(1 / (3.0 * n)));
        EXPECT_NEAR(square[d], 1.0 / 3, 5 * std::sqrt(4 / (45.0 * n)));
    }
}

TEST(SyntheticPlain, InclinationAndPositionAngleTurnTheNormal) {
    SyntheticOptions options;
    options.inclination = 60;
    options.position_angle = 30;
    const Vector normal = disc_normal(options, 0);
    const Vector expected{std::sin(30 * degree) * std::sin(60 * degree), -std::cos(30 * degree) * std::sin(60 * degree),
                          0.5};
    for (std::size_t d = 0; d < 3; ++d) { EXPECT_NEAR(normal[d], expected[d], 1e-15); }
    // The line of nodes, where disc and sky meet, lies at the position angle.
    EXPECT_NEAR(dot(normal, {std::cos(30 * degree), std::sin(30 * degree), 0}), 0, 1e-15);
}

} // namespace
} // namespace tessera
