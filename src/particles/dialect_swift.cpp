#include "particles/dialects.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {
namespace {

GadgetDialect swift_dialect() {
    return {
        .format = SnapshotFormat::swift,
        .kind = "SWIFT snapshot",
        .units = UnitScheme::swift,
        .scale_factor_names = {"Scale-factor"}, // Header/Time is a time; the redshift serves cut-outs without it
        .stars =
            {
                {"positions", Quantity::length, 3, {"Coordinates"}},
                {"velocities", Quantity::velocity, 3, {"Velocities"}},
                {"formation scale factor", Quantity::none, 1, {"BirthScaleFactors"}},
                {"initial mass", Quantity::mass, 1, {"InitialMasses"}},
                {"present mass", Quantity::mass, 1, {"Masses"}, false},
                {"metallicity", Quantity::none, 1, {"SmoothedMetalMassFractions", "MetalMassFractions"}},
            },
        .gas =
            {
                {"positions", Quantity::length, 3, {"Coordinates"}},
                {"velocities", Quantity::velocity, 3, {"Velocities"}},
                {"mass", Quantity::mass, 1, {"Masses"}},
                {"density", Quantity::density, 1, {"Densities"}, false},
                {"metallicity", Quantity::none, 1, {"SmoothedMetalMassFractions", "MetalMassFractions"}, false},
                {"star formation rate", Quantity::star_formation_rate, 1, {"StarFormationRates"}, false},
                {"temperature", Quantity::temperature, 1, {"Temperatures"}, false},
            },
    };
}

/// Runs without expansion write BirthTimes instead, on the clock of Header/Time.
bool has_birth_times(const ChunkContents& contents) {
    const auto& rows = contents.rows.at("PartType4");
    const auto with_stars = std::find_if(rows.begin(), rows.end(), [](std::int64_t n) { return n > 0; });
    if (with_stars == rows.end()) { return false; }
    const auto chunk = static_cast<std::size_t>(with_stars - rows.begin());
    const io::Hdf5Group stars = contents.open->file(contents.files[chunk]).group("PartType4");
    return !stars.has_dataset("BirthScaleFactors") && stars.has_dataset("BirthTimes");
}

} // namespace

Plan plan_swift(const InputFiles& input, const SnapshotOptions& options) {
    refuse_subhalo(options, "swift");
    GadgetDialect dialect = swift_dialect();
    const auto contents = count_rows(input, particle_groups(), "Coordinates", true);
    const io::Hdf5Group file = contents.first_file();
    const bool by_time = has_birth_times(contents);
    const bool cosmological = find_in(file, {"Cosmology"}, {"Cosmological run"}).value_or(by_time ? 0 : 1) != 0;
    Header header;
    if (cosmological) { header = read_header(file, dialect.scale_factor_names); }
    if (!cosmological) { header.box = find_in(file, {"Header"}, {"BoxSize"}); }
    const UnitContext units = unit_context(file, header, dialect.units);
    if (by_time) { dialect.stars[star_birth] = {"birth time", Quantity::time, 1, {"BirthTimes"}}; }
    Plan plan = plan_gadget(dialect, contents, header, units, options);
    if (!cosmological) { plan.info.redshift.reset(); }
    if (by_time) {
        const auto now = find_in(file, {"Header"}, {"Time"});
        if (!now) {
            throw Error({.kind = Kind::data,
                         .where = file.file() + ":/Header",
                         .found = "no attribute Time",
                         .expected = "the time of the snapshot, from which BirthTimes are counted",
                         .cure = "copy the header of the original snapshot"});
        }
        plan.birth = Birth::time;
        plan.snapshot_time = *now * plan.stars.fields[star_birth].factor;
    }
    return plan;
}

} // namespace tessera::particles
