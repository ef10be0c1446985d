#include "particles/convert.hpp"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "tessera/core/error.hpp"

namespace tessera::particles {
namespace {

[[noreturn]] void bad_value(const Block& block, std::size_t field, std::int64_t row, double value,
                            const std::string& expected) {
    throw Error({.kind = Kind::data,
                 .where = block.place(field, row),
                 .found = fmt::format("{:.9g}", value),
                 .expected = expected,
                 .cure = "repair or remove the row"});
}

/// As float; infinities, NaN and what no float can hold are refused.
float finite(const Block& block, std::size_t field, std::int64_t row, double value) {
    if (!(std::abs(value) <= std::numeric_limits<float>::max())) {
        bad_value(block, field, row, value, "a finite number");
    }
    return static_cast<float>(value);
}

float at_least_zero(const Block& block, std::size_t field, std::int64_t row) {
    const double value = block.at(field, row);
    const float result = finite(block, field, row, value);
    if (value < 0) { bad_value(block, field, row, value, "a number of at least 0"); }
    return result;
}

float mass_fraction(const Block& block, std::size_t field, std::int64_t row) {
    const float value = at_least_zero(block, field, row);
    if (value > 1) { bad_value(block, field, row, value, "a mass fraction, 0 to 1"); }
    return value;
}

/// Offset from the origin to the nearest periodic image, in double: at 10^5 kpc a float steps by 8 pc.
std::array<float, 3> offset(const Block& block, std::size_t field, std::int64_t row, const Frame& frame) {
    std::array<float, 3> result{};
    for (std::size_t i = 0; i < 3; ++i) {
        double d = block.at(field, row, static_cast<std::int64_t>(i)) - frame.origin[i];
        if (frame.box) { d -= *frame.box * std::round(d / *frame.box); }
        result[i] = finite(block, field, row, d);
    }
    return result;
}

std::array<float, 3> vector3(const Block& block, std::size_t field, std::int64_t row) {
    return {finite(block, field, row, block.at(field, row, 0)), finite(block, field, row, block.at(field, row, 1)),
            finite(block, field, row, block.at(field, row, 2))};
}

/// What stars and gas have in common: a position and a velocity.
template <class Particles>
void append_place(const Block& block, std::size_t coordinates, std::size_t velocities, std::int64_t row,
                  const Frame& frame, Particles& particles) {
    const auto position = offset(block, coordinates, row, frame);
    const auto velocity = vector3(block, velocities, row);
    particles.x.push_back(position[0]);
    particles.y.push_back(position[1]);
    particles.z.push_back(position[2]);
    particles.vx.push_back(velocity[0]);
    particles.vy.push_back(velocity[1]);
    particles.vz.push_back(velocity[2]);
}

/// Temperature of an ideal monatomic gas of hydrogen fraction 0.76: T = 2/3 u mu m_p / k_B, mu = 4 / (1 + 3 X + 4 X x_e).
/// @param energy  (km/s)^2   @par Source  as published with the TNG data release, Nelson et al. (2019)
double temperature(double energy, double electrons) {
    constexpr double x_hydrogen = 0.76;
    constexpr double proton_mass_per_boltzmann = 1.67262192369e-24 / 1.380649e-16; // g K/erg, CODATA 2018
    const double mu = 4.0 / (1.0 + 3.0 * x_hydrogen + 4.0 * x_hydrogen * electrons);
    return 2.0 / 3.0 * energy * 1e10 * mu * proton_mass_per_boltzmann;
}

} // namespace

StarConverter::StarConverter(const Plan& plan, const Frame& frame, bool keep_rows)
    : plan_(plan), frame_(frame), keep_rows_(keep_rows) {
    if (plan.birth != Birth::scale_factor || !plan.info.cosmology) { return; }
    ages_.emplace(*plan.info.cosmology, plan.info.scale_factor);
    age_now_ = plan.info.cosmology->age(plan.info.scale_factor);
}

double StarConverter::age_of(const Block& block, std::int64_t row) const {
    const double birth = block.at(star_birth, row);
    if (plan_.birth == Birth::age) { return at_least_zero(block, star_birth, row); }
    finite(block, star_birth, row, birth);
    const double now = plan_.birth == Birth::time ? plan_.snapshot_time : plan_.info.scale_factor;
    // The last step of a run may give stars born a rounding error after the snapshot.
    if (birth > now + 1e-4 * std::abs(now)) {
        bad_value(block, star_birth, row, birth,
                  fmt::format("at most {:.9g}, that of the snapshot: a star cannot form after it", now));
    }
    if (birth >= now) { return 0.0; }
    if (plan_.birth == Birth::time) { return now - birth; }
    if (birth <= 0) { bad_value(block, star_birth, row, birth, "a scale factor above 0"); }
    return std::max(0.0, age_now_ - ages_->age(birth));
}

void StarConverter::append(const Block& block, Stars& stars) {
    for (std::int64_t row = 0; row < block.n_row; ++row) {
        if (plan_.drops_wind && block.at(star_birth, row) <= 0) {
            ++n_wind_;
            continue;
        }
        append_place(block, star_coordinates, star_velocities, row, frame_, stars);
        stars.age.push_back(static_cast<float>(age_of(block, row)));
        stars.initial_mass.push_back(at_least_zero(block, star_initial_mass, row));
        stars.mass.push_back(block.has(star_mass) ? at_least_zero(block, star_mass, row) : stars.initial_mass.back());
        stars.metallicity.push_back(mass_fraction(block, star_metallicity, row));
        if (keep_rows_) { stars.row.push_back(block.first + row); }
    }
}

void append_gas(const Block& block, const Frame& frame, Gas& gas) {
    const bool own_temperature = block.has(gas_temperature);
    const bool energy = block.fields.size() > gas_electron_abundance && block.has(gas_internal_energy) &&
                        block.has(gas_electron_abundance);
    for (std::int64_t row = 0; row < block.n_row; ++row) {
        append_place(block, gas_coordinates, gas_velocities, row, frame, gas);
        gas.mass.push_back(at_least_zero(block, gas_mass, row));
        if (block.has(gas_density)) { gas.density.push_back(at_least_zero(block, gas_density, row)); }
        if (block.has(gas_metallicity)) { gas.metallicity.push_back(mass_fraction(block, gas_metallicity, row)); }
        if (block.has(gas_star_formation_rate)) {
            gas.star_formation_rate.push_back(at_least_zero(block, gas_star_formation_rate, row));
        }
        if (own_temperature) {
            gas.temperature.push_back(at_least_zero(block, gas_temperature, row));
        } else if (energy) {
            const double kelvin = temperature(at_least_zero(block, gas_internal_energy, row),
                                              at_least_zero(block, gas_electron_abundance, row));
            gas.temperature.push_back(finite(block, gas_internal_energy, row, kelvin));
        }
    }
}

} // namespace tessera::particles
