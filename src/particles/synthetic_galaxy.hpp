#pragma once

#include <array>
#include <cstdint>

namespace tessera::synthetic {

using Vector = std::array<double, 3>;

/// A right-handed rotation, row-major: disc frame (rotation about +z) to the simulation's frame.
using Rotation = std::array<double, 9>;

Vector rotate(const Rotation& rotation, const Vector& v);

/// Uniform on SO(3) from (seed, i_galaxy). @par Source  Shoemake (1992), Graphics Gems III, p. 124
Rotation random_rotation(std::uint64_t seed, std::int64_t i_galaxy);
/// Rz(position_angle) Rx(inclination), degrees: the major axis lies at position_angle from +x.
Rotation inclined(double inclination, double position_angle);

/// What a star is made from. `centre` and `velocity` place it in the box.
struct Galaxy {
    Rotation rotation{1, 0, 0, 0, 1, 0, 0, 0, 1};
    Vector centre{};            ///< physical kpc, box frame
    Vector velocity{};          ///< km/s, peculiar
    double scale_length = 3.5;  ///< kpc, disc
    double v_max = 220;         ///< km/s, flat part of the rotation curve
    double disc_fraction = 0.8; ///< of the stars
    double star_mass = 5e5;     ///< Msun, mean at birth
    double metallicity = 0.025; ///< mass fraction of the youngest stars at the centre
    double oldest = 12.5;       ///< Gyr
    double gas_mass = 0;        ///< Msun in all
    double cell_mass = 0;       ///< Msun, mean
};

/// Positions and velocities are relative to the galaxy's centre and motion, in the simulation's frame.
struct Star {
    Vector position{};       ///< kpc
    Vector velocity{};       ///< km/s
    double initial_mass = 0; ///< Msun
    double mass = 0;         ///< Msun
    double metallicity = 0;  ///< mass fraction
    double age = 0;          ///< Gyr
    bool wind = false;       ///< a wind cell: not a star, initial_mass and age mean nothing
};

struct Cell {
    Vector position{}, velocity{};  ///< kpc, km/s
    double mass = 0;                ///< Msun
    double density = 0;             ///< Msun/kpc^3
    double metallicity = 0;         ///< mass fraction
    double star_formation_rate = 0; ///< Msun/yr
    double temperature = 0;         ///< K
};

/// Circular velocity at cylindrical radius R [kpc], km/s: linear inside, flat outside.
double circular_velocity(const Galaxy& galaxy, double radius);
/// Radial velocity dispersion of disc stars of an age [Gyr] at R [kpc], km/s.
double radial_dispersion(const Galaxy& galaxy, double radius, double age);
/// Mean rotation of such stars, km/s: circular velocity less the asymmetric drift.
double mean_rotation(const Galaxy& galaxy, double radius, double age);

/// Star or gas cell of a row of the file: a function of (galaxy, seed, row) alone.
Star sample_star(const Galaxy& galaxy, std::uint64_t seed, std::int64_t row, bool wind_allowed);
Cell sample_cell(const Galaxy& galaxy, std::uint64_t seed, std::int64_t row);

/// Old, metal-poor star of the halo around `galaxy`, out to `radius` kpc.
Star sample_halo_star(const Galaxy& galaxy, double radius, std::uint64_t seed, std::int64_t row);
/// Hot, thin gas there.
Cell sample_halo_cell(const Galaxy& galaxy, double radius, std::uint64_t seed, std::int64_t row);

} // namespace tessera::synthetic
