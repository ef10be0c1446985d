#pragma once

#include <cmath>

#include "particles/synthetic_population.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::synthetic {

inline constexpr double code_mass_in_g = 1e10 * constants::solar_mass;

/// Factors from physical units to those of a TNG file.
struct CodeUnits {
    double length;   ///< kpc -> ckpc/h
    double mass;     ///< Msun -> 1e10 Msun/h
    double velocity; ///< km/s -> km sqrt(a)/s

    explicit CodeUnits(double scale_factor)
        : length(cosmology().h0() / 100 / scale_factor), mass(1e-10 * cosmology().h0() / 100),
          velocity(1 / std::sqrt(scale_factor)) {}
};

/// The inverse of Cosmology::age for a cosmological constant.
class BirthTime {
public:
    explicit BirthTime(const Cosmology& c)
        : ratio_(std::sqrt((1 - c.omega_m()) / c.omega_m())), time_(c.age(1) / std::asinh(ratio_)) {}
    /// @param time  Gyr since the big bang
    double scale_factor(double time) const { return std::cbrt(std::pow(std::sinh(time / time_) / ratio_, 2)); }

private:
    double ratio_, time_;
};

/// What the headers of snapshot and catalogue chunks share.
inline void write_common_header(io::Hdf5Group& header, const SyntheticOptions& options, const Population& population) {
    const Cosmology c = cosmology();
    header.set("Time", population.scale_factor);
    header.set("Redshift", options.redshift);
    header.set("BoxSize", options.box_size);
    header.set("HubbleParam", c.h0() / 100);
    header.set("Omega0", c.omega_m());
    header.set("OmegaLambda", 1 - c.omega_m());
    header.set("OmegaBaryon", 0.0486);
    header.set("UnitLength_in_cm", constants::kpc);
    header.set("UnitMass_in_g", code_mass_in_g);
    header.set("UnitVelocity_in_cm_per_s", 1e5);
}

} // namespace tessera::synthetic
