#include "particles/synthetic_galaxy.hpp"

#include <algorithm>
#include <cmath>

#include "particles/synthetic_random.hpp"
#include "tessera/core/constants.hpp"

namespace tessera::synthetic {

namespace {

constexpr double degree = constants::pi / 180;
constexpr double core = 0.4;              // radius where the rotation curve turns, in scale lengths
constexpr double bulge_scale = 0.15;      // Hernquist's a, in scale lengths
constexpr double bulge_kept = 0.94;       // mass of the Hernquist profile inside the cut, at 32 a
constexpr double pitch = 18 * degree;     // of the spiral arms
constexpr double arm_width = 0.25;        // rad, one sigma
constexpr double wind_share = 0.002;      // of the rows of the star type
constexpr double gas_extent = 1.7;        // gas scale length over stellar
constexpr double gas_height = 0.04;       // gas scale height over stellar scale length
constexpr double metal_gradient = -0.15;  // dex a scale length
constexpr double metal_with_age = -0.035; // dex a Gyr
constexpr double threshold = 4.2e6;       // Msun/kpc^3: n_H = 0.13 cm^-3, Springel & Hernquist (2003)
constexpr double depletion_time = 2.2e9;  // yr at the threshold

/// Share of its birth mass that a population of an age [Gyr] has lost, Chabrier IMF: Leitner & Kravtsov (2011), eq. 1.
double mass_lost(double age) { return 0.046 * std::log1p(age / 2.76e-4); }

/// Height above the plane of a sech^2 layer.
double sech2_height(double scale_height, double uniform) {
    return 0.5 * scale_height * std::log(uniform / (1 - uniform));
}

double exponential_disc_radius(double scale_length, Draws& draws) {
    return -scale_length * std::log(draws.uniform() * draws.uniform()); // Gamma(2): R exp(-R/Rd)
}

/// Azimuth on a two-armed trailing logarithmic spiral with probability `share`, anywhere else.
double azimuth(double radius, double scale_length, double share, Draws& draws) {
    const double toss = draws.uniform(), turn = 2 * constants::pi * draws.uniform();
    if (toss >= share) { return turn; }
    const double arm = toss < 0.5 * share ? 0.0 : constants::pi;
    return arm - std::log(radius / scale_length) / std::tan(pitch) + arm_width * draws.normal();
}

Vector isotropic(double length, Draws& draws) {
    const double cosine = 2 * draws.uniform() - 1, angle = 2 * constants::pi * draws.uniform();
    const double sine = std::sqrt(1 - cosine * cosine);
    return {length * sine * std::cos(angle), length * sine * std::sin(angle), length * cosine};
}

/// Cylindrical (v_R, v_phi, v_z) at azimuth (cosine, sine) to Cartesian.
Vector cartesian(double cosine, double sine, double v_radius, double v_azimuth, double v_z) {
    return {v_radius * cosine - v_azimuth * sine, v_radius * sine + v_azimuth * cosine, v_z};
}

double enriched(const Galaxy& galaxy, double dex) {
    return std::clamp(galaxy.metallicity * std::pow(10.0, dex), 1e-5, 0.06);
}

void place_disc_star(const Galaxy& galaxy, Draws& draws, Star& star) {
    const double radius = exponential_disc_radius(galaxy.scale_length, draws);
    const double x = radius / galaxy.scale_length;
    // Grown from the inside out: u^p has the mean 1/(1 + p), and p rises with radius.
    star.age = galaxy.oldest * std::pow(draws.uniform(), 0.55 + 0.22 * std::min(x, 5.0));
    star.metallicity = enriched(galaxy, metal_gradient * x + metal_with_age * star.age + 0.08 * draws.normal());

    const double angle = azimuth(radius, galaxy.scale_length, 0.9 * std::exp(-star.age / 0.8), draws);
    const double cosine = std::cos(angle), sine = std::sin(angle);
    const double scale_height = galaxy.scale_length * (0.04 + 0.1 * star.age / 12.5); // old discs are thick
    star.position = {radius * cosine, radius * sine, sech2_height(scale_height, draws.uniform())};

    const double dispersion = radial_dispersion(galaxy, radius, star.age);
    const double v_azimuth = mean_rotation(galaxy, radius, star.age) + std::sqrt(0.5) * dispersion * draws.normal();
    const double v_radius = dispersion * draws.normal();
    star.velocity = cartesian(cosine, sine, v_radius, v_azimuth, 0.6 * dispersion * draws.normal());
}

void place_bulge_star(const Galaxy& galaxy, Draws& draws, Star& star) {
    const double s = std::sqrt(bulge_kept * draws.uniform()); // M(r)/M = (r/(r + a))^2
    const double radius = bulge_scale * galaxy.scale_length * s / (1 - s);
    star.position = isotropic(radius, draws);
    star.age = galaxy.oldest * (0.7 + 0.3 * draws.uniform());
    const double in_a = radius / (bulge_scale * galaxy.scale_length);
    star.metallicity = enriched(galaxy, -0.1 - 0.25 * std::log10(1 + in_a) + 0.15 * draws.normal());

    // Pressure support, falling outward, and a slow rotation with the disc.
    const double dispersion = 0.6 * galaxy.v_max / std::sqrt(1 + 0.5 * radius / galaxy.scale_length);
    const double cylinder = std::max(std::hypot(star.position[0], star.position[1]), 1e-12);
    const double rotation = 0.2 * circular_velocity(galaxy, cylinder) / cylinder;
    star.velocity = {dispersion * draws.normal() - rotation * star.position[1],
                     dispersion * draws.normal() + rotation * star.position[0], dispersion * draws.normal()};
}

/// Gas blown out of the disc: above the plane and leaving it.
void make_wind(const Galaxy& galaxy, Draws& draws, Star& star) {
    const double side = draws.uniform() < 0.5 ? -1 : 1;
    star.wind = true;
    star.position[2] = side * galaxy.scale_length * (0.1 + 0.6 * draws.uniform());
    star.velocity[2] = side * galaxy.v_max * (0.5 + 0.5 * draws.uniform());
    star.mass = star.initial_mass;
    star.initial_mass = 0;
}

} // namespace

Vector rotate(const Rotation& r, const Vector& v) {
    return {r[0] * v[0] + r[1] * v[1] + r[2] * v[2], r[3] * v[0] + r[4] * v[1] + r[5] * v[2],
            r[6] * v[0] + r[7] * v[1] + r[8] * v[2]};
}

Rotation random_rotation(std::uint64_t seed, std::int64_t i_galaxy) {
    Draws draws(seed, Purpose::orientation, i_galaxy);
    const double u = draws.uniform(), one = 2 * constants::pi * draws.uniform(),
                 two = 2 * constants::pi * draws.uniform();
    const double x = std::sqrt(1 - u) * std::sin(one), y = std::sqrt(1 - u) * std::cos(one);
    const double z = std::sqrt(u) * std::sin(two), w = std::sqrt(u) * std::cos(two);
    return {1 - 2 * (y * y + z * z), 2 * (x * y - z * w),     2 * (x * z + y * w),
            2 * (x * y + z * w),     1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
            2 * (x * z - y * w),     2 * (y * z + x * w),     1 - 2 * (x * x + y * y)};
}

Rotation inclined(double inclination, double position_angle) {
    const double ci = std::cos(inclination * degree), si = std::sin(inclination * degree);
    const double cp = std::cos(position_angle * degree), sp = std::sin(position_angle * degree);
    return {cp, -sp * ci, sp * si, sp, cp * ci, -cp * si, 0, si, ci};
}

double circular_velocity(const Galaxy& galaxy, double radius) {
    return galaxy.v_max * radius / std::hypot(radius, core * galaxy.scale_length);
}

double radial_dispersion(const Galaxy& galaxy, double radius, double age) {
    const double heated = 0.1 + 0.25 * std::sqrt(age / 12.5);
    return galaxy.v_max * (0.03 + heated * std::exp(-0.5 * radius / galaxy.scale_length));
}

double mean_rotation(const Galaxy& galaxy, double radius, double age) {
    // Binney & Tremaine (2008), eq. 4.228, with sigma_phi^2 = sigma_R^2 / 2 and both nu and sigma_R^2 going as exp(-R/Rd).
    const double circular = circular_velocity(galaxy, radius), dispersion = radial_dispersion(galaxy, radius, age);
    const double drift = dispersion * dispersion * (2 * radius / galaxy.scale_length - 0.5);
    return std::sqrt(std::max(0.0, circular * circular - std::max(0.0, drift)));
}

Star sample_star(const Galaxy& galaxy, std::uint64_t seed, std::int64_t row, bool wind_allowed) {
    Draws draws(seed, Purpose::star, row);
    Star star;
    const bool wind = wind_allowed && draws.uniform() < wind_share;
    const double component = draws.uniform();
    star.initial_mass = galaxy.star_mass * (0.5 + draws.uniform());
    if (wind || component < galaxy.disc_fraction) {
        place_disc_star(galaxy, draws, star);
    } else {
        place_bulge_star(galaxy, draws, star);
    }
    star.mass = star.initial_mass * (1 - mass_lost(star.age));
    if (wind) { make_wind(galaxy, draws, star); }
    star.position = rotate(galaxy.rotation, star.position);
    star.velocity = rotate(galaxy.rotation, star.velocity);
    return star;
}

Cell sample_cell(const Galaxy& galaxy, std::uint64_t seed, std::int64_t row) {
    Draws draws(seed, Purpose::gas, row);
    Cell cell;
    const double scale = gas_extent * galaxy.scale_length, scale_height = gas_height * galaxy.scale_length;
    const double radius = exponential_disc_radius(scale, draws);
    const double angle = azimuth(radius, galaxy.scale_length, 0.5, draws);
    const double cosine = std::cos(angle), sine = std::sin(angle), height = sech2_height(scale_height, draws.uniform());
    const double turbulence = 0.045 * galaxy.v_max;
    const double v_azimuth = circular_velocity(galaxy, radius) + turbulence * draws.normal();
    cell.position = rotate(galaxy.rotation, {radius * cosine, radius * sine, height});
    const double v_radius = turbulence * draws.normal(), v_z = turbulence * draws.normal();
    cell.velocity = rotate(galaxy.rotation, cartesian(cosine, sine, v_radius, v_azimuth, v_z));
    cell.mass = galaxy.cell_mass * (0.5 + draws.uniform());
    const double fade = std::exp(-radius / scale) / std::pow(std::cosh(height / scale_height), 2);
    cell.density = std::max(galaxy.gas_mass / (4 * constants::pi * scale * scale * scale_height) * fade, 1.0);
    cell.metallicity = enriched(galaxy, metal_gradient * radius / galaxy.scale_length + 0.05 * draws.normal());
    const double over = cell.density / threshold, scatter = std::pow(10.0, 0.1 * draws.normal());
    if (over > 1) { cell.star_formation_rate = cell.mass / depletion_time * std::sqrt(over); }
    cell.temperature = scatter * (over > 1 ? 1e4 : 1e4 * std::min(std::pow(over, -0.3), 100.0));
    return cell;
}

Star sample_halo_star(const Galaxy& galaxy, double radius, std::uint64_t seed, std::int64_t row) {
    Draws draws(seed, Purpose::star, row);
    Star star;
    star.initial_mass = galaxy.star_mass * (0.5 + draws.uniform());
    star.position = isotropic(radius * draws.uniform(), draws); // density going as 1/r^2
    const double dispersion = galaxy.v_max / std::sqrt(2.0);
    star.velocity = {dispersion * draws.normal(), dispersion * draws.normal(), dispersion * draws.normal()};
    star.age = galaxy.oldest * (0.6 + 0.4 * draws.uniform());
    star.metallicity = enriched(galaxy, -1.0 + 0.3 * draws.normal());
    star.mass = star.initial_mass * (1 - mass_lost(star.age));
    return star;
}

Cell sample_halo_cell(const Galaxy& galaxy, double radius, std::uint64_t seed, std::int64_t row) {
    Draws draws(seed, Purpose::gas, row);
    Cell cell;
    cell.position = isotropic(radius * draws.uniform(), draws);
    const double dispersion = galaxy.v_max / std::sqrt(2.0);
    cell.velocity = {dispersion * draws.normal(), dispersion * draws.normal(), dispersion * draws.normal()};
    cell.mass = galaxy.cell_mass * (0.5 + draws.uniform());
    cell.density = 1e3 * std::pow(10.0, draws.normal());
    cell.metallicity = enriched(galaxy, -0.7 + 0.2 * draws.normal());
    cell.temperature = 3.6e5 * std::pow(galaxy.v_max / 100, 2) * std::pow(10.0, 0.1 * draws.normal()); // virial
    return cell;
}

} // namespace tessera::synthetic
