#pragma once

#include <string>
#include <vector>

#include "tessera/catalog/run.hpp"

namespace tessera::catalog {

/// A catalogue at the beginning of a run.
struct Start {
    Manifest manifest;
    std::vector<std::int64_t> todo; ///< entries to be made, longest first
    std::int64_t n_adopted = 0;
};

/// Begins a catalogue or goes on with the one in the folder, and writes manifest.journal: checks that configuration and group
/// catalogue are those of the beginning, that finished cubes are there, looks into files of unfinished entries, and removes
/// what a killed run left half written. One rank calls it, while it holds the lock. @throws Error  see run_catalog
Start start(const CatalogConfig& config, const CatalogRequest& request, const Selection& selection,
            const std::string& folder, int n_rank);

/// The finished cube as the manifest records it: reads it through. @param bands  of its magnitudes
EntryRecord record_of(const std::string& path, const std::vector<Band>& bands, double seconds);

/// WordHash of a file's bytes. @throws Error(Kind::data)  unreadable
std::uint64_t file_checksum(const std::string& path);

} // namespace tessera::catalog
