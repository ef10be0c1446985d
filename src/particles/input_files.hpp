#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "particles/chunk_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/particles/snapshot.hpp"

namespace tessera::particles {

/// The files that `simulation.path` and `simulation.snapshot` name.
struct InputFiles {
    std::vector<std::string> chunks;           ///< in the order of their number, those of `missing` among them
    std::optional<std::filesystem::path> base; ///< folder of the whole run, when a snapshot number was given
    std::optional<Error> missing = {};         ///< of a run: the chunk that is not there while a later one is
    std::shared_ptr<ChunkFiles> open = std::make_shared<ChunkFiles>();
};

/// Files `stem.C.hdf5` of a folder in the order of C, or `stem.hdf5` alone. Empty when there are none.
/// @param missing  where given: the error of the first gap in the sequence, and the names that fill the gaps are in the list
/// @throws Error(Kind::data)  a number in the sequence 0, 1, … is missing, and `missing` is null
std::vector<std::string> numbered_files(const std::filesystem::path& folder, const std::string& stem,
                                        std::optional<Error>* missing = nullptr);

/// The name of chunk `number` of the run that the chunk `path` belongs to; nullopt for a file without a number.
std::optional<std::string> numbered_like(const std::string& path, std::int64_t number);

/// "007": numbers of snapshots as file names write them.
std::string three_digits(std::int64_t number);

/// NNN when `path` is a run's folder with one snapdir_NNN in it; nullopt for anything else.
/// @throws Error(Kind::config)  several: the user must choose
std::optional<std::int64_t> only_snapshot(const std::string& path);

/// Rank 0 alone.
/// @throws Error(Kind::config)  no path
/// @throws Error(Kind::data)    nothing there, a folder without HDF5 files or with those of several snapshots, a chunk of it missing
InputFiles find_input(const SnapshotOptions& options);

} // namespace tessera::particles
