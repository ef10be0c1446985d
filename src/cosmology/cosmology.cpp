#include "tessera/cosmology/cosmology.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "cosmology/quadrature.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

namespace {

/// 1 / (1 km/s/Mpc) in Gyr: 977.792221…
constexpr double hubble_time = constants::kpc * 1e-2 / constants::gigayear;
/// Absolute tolerance of the dimensionless integrals, which are of order 0.1 to 3: 1e-10 relative with a wide margin.
constexpr double tolerance = 1e-14;

struct Named {
    std::string_view name;
    double h0, omega_m;
};

constexpr std::array named_cosmologies{
    Named{"Planck15", 67.74, 0.3075},  // Planck 2015 XIII, table 4, TT,TE,EE+lowP+lensing+ext
    Named{"Planck18", 67.66, 0.30966}, // Planck 2018 VI, table 2, TT,TE,EE+lowE+lensing+BAO
    Named{"WMAP7", 70.4, 0.272},       // Komatsu et al. (2011), table 1, WMAP+BAO+H0 ML
    Named{"WMAP9", 69.32, 0.2865},     // Hinshaw et al. (2013), table 4, WMAP9+eCMB+BAO+H0
    Named{"TNG", 67.74, 0.3089},       // Pillepich et al. (2018), section 2
};

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

const Named* find_named(const std::string& name) {
    for (const Named& candidate : named_cosmologies) {
        if (lower(candidate.name) == lower(name)) { return &candidate; }
    }
    return nullptr;
}

[[noreturn]] void throw_unknown(const std::string& name) {
    std::vector<std::string> names;
    for (const Named& candidate : named_cosmologies) { names.emplace_back(candidate.name); }
    names.emplace_back("custom");
    throw Error({.kind = Kind::config,
                 .where = "cosmology.name",
                 .found = fmt::format("\"{}\"", name),
                 .expected = fmt::format("one of {}", fmt::join(names, ", ")),
                 .cure = fmt::format("did you mean {}?", nearest_name(name, names))});
}

double required(const std::optional<double>& value, const char* key) {
    if (value) { return *value; }
    throw Error({.kind = Kind::config,
                 .where = key,
                 .found = "nothing",
                 .expected = "a number, because cosmology.name is custom",
                 .cure = "give cosmology.h0 and cosmology.omega_m, or name a cosmology"});
}

Cosmology resolve(const CosmologyOptions& options) {
    const Named* named = find_named(options.name);
    const double w0 = options.w0.value_or(-1.0), wa = options.wa.value_or(0.0);
    if (named != nullptr) { return {options.h0.value_or(named->h0), options.omega_m.value_or(named->omega_m), w0, wa}; }
    if (lower(options.name) != "custom") { throw_unknown(options.name); }
    return {required(options.h0, "cosmology.h0"), required(options.omega_m, "cosmology.omega_m"), w0, wa};
}

void check(bool holds, const char* key, double value, const char* expected, const char* cure) {
    if (holds) { return; }
    throw Error(
        {.kind = Kind::config, .where = key, .found = fmt::format("{}", value), .expected = expected, .cure = cure});
}

void check_redshift(double redshift) {
    check(std::isfinite(redshift) && redshift >= 0, "redshift", redshift, "a number >= 0",
          "distances are of what we look back at: give the redshift of the galaxy, 0 or more");
}

/// Dark-energy density over today's times a^3: a^(-3 (w0 + wa)) exp(-3 wa (1 - a)), finite down to a = 0.
double dark_energy(const Cosmology& c, double a) {
    return std::pow(a, -3 * (c.w0() + c.wa())) * std::exp(-3 * c.wa() * (1 - a));
}

/// a^(3/2) H(a) / H0.
double expansion(const Cosmology& c, double a) {
    return std::sqrt(c.omega_m() + (1 - c.omega_m()) * dark_energy(c, a));
}

} // namespace

Cosmology::Cosmology(const CosmologyOptions& options) : Cosmology(resolve(options)) {}

Cosmology::Cosmology(double h0, double omega_m, double w0, double wa) : h0_(h0), omega_m_(omega_m), w0_(w0), wa_(wa) {
    check(std::isfinite(h0) && h0 > 0, "cosmology.h0", h0, "> 0 km/s/Mpc", "about 70 fits our universe");
    check(omega_m > 0 && omega_m <= 1, "cosmology.omega_m", omega_m, "> 0 and <= 1",
          "about 0.3 fits our universe; the universe is flat, so that dark energy takes the rest");
    check(std::isfinite(w0), "cosmology.w0", w0, "a finite number", "-1 is a cosmological constant");
    check(std::isfinite(wa), "cosmology.wa", wa, "a finite number", "0 keeps w at cosmology.w0");
    check(w0 + wa < 0, "cosmology.w0 + cosmology.wa", w0 + wa, "< 0",
          "otherwise dark energy outweighs matter in the early universe: lower one of them");
}

double Cosmology::hubble(double scale_factor) const {
    check(std::isfinite(scale_factor) && scale_factor > 0, "scale factor", scale_factor, "> 0", "1 is today");
    return h0_ * expansion(*this, scale_factor) / (scale_factor * std::sqrt(scale_factor));
}

double Cosmology::comoving_distance(double redshift) const {
    check_redshift(redshift);
    // dz/E over u = ln(1 + z): the integrand stays smooth and of order one to any redshift.
    const auto integrand = [this](double u) { return std::exp(-0.5 * u) / expansion(*this, std::exp(-u)); };
    return constants::speed_of_light / h0_ * integrate(integrand, 0.0, std::log1p(redshift), tolerance);
}

double Cosmology::luminosity_distance(double redshift) const { return comoving_distance(redshift) * (1 + redshift); }

double Cosmology::angular_diameter_distance(double redshift) const {
    return comoving_distance(redshift) / (1 + redshift);
}

double Cosmology::kpc_per_arcsec(double redshift) const {
    return angular_diameter_distance(redshift) * 1e3 * constants::arcsec;
}

double Cosmology::age(double scale_factor) const {
    check(std::isfinite(scale_factor) && scale_factor >= 0, "scale factor", scale_factor, ">= 0", "1 is today");
    const double x = scale_factor * std::sqrt(scale_factor); // a^(3/2), proportional to t while matter rules
    if (omega_m_ == 1) { return hubble_time / h0_ * 2.0 / 3.0 * x; }
    if (w0_ == -1 && wa_ == 0) { // Weinberg (2008), Cosmology, eq. 1.5.43
        const double omega_l = 1 - omega_m_;
        return hubble_time / h0_ * 2 / (3 * std::sqrt(omega_l)) * std::asinh(std::sqrt(omega_l / omega_m_) * x);
    }
    // da / (a E) in x: finite at a = 0.
    const auto integrand = [this](double at) { return 2.0 / 3.0 / expansion(*this, std::cbrt(at * at)); };
    return hubble_time / h0_ * integrate(integrand, 0.0, x, tolerance);
}

double Cosmology::lookback_time(double redshift) const {
    check_redshift(redshift);
    return age(1) - age(1 / (1 + redshift));
}

} // namespace tessera
