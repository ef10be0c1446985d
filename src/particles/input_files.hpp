#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "particles/chunk_files.hpp"
#include "tessera/particles/snapshot.hpp"

namespace tessera::particles {

/// The files that `simulation.path` and `simulation.snapshot` name.
struct InputFiles {
    std::vector<std::string> chunks;           ///< in the order of their number
    std::optional<std::filesystem::path> base; ///< folder of the whole run, when a snapshot number was given
    std::shared_ptr<ChunkFiles> open = std::make_shared<ChunkFiles>();
};

/// Files `stem.C.hdf5` of a folder in the order of C, or `stem.hdf5` alone. Empty when there are none.
/// @throws Error(Kind::data)  a number in the sequence 0, 1, … is missing
std::vector<std::string> numbered_files(const std::filesystem::path& folder, const std::string& stem);

/// "007": numbers of snapshots as file names write them.
std::string three_digits(std::int64_t number);

/// NNN when `path` is a run's folder with one snapdir_NNN in it; nullopt for anything else.
/// @throws Error(Kind::config)  several: the user must choose
std::optional<std::int64_t> only_snapshot(const std::string& path);

/// Rank 0 alone.
/// @throws Error(Kind::config)  no path
/// @throws Error(Kind::data)    nothing there, a folder without HDF5 files or with those of several snapshots, a chunk missing
InputFiles find_input(const SnapshotOptions& options);

} // namespace tessera::particles
