#pragma once

#include <string>

#include "tessera/core/options.hpp"

namespace tessera {

/// Which cosmology: a name, or the parameters of a flat w0-wa universe of matter and dark energy (no radiation, as the
/// TNG simulations and RUBIX integrate it).
struct CosmologyOptions {
    std::string name = "Planck15"; ///< Planck15 | Planck18 | WMAP7 | WMAP9 | TNG | custom; keys given below win over it
    std::optional<double> h0;      ///< km/s/Mpc
    std::optional<double> omega_m;
    std::optional<double> w0;
    std::optional<double> wa;

    template <class Visitor>
    void describe(Visitor& key) {
        key("cosmology.name", name, unit::none,
            "named cosmology: Planck15, Planck18, WMAP7, WMAP9 or TNG (flat, matter and dark energy)");
        key("cosmology.h0", h0, unit::km_s_mpc, "Hubble constant; null: the named cosmology's", above(0));
        key("cosmology.omega_m", omega_m, unit::none, "matter density today; null: the named cosmology's", above(0),
            at_most(1));
        key("cosmology.w0", w0, unit::none, "dark-energy equation of state today; null: -1");
        key("cosmology.wa", wa, unit::none, "its change, w = w0 + wa (1 - a); null: 0");
    }
};

/// Flat universe of matter and dark energy, w = w0 + wa (1 - a). Distances by adaptive Gauss-Legendre quadrature to 1e-10.
/// @par Source  Hogg (1999), astro-ph/9905116; Chevallier & Polarski (2001); Linder (2003).
class Cosmology {
public:
    /// @throws Error(Kind::config)  unknown name (with the nearest), or parameters out of range
    explicit Cosmology(const CosmologyOptions& options);
    Cosmology(double h0, double omega_m, double w0 = -1.0, double wa = 0.0);

    double h0() const { return h0_; } ///< km/s/Mpc
    double omega_m() const { return omega_m_; }
    double w0() const { return w0_; }
    double wa() const { return wa_; }

    double hubble(double scale_factor) const;                ///< H(a), km/s/Mpc
    double comoving_distance(double redshift) const;         ///< Mpc, redshift >= 0
    double luminosity_distance(double redshift) const;       ///< Mpc
    double angular_diameter_distance(double redshift) const; ///< Mpc
    double kpc_per_arcsec(double redshift) const;            ///< physical kpc per arcsec
    double age(double scale_factor) const;                   ///< Gyr since a = 0
    double lookback_time(double redshift) const;             ///< Gyr before a = 1

private:
    double h0_, omega_m_, w0_, wa_;
};

} // namespace tessera
