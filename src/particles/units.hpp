#pragma once

#include <optional>
#include <string>

namespace tessera::io {
class Hdf5Dataset;
}

namespace tessera::particles {

/// What a field measures; with it goes the unit that the program keeps it in.
enum class Quantity {
    none,                ///< a pure number: mass fraction, scale factor
    length,              ///< kpc
    velocity,            ///< km/s
    mass,                ///< Msun
    density,             ///< Msun/kpc^3
    star_formation_rate, ///< Msun/yr
    specific_energy,     ///< (km/s)^2
    temperature,         ///< K
    time,                ///< Gyr
};

std::string unit_of(Quantity quantity);
/// Size of that unit in CGS.
double cgs_of(Quantity quantity);

/// How the values of a file are to be scaled.
enum class UnitScheme {
    physical, ///< plain, rubix: already in the units above; a `unit` attribute must agree
    gadget,   ///< TNG, EAGLE: comoving, with factors of h, velocities in km sqrt(a)/s, star formation in Msun/yr
    swift,    ///< comoving, no h, velocities peculiar, all in the units of /Units
};

/// What the header says that unit factors depend on.
struct UnitContext {
    UnitScheme scheme = UnitScheme::physical;
    double scale_factor = 1.0;
    double h = 1.0;                  ///< H0 / (100 km/s/Mpc)
    std::optional<double> length_cm; ///< the file's code units, nullopt when unknown
    std::optional<double> mass_g;
    std::optional<double> velocity_cm_s;
    std::optional<double> time_s;
};

/// The factor that takes a stored value to our unit: from the dataset's attributes (a_scaling, h_scaling, to_cgs; or
/// aexp-scale-exponent, h-scale-exponent, CGSConversionFactor; or SWIFT's), else what the scheme documents. Both are
/// compared where both exist, with a warning beyond 0.1 %.
/// @throws Error(Kind::data)  neither exists; a `unit` attribute that contradicts (scheme physical)
double factor_to_physical(const io::Hdf5Dataset& dataset, Quantity quantity, const UnitContext& context);

} // namespace tessera::particles
