// The plain layout: physical units, the galaxy at the origin.
#include "particles/synthetic_columns.hpp"
#include "particles/synthetic_layouts.hpp"

namespace tessera::synthetic {

namespace {

template <class Particle>
Column<Particle> vector_column(const char* name, const char* unit, Vector Particle::* field) {
    return {.name = name,
            .width = 3,
            .unit = unit,
            .scaling = {},
            .value = [field](const Drawn<Particle>& drawn, double* out) {
                std::copy_n((drawn.particle.*field).data(), 3, out);
            }};
}

template <class Particle>
Column<Particle> number_column(const char* name, const char* unit, double Particle::* field) {
    return {.name = name,
            .width = 1,
            .unit = unit,
            .scaling = {},
            .value = [field](const Drawn<Particle>& drawn, double* out) { *out = drawn.particle.*field; }};
}

std::vector<Column<Star>> star_columns() {
    return {vector_column("coordinates", "kpc", &Star::position),
            vector_column("velocities", "km/s", &Star::velocity),
            number_column("initial_mass", "Msun", &Star::initial_mass),
            number_column("mass", "Msun", &Star::mass),
            number_column("metallicity", "", &Star::metallicity),
            number_column("age", "Gyr", &Star::age)};
}

std::vector<Column<Cell>> cell_columns() {
    return {vector_column("coordinates", "kpc", &Cell::position),
            vector_column("velocities", "km/s", &Cell::velocity),
            number_column("masses", "Msun", &Cell::mass),
            number_column("density", "Msun/kpc^3", &Cell::density),
            number_column("metallicity", "", &Cell::metallicity),
            number_column("star_formation_rate", "Msun/yr", &Cell::star_formation_rate),
            number_column("temperature", "K", &Cell::temperature)};
}

} // namespace

void write_plain(const SyntheticOptions& options, const Population& population, const device::Host& host,
                 const std::filesystem::path& file, Communicator& comm) {
    Sums sums(population);
    io::Hdf5Group root = io::Hdf5File::create(file.string(), &comm);
    const std::int64_t n_star = population.n_row[static_cast<int>(Type::star)];
    const std::int64_t n_gas = population.n_row[static_cast<int>(Type::gas)];
    write_columns(root.create_group("stars"), population, Type::star, 0, n_star, star_columns(), host, sums, comm);
    if (n_gas > 0) {
        write_columns(root.create_group("gas"), population, Type::gas, 0, n_gas, cell_columns(), host, sums, comm);
    }
    sums.gather(comm);
    io::Hdf5Group galaxy = root.create_group("galaxy");
    const Vector zero{}, normal = rotate(population.galaxy(0).rotation, {0, 0, 1});
    galaxy.set("redshift", options.redshift);
    galaxy.set("centre", zero);
    galaxy.set("velocity", zero);
    galaxy.set("half_mass_radius", sums.half_mass_radius(0, Type::star));
    galaxy.set("disc_normal", normal);
    galaxy.set("seed", options.seed);
    io::Hdf5File::close(root);
}

} // namespace tessera::synthetic
