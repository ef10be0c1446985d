// What TNG, EAGLE and SWIFT files have in common: particle groups PartType0…6 and a header.
#include "particles/dialects.hpp"

#include <numeric>

#include <fmt/format.h>

#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {
namespace {

constexpr std::array type_names{"gas",         "dark matter", "low-resolution dark matter", "tracers", "stars",
                                "black holes", "neutrinos"};

std::int64_t total_rows(const ChunkContents& contents, const std::string& group) {
    const auto& rows = contents.rows.at(group);
    return std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
}

/// A single chunk of many is probably not the galaxy that the user means.
void warn_lone_chunk(const ChunkContents& contents) {
    const io::Hdf5Group file = contents.first_file();
    const double said = find_in(file, {"Header"}, {"NumFilesPerSnapshot"}).value_or(1);
    if (said > static_cast<double>(contents.files.size())) {
        log::warning(fmt::format(
            "{}: the header says {} files, {} read; give the folder to read all of them", contents.files.front(), said,
            contents.files.size() == 1 ? "this one is" : fmt::format("{} are", contents.files.size())));
    }
}

} // namespace

const std::vector<std::string>& particle_groups() {
    static const std::vector<std::string> groups{"PartType0", "PartType1", "PartType2", "PartType3",
                                                 "PartType4", "PartType5", "PartType6"};
    return groups;
}

Plan plan_gadget(const GadgetDialect& dialect, const ChunkContents& contents, const Header& header,
                 const UnitContext& units, const SnapshotOptions& options, bool lazily) {
    warn_lone_chunk(contents);
    Plan plan;
    plan.info.format = dialect.format;
    plan.info.description =
        fmt::format("{}, {} chunk{}", dialect.kind, contents.files.size(), contents.files.size() == 1 ? "" : "s");
    for (std::size_t type = 0; type < type_names.size(); ++type) {
        if (const std::int64_t n = total_rows(contents, particle_groups()[type]); n > 0) {
            plan.info.rows_by_type.emplace_back(type_names[type], n);
        }
    }
    const Range all_stars{0, total_rows(contents, "PartType4")}, all_gas{0, total_rows(contents, "PartType0")};
    plan.stars = plan_table(contents, "PartType4", all_stars, dialect.stars, units, dialect.kind, lazily);
    if (options.gas) {
        plan.gas = plan_table(contents, "PartType0", all_gas, dialect.gas, units, dialect.kind, lazily);
    }
    plan.gas.kind = ParticleType::gas;
    plan.birth = Birth::scale_factor;
    plan.drops_wind = dialect.drops_wind;
    if (!lazily) { complete(plan, options.path, *contents.open); }
    if (plan.stars.size() > 0 && !plan.stars.fields[star_mass].present()) {
        log::warning(fmt::format("{}: no present masses of the stars; maps of stellar mass show the mass at birth",
                                 options.path));
    }
    describe_header(plan.info, header, plan.stars.fields[star_coordinates].factor);
    return plan;
}

void complete(Plan& plan, const std::string& input, ChunkFiles& open) {
    if (plan.stars.size() == 0) {
        throw Error({.kind = Kind::data,
                     .where = input,
                     .found = "no star at all",
                     .expected = fmt::format("at least one row of /{}", plan.stars.group),
                     .cure = "choose another galaxy, snapshot or file"});
    }
    plan.info.n_star_rows = plan.stars.size();
    plan.info.n_gas_rows = plan.gas.size();
    plan.info.bytes_to_read = plan.stars.size() * plan.stars.row_bytes() + plan.gas.size() * plan.gas.row_bytes();
    plan.info.files.clear();
    for (const TablePlan* table : {&plan.stars, &plan.gas}) {
        for (const Chunk& chunk : table->selected_chunks()) {
            auto& files = plan.info.files;
            if (std::find(files.begin(), files.end(), chunk.path) == files.end()) { files.push_back(chunk.path); }
        }
    }
    if (!plan.info.galaxy.centre) { plan.first_position = first_position(plan.stars, open); }
}

void refuse_subhalo(const SnapshotOptions& options, const std::string& layout) {
    if (!options.subhalo) { return; }
    throw Error({.kind = Kind::config,
                 .where = "simulation.subhalo",
                 .found = fmt::format("{} with input of layout {}", *options.subhalo, layout),
                 .expected = "null: subhalos are selected through the group catalogue of a TNG layout",
                 .cure = "give the folder of the run and simulation.snapshot, or a file that holds this galaxy alone"});
}

} // namespace tessera::particles
