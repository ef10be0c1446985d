// The TNG layout: snapshot chunks in code units (ckpc/h, 1e10 Msun/h, km sqrt(a)/s).
#include <cmath>

#include <fmt/format.h>

#include "particles/synthetic_code_units.hpp"
#include "particles/synthetic_columns.hpp"
#include "particles/synthetic_layouts.hpp"
#include "tessera/core/constants.hpp"

namespace tessera::synthetic {

namespace {

using Scaling = std::vector<std::pair<std::string, double>>;

/// The attributes that TNG puts on a dataset: value * a^a_scaling * h^h_scaling * to_cgs; to_cgs = 0 for pure numbers.
Scaling scaling(double a, double h, double length, double mass, double velocity, double to_cgs) {
    return {{"a_scaling", a},
            {"h_scaling", h},
            {"length_scaling", length},
            {"mass_scaling", mass},
            {"velocity_scaling", velocity},
            {"to_cgs", to_cgs}};
}

const Scaling pure = scaling(0, 0, 0, 0, 0, 0);

template <class Particle>
Column<Particle> number(const char* name, Scaling attributes, std::function<double(const Particle&)> value) {
    return {.name = name,
            .width = 1,
            .unit = {},
            .scaling = std::move(attributes),
            .value = [value = std::move(value)](const Drawn<Particle>& drawn, double* out) {
                *out = value(drawn.particle);
            }};
}

/// What stars and gas share. Positions are wrapped into the periodic box.
template <class Particle>
std::vector<Column<Particle>> common_columns(const Population& population, const CodeUnits& units) {
    const auto position = [&population, units](const Drawn<Particle>& drawn, double* out) {
        const Galaxy& galaxy = population.objects[static_cast<std::size_t>(drawn.i_object)].galaxy;
        for (std::size_t d = 0; d < 3; ++d) {
            const double x = galaxy.centre[d] + drawn.particle.position[d];
            out[d] = (x - population.box * std::floor(x / population.box)) * units.length;
        }
    };
    const auto velocity = [&population, units](const Drawn<Particle>& drawn, double* out) {
        const Galaxy& galaxy = population.objects[static_cast<std::size_t>(drawn.i_object)].galaxy;
        for (std::size_t d = 0; d < 3; ++d) {
            out[d] = (galaxy.velocity[d] + drawn.particle.velocity[d]) * units.velocity;
        }
    };
    return {{"Coordinates", 3, io::NumberType::float64, {}, scaling(1, -1, 1, 0, 0, constants::kpc), position},
            {"Velocities", 3, io::NumberType::float32, {}, scaling(0.5, 0, 0, 0, 1, 1e5), velocity},
            {"ParticleIDs", 1, io::NumberType::uint64, {}, pure, [](const Drawn<Particle>& drawn, double* out) {
                 // Odd for stars, even for gas: one number for one particle.
                 *out = static_cast<double>(2 * drawn.row + (std::is_same_v<Particle, Star> ? 1 : 2));
             }}};
}

template <class Particle>
std::vector<Column<Particle>> joined(std::vector<Column<Particle>> one, std::vector<Column<Particle>> two) {
    for (auto& column : two) { one.push_back(std::move(column)); }
    return one;
}

std::vector<Column<Star>> star_columns(const Population& population, const CodeUnits& units) {
    const Scaling mass = scaling(0, -1, 0, 1, 0, code_mass_in_g);
    const double now = population.age_now, a = population.scale_factor;
    const BirthTime birth(cosmology());
    return joined(
        common_columns<Star>(population, units),
        {number<Star>("Masses", mass, [units](const Star& star) { return star.mass * units.mass; }),
         number<Star>("GFM_InitialMass", mass, [units](const Star& star) { return star.initial_mass * units.mass; }),
         number<Star>("GFM_Metallicity", pure, [](const Star& star) { return star.metallicity; }),
         number<Star>("GFM_StellarFormationTime", pure, [birth, now, a](const Star& star) {
             return star.wind ? -a : birth.scale_factor(now - star.age);
         })});
}

// Gas of primordial hydrogen fraction: formats of the TNG data release, temperature from the internal energy.
constexpr double hydrogen = 0.76;
constexpr double boltzmann = 1.380649e-16;        // erg/K, exact (SI)
constexpr double proton_mass = 1.67262192369e-24; // g, CODATA 2018

/// Electrons a hydrogen atom: all of H and He above 15000 K, next to none below.
double electrons(const Cell& cell) { return cell.temperature > 1.5e4 ? 1 + 0.5 * (1 - hydrogen) / hydrogen : 0.01; }

double internal_energy(const Cell& cell) { // (km/s)^2, gamma = 5/3
    const double mean_weight = 4 / (1 + 3 * hydrogen + 4 * hydrogen * electrons(cell)) * proton_mass;
    return 1.5 * boltzmann * cell.temperature / mean_weight * 1e-10;
}

std::vector<Column<Cell>> cell_columns(const Population& population, const CodeUnits& units) {
    const Scaling mass = scaling(0, -1, 0, 1, 0, code_mass_in_g);
    const Scaling density =
        scaling(-3, 2, -3, 1, 0, code_mass_in_g / (constants::kpc * constants::kpc * constants::kpc));
    const Scaling rate = scaling(0, 0, -1, 1, 1, constants::solar_mass / (constants::gigayear * 1e-9));
    const double density_unit = units.mass / (units.length * units.length * units.length);
    return joined(
        common_columns<Cell>(population, units),
        {number<Cell>("Masses", mass, [units](const Cell& cell) { return cell.mass * units.mass; }),
         number<Cell>("Density", density, [density_unit](const Cell& cell) { return cell.density * density_unit; }),
         number<Cell>("InternalEnergy", scaling(0, 0, 0, 0, 2, 1e10), internal_energy),
         number<Cell>("ElectronAbundance", pure, electrons),
         number<Cell>("NeutralHydrogenAbundance", pure,
                      [](const Cell& cell) { return std::max(0.0, 1 - electrons(cell)); }),
         number<Cell>("StarFormationRate", rate, [](const Cell& cell) { return cell.star_formation_rate; }),
         number<Cell>("GFM_Metallicity", pure, [](const Cell& cell) { return cell.metallicity; })});
}

/// Six counts, zero but for gas and stars.
std::vector<std::int64_t> by_type(std::int64_t gas, std::int64_t stars) { return {gas, 0, 0, 0, stars, 0}; }

void write_header(io::Hdf5Group header, const SyntheticOptions& options, const Population& population,
                  std::int64_t n_gas, std::int64_t n_star, std::int64_t n_chunk) {
    const auto here = by_type(n_gas, n_star);
    auto low = by_type(population.n_row[static_cast<int>(Type::gas)], population.n_row[static_cast<int>(Type::star)]);
    auto high = low;
    for (std::size_t t = 0; t < low.size(); ++t) {
        high[t] = low[t] >> 32;
        low[t] &= 0xffffffff;
    }
    const std::vector<double> none(6, 0.0);
    header.set("NumPart_ThisFile", std::span<const std::int64_t>(here));
    header.set("NumPart_Total", std::span<const std::int64_t>(low));
    header.set("NumPart_Total_HighWord", std::span<const std::int64_t>(high));
    header.set("MassTable", std::span<const double>(none));
    header.set("NumFilesPerSnapshot", n_chunk);
    write_common_header(header, options, population);
}

} // namespace

std::vector<std::int64_t> chunk_edges(const Population& population, Type type, std::int64_t n_chunk) {
    const std::int64_t n = population.n_row[static_cast<int>(type)];
    const bool gap = type == Type::star && n_chunk >= 3;
    const std::int64_t n_share = gap ? n_chunk - 1 : n_chunk, empty = n_chunk / 2;
    std::vector<std::int64_t> edges;
    for (std::int64_t c = 0; c <= n_chunk; ++c) {
        const std::int64_t k = gap && c > empty ? c - 1 : c;
        edges.push_back(n / n_share * k + n % n_share * k / n_share);
    }
    return edges;
}

void write_tng(const SyntheticOptions& options, const Population& population, const device::Host& host,
               const std::filesystem::path& folder, Communicator& comm) {
    const std::int64_t n_chunk = options.n_chunk.value_or(3);
    const CodeUnits units(population.scale_factor);
    const auto star_edge = chunk_edges(population, Type::star, n_chunk),
               gas_edge = chunk_edges(population, Type::gas, n_chunk);
    const auto of_stars = star_columns(population, units);
    const auto of_cells = cell_columns(population, units);
    const std::filesystem::path chunks = folder / fmt::format("snapdir_{:03}", options.snapshot);
    agree(comm, [&] {
        if (comm.is_root()) { std::filesystem::create_directories(chunks); }
    });
    Sums sums(population);
    for (std::int64_t c = 0; c < n_chunk; ++c) {
        const auto i = static_cast<std::size_t>(c);
        const std::int64_t n_star = star_edge[i + 1] - star_edge[i], n_gas = gas_edge[i + 1] - gas_edge[i];
        io::Hdf5Group file =
            io::Hdf5File::create((chunks / fmt::format("snap_{:03}.{}.hdf5", options.snapshot, c)).string(), &comm);
        write_header(file.create_group("Header"), options, population, n_gas, n_star, n_chunk);
        if (n_gas > 0) {
            write_columns(file.create_group("PartType0"), population, Type::gas, gas_edge[i], n_gas, of_cells, host,
                          sums, comm);
        }
        if (n_star > 0) {
            write_columns(file.create_group("PartType4"), population, Type::star, star_edge[i], n_star, of_stars, host,
                          sums, comm);
        }
        io::Hdf5File::close(file);
    }
    sums.gather(comm);
    agree(comm, [&] {
        if (comm.is_root()) { write_catalogue(options, population, sums, n_chunk, folder); }
    });
}

} // namespace tessera::synthetic
