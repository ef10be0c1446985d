#include <algorithm>

#include "particles/column.hpp"
#include "particles/convert.hpp"
#include "particles/row_check.hpp"

namespace tessera::particles {

namespace {

/// Temperature of an ideal monatomic gas of hydrogen fraction 0.76: T = 2/3 u mu m_p / k_B, mu = 4 / (1 + 3 X + 4 X x_e).
/// @param energy  (km/s)^2   @par Source  as published with the TNG data release, Nelson et al. (2019)
double temperature(double energy, double electrons) {
    constexpr double x_hydrogen = 0.76;
    constexpr double proton_mass_per_boltzmann = 1.67262192369e-24 / 1.380649e-16; // g K/erg, CODATA 2018
    const double mu = 4.0 / (1.0 + 3.0 * x_hydrogen + 4.0 * x_hydrogen * electrons);
    return 2.0 / 3.0 * energy * 1e10 * mu * proton_mass_per_boltzmann;
}

/// The fields of gas that go into an array as they are.
struct GasColumn {
    GasField field;
    std::vector<float> Gas::* array;
};
constexpr GasColumn gas_columns[] = {{gas_mass, &Gas::mass},
                                     {gas_density, &Gas::density},
                                     {gas_metallicity, &Gas::metallicity},
                                     {gas_star_formation_rate, &Gas::star_formation_rate},
                                     {gas_temperature, &Gas::temperature}};

/// Whether the temperature must come from the internal energy.
bool has_energy_alone(const Block& block) {
    return !block.has(gas_temperature) && block.has(gas_internal_energy) && block.has(gas_electron_abundance);
}

} // namespace

std::vector<std::vector<float>*> GasConverter::arrays(const Block& block) {
    std::vector<std::vector<float>*> all{&gas_.x, &gas_.y, &gas_.z};
    if (block.has(gas_velocities)) { all.insert(all.end(), {&gas_.vx, &gas_.vy, &gas_.vz}); }
    for (const GasColumn& column : gas_columns) {
        if (block.has(column.field)) { all.push_back(&(gas_.*column.array)); }
    }
    if (has_energy_alone(block)) { all.push_back(&gas_.temperature); }
    return all;
}

bool GasConverter::convert(const Block& block, Piece& piece) {
    return on_rows(piece, [&](const auto& rows) {
        bool good = convert_place(block, gas_coordinates, gas_velocities, rows, frame_, gas_, piece.to);
        for (const GasColumn& column : gas_columns) {
            if (!block.has(column.field)) { continue; }
            float* out = (gas_.*column.array).data() + piece.to;
            good &= column.field == gas_metallicity ? convert_column(block, column.field, 0, rows, out, MassFraction())
                                                    : convert_column(block, column.field, 0, rows, out, AtLeastZero());
        }
        const std::int64_t n_temperature = has_energy_alone(block) ? piece.n : 0;
        for (std::int64_t i = 0; i < n_temperature; ++i) {
            const double energy = block.at(gas_internal_energy, rows[i]);
            const double electrons = block.at(gas_electron_abundance, rows[i]);
            float as_float = 0;
            good &= AtLeastZero()(energy, as_float) && AtLeastZero()(electrons, as_float);
            good &= Finite()(temperature(static_cast<double>(static_cast<float>(energy)),
                                         static_cast<double>(static_cast<float>(electrons))),
                             gas_.temperature[static_cast<std::size_t>(piece.to + i)]);
        }
        return good;
    });
}

void GasConverter::check(const Block& block, std::int64_t row) const {
    check_place(block, gas_coordinates, gas_velocities, row, frame_);
    for (const GasColumn& column : gas_columns) {
        if (!block.has(column.field)) { continue; }
        if (column.field == gas_metallicity) {
            mass_fraction(block, column.field, row);
        } else {
            at_least_zero(block, column.field, row);
        }
    }
    if (has_energy_alone(block)) {
        const double kelvin = temperature(at_least_zero(block, gas_internal_energy, row),
                                          at_least_zero(block, gas_electron_abundance, row));
        finite(block, gas_internal_energy, row, kelvin);
    }
}

} // namespace tessera::particles
