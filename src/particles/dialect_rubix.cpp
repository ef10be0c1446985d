#include "particles/dialects.hpp"

#include "tessera/core/error.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {
namespace {

const std::vector<FieldSpec>& rubix_star_fields() {
    static const std::vector<FieldSpec> fields{
        {"positions", Quantity::length, 3, {"coords"}},
        {"velocities", Quantity::velocity, 3, {"velocity"}},
        {"age", Quantity::time, 1, {"age"}},
        {"initial mass", Quantity::mass, 1, {"mass"}},
        {"present mass", Quantity::mass, 1, {}, false}, // RUBIX keeps the mass at birth alone
        {"metallicity", Quantity::none, 1, {"metallicity"}},
    };
    return fields;
}

const std::vector<FieldSpec>& rubix_gas_fields() {
    static const std::vector<FieldSpec> fields{
        {"positions", Quantity::length, 3, {"coords"}},
        {"velocities", Quantity::velocity, 3, {"velocity"}},
        {"mass", Quantity::mass, 1, {"mass"}},
        {"density", Quantity::density, 1, {"density"}, false},
        {"metallicity", Quantity::none, 1, {"metallicity"}, false},
        {"star formation rate", Quantity::star_formation_rate, 1, {"sfr"}, false},
        {"temperature", Quantity::temperature, 1, {"temperature"}, false},
    };
    return fields;
}

/// Numbers of /galaxy/<name>, kept as a dataset; older writers use an attribute.
std::vector<double> galaxy_numbers(const io::Hdf5Group& file, const std::string& name) {
    if (!file.has_group("galaxy")) { return {}; }
    const io::Hdf5Group galaxy = file.group("galaxy");
    if (galaxy.has_dataset(name)) { return galaxy.dataset(name).read_all<double>(); }
    if (galaxy.has_attribute(name)) { return galaxy.numbers(name); }
    return {};
}

} // namespace

Plan plan_rubix(const InputFiles& input, const SnapshotOptions& options) {
    refuse_subhalo(options, "rubix");
    if (input.chunks.size() != 1) {
        throw Error({.kind = Kind::data,
                     .where = options.path,
                     .found = std::to_string(input.chunks.size()) + " files",
                     .expected = "one file, as RUBIX writes it",
                     .cure = "name the file rubix_galaxy.h5 itself"});
    }
    const std::string stars = "particles/stars", gas = "particles/gas";
    const auto contents = count_rows(input, {stars, gas}, "coords", false);
    const io::Hdf5Group file = contents.first_file();
    Plan plan;
    plan.info.format = SnapshotFormat::rubix;
    plan.info.description = "RUBIX galaxy file";
    if (const auto redshift = galaxy_numbers(file, "redshift"); !redshift.empty()) {
        plan.info.redshift = redshift.front();
    }
    plan.info.scale_factor = 1.0 / (1.0 + plan.info.redshift.value_or(0));
    if (const auto centre = galaxy_numbers(file, "center"); centre.size() == 3) {
        plan.info.galaxy.centre = {centre[0], centre[1], centre[2]};
    }
    if (const auto radius = galaxy_numbers(file, "halfmassrad_stars"); !radius.empty()) {
        plan.info.galaxy.half_mass_radius = radius.front();
    }
    const std::int64_t n_star = contents.rows.at(stars).front(), n_gas = contents.rows.at(gas).front();
    plan.info.rows_by_type = {{"stars", n_star}, {"gas", n_gas}};
    plan.stars = plan_table(contents, stars, {0, n_star}, rubix_star_fields(), {}, "RUBIX galaxy file");
    if (options.gas) { plan.gas = plan_table(contents, gas, {0, n_gas}, rubix_gas_fields(), {}, "RUBIX galaxy file"); }
    plan.gas.kind = ParticleType::gas;
    complete(plan, options.path, *contents.open);
    return plan;
}

} // namespace tessera::particles
