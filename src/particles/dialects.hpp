#pragma once

#include "particles/group_catalogue.hpp"
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

/// A run of the TNG layout, and where galaxies of it are: all that one file needs to be looked into for.
struct GalaxyIndex {
    Plan whole;                    ///< of all rows; the files of chunks are yet to be checked
    std::vector<std::int64_t> ids; ///< ascending
    std::vector<FoundSubhalo> found;
    bool is_file = false; ///< one file that is one galaxy, whose id is 0: `whole` is its plan
};
/// Rank 0's to all ranks; collective.
void broadcast(GalaxyIndex& index, Communicator& comm);

/// @throws Error(Kind::config | Kind::data)  where no galaxy can be read; what concerns a galaxy alone is in `found`
GalaxyIndex index_tng(const InputFiles& input, const SnapshotOptions& options, std::span<const std::int64_t> ids);
/// The plan of subhalo `id`, one of the index, after a look at its chunks. @throws Error(Kind::data)
Plan plan_galaxy(const GalaxyIndex& index, std::int64_t id, ChunkFiles& open);

/// What PartType-style dialects differ in.
struct GadgetDialect {
    SnapshotFormat format;
    std::string kind; ///< "EAGLE snapshot", for messages
    UnitScheme units;
    std::vector<std::string> scale_factor_names; ///< header attributes that hold a
    std::vector<FieldSpec> stars, gas;           ///< indexed by StarField and GasField
    bool drops_wind = false;
};

/// What is common to them: header, counts, fields, facts. `units` may have been completed by the dialect.
/// @param lazily  chunks are not looked into, nothing is counted: complete() and check_chunks() follow for the rows wanted
Plan plan_gadget(const GadgetDialect& dialect, const ChunkContents& contents, const Header& header,
                 const UnitContext& units, const SnapshotOptions& options, bool lazily = false);
/// The particle groups of such a file.
const std::vector<std::string>& particle_groups();

/// Counts, bytes and the first position, once the tables stand. @throws Error(Kind::data)  no star rows
void complete(Plan& plan, const std::string& input, ChunkFiles& open);

/// @throws Error(Kind::config)  when a subhalo is asked of a layout without a catalogue
void refuse_subhalo(const SnapshotOptions& options, const std::string& layout);

/// Which dialect the files are. @throws Error(Kind::data)  nothing identifies them (the text lists what was looked for)
SnapshotFormat detect(const InputFiles& input);

} // namespace tessera::particles
