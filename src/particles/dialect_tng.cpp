#include "particles/dialects.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "particles/group_catalogue.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {
namespace {

GadgetDialect tng_dialect() {
    return {
        .format = SnapshotFormat::tng,
        .kind = "TNG snapshot",
        .units = UnitScheme::gadget,
        .scale_factor_names = {"Time"},
        .stars =
            {
                {"positions", Quantity::length, 3, {"Coordinates"}},
                {"velocities", Quantity::velocity, 3, {"Velocities"}},
                {"formation scale factor", Quantity::none, 1, {"GFM_StellarFormationTime"}},
                {"initial mass", Quantity::mass, 1, {"GFM_InitialMass"}},
                {"present mass", Quantity::mass, 1, {"Masses"}, false},
                {"metallicity", Quantity::none, 1, {"GFM_Metallicity"}},
            },
        .gas =
            {
                {"positions", Quantity::length, 3, {"Coordinates", "CenterOfMass"}},
                {"velocities", Quantity::velocity, 3, {"Velocities"}},
                {"mass", Quantity::mass, 1, {"Masses"}},
                {"density", Quantity::density, 1, {"Density"}, false},
                {"metallicity", Quantity::none, 1, {"GFM_Metallicity"}, false},
                {"star formation rate", Quantity::star_formation_rate, 1, {"StarFormationRate"}, false},
                {"temperature", Quantity::temperature, 1, {}, false}, // from the next two
                {"internal energy", Quantity::specific_energy, 1, {"InternalEnergy"}, false},
                {"electron abundance", Quantity::none, 1, {"ElectronAbundance"}, false},
            },
        .drops_wind = true,
    };
}

/// "TNG full snapshot 99", "TNG mini snapshot 98", "TNG snapshot": 20 of the 100 keep all fields.
std::string input_kind(std::optional<std::int64_t> number) {
    constexpr std::array full{2, 3, 4, 6, 8, 11, 13, 17, 21, 25, 33, 40, 50, 59, 67, 72, 78, 84, 91, 99};
    if (!number) { return "TNG snapshot"; }
    const bool is_full = std::find(full.begin(), full.end(), *number) != full.end();
    return fmt::format("TNG {} snapshot {}", is_full ? "full" : "mini", *number);
}

/// A number of /SubhaloData, dataset or attribute.
std::optional<double> subhalo_number(const io::Hdf5Group& file, const std::string& name) {
    if (!file.has_group("SubhaloData")) { return std::nullopt; }
    const io::Hdf5Group group = file.group("SubhaloData");
    if (group.has_dataset(name)) { return group.dataset(name).read_rows<double>(0, 1).front(); }
    return group.find_number(name);
}

std::optional<std::array<double, 3>> subhalo_vector(const io::Hdf5Group& file, const std::string& name, double factor) {
    const auto x = subhalo_number(file, name + "_x"), y = subhalo_number(file, name + "_y"),
               z = subhalo_number(file, name + "_z");
    if (!x || !y || !z) { return std::nullopt; }
    return std::array{*x * factor, *y * factor, *z * factor};
}

std::array<double, 3> scaled(std::array<double, 3> vector, double factor) {
    for (double& x : vector) { x *= factor; }
    return vector;
}

/// A subhalo by number needs the run's folder.
std::optional<CatalogueSubhalo> select(const InputFiles& input, const SnapshotOptions& options,
                                       const ChunkContents& contents) {
    if (!options.subhalo) { return std::nullopt; }
    if (!input.base || !options.snapshot) {
        throw Error({.kind = Kind::config,
                     .where = "simulation.subhalo",
                     .found = fmt::format("{} with simulation.path = {}", *options.subhalo, options.path),
                     .expected = "the folder that holds snapdir_NNN and groups_NNN, and simulation.snapshot",
                     .cure = "a cut-out holds one galaxy already: leave simulation.subhalo at null"});
    }
    return find_subhalo(*input.base, *options.snapshot, *options.subhalo, contents);
}

} // namespace

UnitContext tng_units(const io::Hdf5Group& file, const Header& header) {
    UnitContext units = unit_context(file, header, UnitScheme::gadget);
    if (!units.length_cm) { units.length_cm = constants::kpc; }
    if (!units.mass_g) { units.mass_g = 1e10 * constants::solar_mass; }
    if (!units.velocity_cm_s) { units.velocity_cm_s = 1e5; }
    return units;
}

Plan plan_tng(const InputFiles& input, const SnapshotOptions& options) {
    GadgetDialect dialect = tng_dialect();
    const auto contents = count_rows(input.chunks, particle_groups(), "Coordinates", true);
    const io::Hdf5Group file = io::Hdf5File::open(input.chunks.front());
    const Header header = read_header(file, dialect.scale_factor_names);
    auto number = options.snapshot;
    if (const auto stated = find_in(file, {"Header"}, {"SnapshotNumber"}); stated && !number) {
        number = static_cast<std::int64_t>(*stated);
    }
    dialect.kind = input_kind(number);
    const auto subhalo = select(input, options, contents);
    RowSelection rows;
    if (subhalo) { rows = {subhalo->stars, subhalo->gas}; }
    Plan plan = plan_gadget(dialect, contents, header, tng_units(file, header), rows, options);
    const double length = plan.stars.fields[star_coordinates].factor; // of the catalogue too: the same code units
    GalaxyFacts& galaxy = plan.info.galaxy;
    if (subhalo) {
        plan.info.description += fmt::format(", subhalo {}", *options.subhalo);
        if (subhalo->position) { galaxy.centre = scaled(*subhalo->position, length); }
        galaxy.velocity = subhalo->velocity;
        if (subhalo->half_mass_radius) { galaxy.half_mass_radius = *subhalo->half_mass_radius * length; }
    } else {
        galaxy.centre = subhalo_vector(file, "pos", length);
        galaxy.velocity = subhalo_vector(file, "vel", 1.0);
        if (const auto radius = subhalo_number(file, "halfmassrad_stars")) {
            galaxy.half_mass_radius = *radius * length;
        }
    }
    return plan;
}

} // namespace tessera::particles
