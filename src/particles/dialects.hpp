#pragma once

#include "particles/header.hpp"
#include "particles/input_files.hpp"
#include "particles/plan.hpp"
#include "particles/table.hpp"

/// One function a layout: it looks into the files and says what is to be read. All run on rank 0 alone and throw
/// Error(Kind::config | Kind::data).
namespace tessera::particles {

/// /stars and /gas in physical units; our own layout (docs/inputs.md).
Plan plan_plain(const InputFiles& input, const SnapshotOptions& options);
/// The intermediate file of RUBIX, rubix_galaxy.h5.
Plan plan_rubix(const InputFiles& input, const SnapshotOptions& options);
/// IllustrisTNG: snapshots, cut-outs, CAMELS files.
Plan plan_tng(const InputFiles& input, const SnapshotOptions& options);
/// The context for unit factors of a TNG snapshot or catalogue; where the header states no code units, those of all TNG runs.
UnitContext tng_units(const io::Hdf5Group& file, const Header& header);
Plan plan_eagle(const InputFiles& input, const SnapshotOptions& options);
/// SWIFT with EAGLE-like or COLIBRE fields.
Plan plan_swift(const InputFiles& input, const SnapshotOptions& options);

/// What PartType-style dialects differ in.
struct GadgetDialect {
    SnapshotFormat format;
    std::string kind; ///< "EAGLE snapshot", for messages
    UnitScheme units;
    std::vector<std::string> scale_factor_names; ///< header attributes that hold a
    std::vector<FieldSpec> stars, gas;           ///< indexed by StarField and GasField
    bool drops_wind = false;
};

/// Rows of the selection in the concatenation of all chunks; nullopt: all.
struct RowSelection {
    std::optional<Range> stars, gas;
};

/// What is common to them: header, counts, fields, facts. `units` may have been completed by the dialect.
Plan plan_gadget(const GadgetDialect& dialect, const ChunkContents& contents, const Header& header,
                 const UnitContext& units, const RowSelection& rows, const SnapshotOptions& options);
/// The particle groups of such a file.
const std::vector<std::string>& particle_groups();

/// Counts, bytes and the first position, once the tables stand. @throws Error(Kind::data)  no star rows
void complete(Plan& plan, const std::string& input);

/// @throws Error(Kind::config)  when a subhalo is asked of a layout without a catalogue
void refuse_subhalo(const SnapshotOptions& options, const std::string& layout);

/// Which dialect the files are. @throws Error(Kind::data)  nothing identifies them (the text lists what was looked for)
SnapshotFormat detect(const std::vector<std::string>& files);

} // namespace tessera::particles
