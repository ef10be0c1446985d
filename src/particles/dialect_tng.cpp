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

} // namespace

UnitContext tng_units(const io::Hdf5Group& file, const Header& header) {
    UnitContext units = unit_context(file, header, UnitScheme::gadget);
    if (!units.length_cm) { units.length_cm = constants::kpc; }
    if (!units.mass_g) { units.mass_g = 1e10 * constants::solar_mass; }
    if (!units.velocity_cm_s) { units.velocity_cm_s = 1e5; }
    return units;
}

namespace {

/// What a galaxy and the whole snapshot have in common.
struct Beginning {
    ChunkContents contents;
    io::Hdf5Group file; ///< the first that can be read
    Plan plan;
};

Beginning begin(const InputFiles& input, const SnapshotOptions& options, bool lazily) {
    GadgetDialect dialect = tng_dialect();
    Spare spare{.chunks = lazily};
    if (lazily) { spare.first_rows = first_rows_of_chunks(input.base.value(), options.snapshot.value()); }
    Beginning out{.contents = count_rows(input, particle_groups(), "Coordinates", true, spare), .file = {}, .plan = {}};
    out.file = out.contents.first_file();
    const Header header = read_header(out.file, dialect.scale_factor_names);
    auto number = options.snapshot;
    if (const auto stated = find_in(out.file, {"Header"}, {"SnapshotNumber"}); stated && !number) {
        number = static_cast<std::int64_t>(*stated);
    }
    dialect.kind = input_kind(number);
    out.plan = plan_gadget(dialect, out.contents, header, tng_units(out.file, header), options, lazily);
    out.plan.input_kind = dialect.kind;
    return out;
}

/// Of the catalogue too: the same code units.
double length_factor(const Plan& plan) { return plan.stars.fields[star_coordinates].factor; }

} // namespace

GalaxyIndex index_tng(const InputFiles& input, const SnapshotOptions& options, std::span<const std::int64_t> ids) {
    if (!input.base || !options.snapshot) { // a subhalo by number needs the run's folder
        throw Error({.kind = Kind::config,
                     .where = "simulation.subhalo",
                     .found = fmt::format("{} with simulation.path = {}", ids.front(), options.path),
                     .expected = "the folder that holds snapdir_NNN and groups_NNN, and simulation.snapshot",
                     .cure = "a cut-out holds one galaxy already: leave simulation.subhalo at null"});
    }
    Beginning run = begin(input, options, true);
    GalaxyIndex index{.whole = std::move(run.plan), .ids = {ids.begin(), ids.end()}, .found = {}};
    index.found = find_subhaloes(*input.base, *options.snapshot, ids, run.contents);
    return index;
}

Plan plan_galaxy(const GalaxyIndex& index, std::int64_t id, ChunkFiles& open) {
    const auto at = std::lower_bound(index.ids.begin(), index.ids.end(), id);
    if (at == index.ids.end() || *at != id) {
        throw Error({.where = "GalaxyIndex", .found = fmt::format("subhalo {}, which was not asked for", id)});
    }
    const FoundSubhalo& found = index.found[static_cast<std::size_t>(at - index.ids.begin())];
    if (found.failure) { throw *found.failure; }
    if (index.is_file) { return index.whole; }
    Plan plan = index.whole;
    plan.stars.begin = found.subhalo.stars.begin;
    plan.stars.end = found.subhalo.stars.end;
    if (!plan.gas.chunks.empty()) {
        plan.gas.begin = found.subhalo.gas.begin;
        plan.gas.end = found.subhalo.gas.end;
    }
    const GadgetDialect dialect = tng_dialect();
    check_chunks(plan.stars, dialect.stars, plan.input_kind, open);
    check_chunks(plan.gas, dialect.gas, plan.input_kind, open);
    plan.info.description += fmt::format(", subhalo {}", id);
    const double length = length_factor(plan);
    GalaxyFacts& galaxy = plan.info.galaxy;
    if (found.subhalo.position) { galaxy.centre = scaled(*found.subhalo.position, length); }
    galaxy.velocity = found.subhalo.velocity;
    if (found.subhalo.half_mass_radius) { galaxy.half_mass_radius = *found.subhalo.half_mass_radius * length; }
    complete(plan, plan.stars.chunks.front().path, open);
    return plan;
}

Plan plan_tng(const InputFiles& input, const SnapshotOptions& options) {
    if (options.subhalo) {
        return plan_galaxy(index_tng(input, options, {&*options.subhalo, 1}), *options.subhalo, *input.open);
    }
    Beginning run = begin(input, options, false);
    const double length = length_factor(run.plan);
    GalaxyFacts& galaxy = run.plan.info.galaxy;
    galaxy.centre = subhalo_vector(run.file, "pos", length);
    galaxy.velocity = subhalo_vector(run.file, "vel", 1.0);
    if (const auto radius = subhalo_number(run.file, "halfmassrad_stars")) {
        galaxy.half_mass_radius = *radius * length;
    }
    return std::move(run.plan);
}

} // namespace tessera::particles
