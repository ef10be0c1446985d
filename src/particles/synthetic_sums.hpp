#pragma once

#include <cstdint>
#include <vector>

#include "particles/synthetic_population.hpp"

namespace tessera {
class Communicator;
}

namespace tessera::synthetic {

/// Sums over the particles of each object, in integers: they do not depend on the order, hence not on the number of ranks.
/// A term is rounded to 2^-24 of a mean star's mass (times kpc, km/s, …), so that 1e9 particles fit in 63 bits.
class Sums {
public:
    explicit Sums(const Population& population);

    /// Adds this rank's particles.
    void add(std::int64_t i_object, const Star& star);
    void add(std::int64_t i_object, const Cell& cell);
    /// Sums over ranks; collective. Call once, after the last particle.
    void gather(Communicator& comm);

    // Of an object, after gather(); masses in Msun, positions and velocities relative to the object's construction
    double star_mass(std::int64_t i_object) const { return mass_of(i_object, stars); } ///< wind not included
    double gas_mass(std::int64_t i_object) const {
        return mass_of(i_object, gas) + mass_of(i_object, wind);
    } ///< wind included
    double mass(std::int64_t i_object) const { return star_mass(i_object) + gas_mass(i_object); }
    Vector mass_position(std::int64_t i_object) const;       ///< sum of m r, Msun kpc
    Vector momentum(std::int64_t i_object) const;            ///< sum of m v, Msun km/s
    Vector spin(std::int64_t i_object) const;                ///< sum of m r x v, Msun kpc km/s
    double mass_v2(std::int64_t i_object) const;             ///< sum of m v^2, Msun (km/s)^2
    double star_formation_rate(std::int64_t i_object) const; ///< Msun/yr

    // Of a subhalo, from the mass in logarithmic shells, interpolated; wind counts as gas
    double half_mass_radius(std::int64_t i_subhalo, Type type) const;            ///< kpc, 0 without mass
    double mass_within(std::int64_t i_subhalo, Type type, double radius) const;  ///< Msun
    double star_metallicity_within(std::int64_t i_subhalo, double radius) const; ///< mass-weighted

private:
    enum Quantity { stars, gas, wind, mx, my, mz, px, py, pz, lx, ly, lz, mv2, sfr, n_quantity };
    enum Profile { gas_profile, star_profile, metal_profile, n_profile };

    std::int64_t& at(std::int64_t i_object, Quantity q) {
        return sum_[static_cast<std::size_t>(i_object * n_quantity + q)];
    }
    std::int64_t at(std::int64_t i_object, Quantity q) const {
        return sum_[static_cast<std::size_t>(i_object * n_quantity + q)];
    }
    double mass_of(std::int64_t i_object, Quantity q) const;
    Vector three(std::int64_t i_object, Quantity first) const;
    void add_moments(std::int64_t i_object, const Vector& position, const Vector& velocity, double mass);
    void add_shell(std::int64_t i_object, const Vector& position, Profile profile, double value);
    const std::int64_t* shells(std::int64_t i_subhalo, Profile profile) const;
    double inside(std::int64_t i_subhalo, Profile profile, double radius) const;

    const Population& population_;
    double mass_unit_; ///< Msun: a mean star
    std::int64_t n_shell_;
    std::vector<std::int64_t> sum_;   ///< [object, quantity]
    std::vector<std::int64_t> shell_; ///< [subhalo, profile, shell]
};

} // namespace tessera::synthetic
