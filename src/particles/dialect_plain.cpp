#include "particles/dialects.hpp"

#include <cmath>

#include <fmt/format.h>

#include "tessera/core/error.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {
namespace {

const std::vector<FieldSpec>& plain_star_fields() {
    static const std::vector<FieldSpec> fields{
        {"positions", Quantity::length, 3, {"coordinates"}},
        {"velocities", Quantity::velocity, 3, {"velocities"}},
        {"age", Quantity::time, 1, {"age"}},
        {"initial mass", Quantity::mass, 1, {"initial_mass"}},
        {"present mass", Quantity::mass, 1, {"mass"}, false},
        {"metallicity", Quantity::none, 1, {"metallicity"}},
    };
    return fields;
}

const std::vector<FieldSpec>& plain_gas_fields() {
    static const std::vector<FieldSpec> fields{
        {"positions", Quantity::length, 3, {"coordinates"}},
        {"velocities", Quantity::velocity, 3, {"velocities"}},
        {"mass", Quantity::mass, 1, {"masses", "mass"}},
        {"density", Quantity::density, 1, {"density"}, false},
        {"metallicity", Quantity::none, 1, {"metallicity"}, false},
        {"star formation rate", Quantity::star_formation_rate, 1, {"star_formation_rate"}, false},
        {"temperature", Quantity::temperature, 1, {"temperature"}, false},
    };
    return fields;
}

/// Three numbers of an attribute of the root or of /galaxy.
std::optional<std::array<double, 3>> vector_in(const io::Hdf5Group& file, const std::string& name) {
    for (const std::string group : {"", "galaxy"}) {
        if (!group.empty() && !file.has_group(group)) { continue; }
        const io::Hdf5Group there = group.empty() ? file : file.group(group);
        if (!there.has_attribute(name)) { continue; }
        const auto values = there.numbers(name);
        if (values.size() != 3) {
            throw Error({.kind = Kind::data,
                         .where = fmt::format("{}, attribute {}", there.where(), name),
                         .found = fmt::format("{} numbers", values.size()),
                         .expected = "3 numbers",
                         .cure = "write x, y and z"});
        }
        return std::array{values[0], values[1], values[2]};
    }
    return std::nullopt;
}

std::optional<double> number_in(const io::Hdf5Group& file, const std::string& name) {
    if (const auto value = file.find_number(name)) { return value; }
    return find_in(file, {"galaxy"}, {name});
}

/// As number_in, refused at or below `limit`.
std::optional<double> number_above(const io::Hdf5Group& file, const std::string& name, double limit) {
    const auto value = number_in(file, name);
    if (value && !(*value > limit && std::isfinite(*value))) {
        throw Error({.kind = Kind::data,
                     .where = fmt::format("{}, attribute {}", file.file(), name),
                     .found = fmt::format("{}", *value),
                     .expected = fmt::format("a number above {}", limit),
                     .cure = "correct or remove the attribute"});
    }
    return value;
}

} // namespace

Plan plan_plain(const InputFiles& input, const SnapshotOptions& options) {
    refuse_subhalo(options, "plain");
    const auto contents = count_rows(input, {"stars", "gas"}, "coordinates", false);
    const io::Hdf5Group file = contents.first_file();
    Plan plan;
    plan.info.format = SnapshotFormat::plain;
    plan.info.description =
        fmt::format("plain file, {} chunk{}", input.chunks.size(), input.chunks.size() == 1 ? "" : "s");
    plan.info.redshift = number_above(file, "redshift", -1);
    plan.info.scale_factor = 1.0 / (1.0 + plan.info.redshift.value_or(0));
    plan.info.box_size = number_above(file, "box_size", 0);
    plan.info.galaxy = {vector_in(file, "centre"), vector_in(file, "velocity"),
                        number_above(file, "half_mass_radius", 0)};
    const auto total = [&](const char* group) {
        std::int64_t n = 0;
        for (const std::int64_t rows : contents.rows.at(group)) { n += rows; }
        return n;
    };
    plan.info.rows_by_type = {{"stars", total("stars")}, {"gas", total("gas")}};
    plan.stars = plan_table(contents, "stars", {0, total("stars")}, plain_star_fields(), {}, "plain file");
    if (options.gas) {
        plan.gas = plan_table(contents, "gas", {0, total("gas")}, plain_gas_fields(), {}, "plain file");
    }
    plan.gas.kind = ParticleType::gas;
    complete(plan, options.path, *contents.open);
    return plan;
}

} // namespace tessera::particles
