#include "particles/synthetic_sums.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tessera/comm/communicator.hpp"

namespace tessera::synthetic {

namespace {

// Fixed-point steps. Largest sums: 1e9 stars of 1.5 mean masses at 1e3 kpc with 1e3 km/s stay below 2^63.
constexpr double mass_step = 0x1p-24;
constexpr double moment_step = 0x1p-18; // mean masses x kpc, x km/s
constexpr double product_step = 0x1p-9; // mean masses x kpc km/s, x (km/s)^2
constexpr double sfr_step = 0x1p-40;    // Msun/yr
constexpr double metal_step = 0x1p-30;  // mean masses

// Shells: logarithmic in the radius over the scale length.
constexpr double smallest = 1e-3, decades = 6;

std::int64_t fixed(double value, double step) { return std::llround(value / step); }

double length(const Vector& v) { return std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]); }

/// Shells a subhalo: enough for 0.1 % in one galaxy, and tens of MiB for 1e5.
std::int64_t shells_for(std::int64_t n_subhalo) {
    return std::clamp<std::int64_t>((std::int64_t{1} << 21) / n_subhalo, 96, 6144);
}

} // namespace

Sums::Sums(const Population& population)
    : population_(population), mass_unit_(population.objects.front().galaxy.star_mass),
      n_shell_(shells_for(population.n_subhalo())), sum_(population.objects.size() * n_quantity),
      shell_(static_cast<std::size_t>(population.n_subhalo() * n_profile * n_shell_)) {}

void Sums::add(std::int64_t i_object, const Star& star) {
    const double mass = star.mass / mass_unit_;
    at(i_object, star.wind ? wind : stars) += fixed(mass, mass_step);
    add_moments(i_object, star.position, star.velocity, mass);
    add_shell(i_object, star.position, star.wind ? gas_profile : star_profile, mass / mass_step);
    if (!star.wind) { add_shell(i_object, star.position, metal_profile, mass * star.metallicity / metal_step); }
}

void Sums::add(std::int64_t i_object, const Cell& cell) {
    const double mass = cell.mass / mass_unit_;
    at(i_object, gas) += fixed(mass, mass_step);
    at(i_object, sfr) += fixed(cell.star_formation_rate, sfr_step);
    add_moments(i_object, cell.position, cell.velocity, mass);
    add_shell(i_object, cell.position, gas_profile, mass / mass_step);
}

void Sums::add_moments(std::int64_t i_object, const Vector& r, const Vector& v, double mass) {
    for (int d = 0; d < 3; ++d) {
        const auto i = static_cast<std::size_t>(d), j = (i + 1) % 3, k = (i + 2) % 3;
        at(i_object, static_cast<Quantity>(mx + d)) += fixed(mass * r[i], moment_step);
        at(i_object, static_cast<Quantity>(px + d)) += fixed(mass * v[i], moment_step);
        at(i_object, static_cast<Quantity>(lx + d)) += fixed(mass * (r[j] * v[k] - r[k] * v[j]), product_step);
    }
    at(i_object, mv2) += fixed(mass * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), product_step);
}

void Sums::add_shell(std::int64_t i_object, const Vector& position, Profile profile, double value) {
    const Object& object = population_.objects[static_cast<std::size_t>(i_object)];
    if (object.what != Object::What::subhalo) { return; }
    const double in_decades = std::log10(std::max(length(position) / object.galaxy.scale_length / smallest, 1e-30));
    const auto i = std::clamp<std::int64_t>(
        static_cast<std::int64_t>(std::floor(in_decades / decades * static_cast<double>(n_shell_))), 0, n_shell_ - 1);
    shell_[static_cast<std::size_t>((object.index * n_profile + profile) * n_shell_ + i)] += std::llround(value);
}

void Sums::gather(Communicator& comm) {
    comm.all_reduce(sum_, Op::sum);
    comm.all_reduce(shell_, Op::sum);
}

double Sums::mass_of(std::int64_t i_object, Quantity q) const {
    return static_cast<double>(at(i_object, q)) * mass_step * mass_unit_;
}

Vector Sums::three(std::int64_t i_object, Quantity first) const {
    Vector out;
    for (int d = 0; d < 3; ++d) {
        out[static_cast<std::size_t>(d)] =
            static_cast<double>(at(i_object, static_cast<Quantity>(first + d))) * mass_unit_;
    }
    return out;
}

namespace {
Vector scaled(Vector v, double factor) { return {v[0] * factor, v[1] * factor, v[2] * factor}; }
} // namespace

Vector Sums::mass_position(std::int64_t i_object) const { return scaled(three(i_object, mx), moment_step); }
Vector Sums::momentum(std::int64_t i_object) const { return scaled(three(i_object, px), moment_step); }
Vector Sums::spin(std::int64_t i_object) const { return scaled(three(i_object, lx), product_step); }
double Sums::mass_v2(std::int64_t i_object) const {
    return static_cast<double>(at(i_object, mv2)) * product_step * mass_unit_;
}
double Sums::star_formation_rate(std::int64_t i_object) const {
    return static_cast<double>(at(i_object, sfr)) * sfr_step;
}

const std::int64_t* Sums::shells(std::int64_t i_subhalo, Profile profile) const {
    return shell_.data() + (i_subhalo * n_profile + profile) * n_shell_;
}

double Sums::half_mass_radius(std::int64_t i_subhalo, Type type) const {
    const std::int64_t* shell = shells(i_subhalo, type == Type::gas ? gas_profile : star_profile);
    const double half = 0.5 * static_cast<double>(std::accumulate(shell, shell + n_shell_, std::int64_t{0}));
    if (half <= 0) { return 0; }
    double before = 0;
    std::int64_t i = 0;
    while (before + static_cast<double>(shell[i]) < half) { before += static_cast<double>(shell[i++]); }
    const double edge = static_cast<double>(i) + (half - before) / static_cast<double>(shell[i]);
    return population_.galaxy(i_subhalo).scale_length * smallest *
           std::pow(10.0, edge * decades / static_cast<double>(n_shell_));
}

double Sums::inside(std::int64_t i_subhalo, Profile profile, double radius) const {
    if (radius <= 0) { return 0; }
    const std::int64_t* shell = shells(i_subhalo, profile);
    const double in_decades = std::log10(radius / population_.galaxy(i_subhalo).scale_length / smallest);
    const double edge = std::clamp(in_decades / decades, 0.0, 1.0) * static_cast<double>(n_shell_);
    const auto whole = std::min(static_cast<std::int64_t>(edge), n_shell_ - 1);
    const double rest = edge - static_cast<double>(whole);
    return static_cast<double>(std::accumulate(shell, shell + whole, std::int64_t{0})) +
           rest * static_cast<double>(shell[whole]);
}

double Sums::mass_within(std::int64_t i_subhalo, Type type, double radius) const {
    return inside(i_subhalo, type == Type::gas ? gas_profile : star_profile, radius) * mass_step * mass_unit_;
}

double Sums::star_metallicity_within(std::int64_t i_subhalo, double radius) const {
    const double mass = inside(i_subhalo, star_profile, radius) * mass_step;
    return mass > 0 ? inside(i_subhalo, metal_profile, radius) * metal_step / mass : 0;
}

} // namespace tessera::synthetic
