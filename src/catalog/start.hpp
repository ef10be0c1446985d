#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tessera/catalog/run.hpp"
#include "tessera/output/cube_measures.hpp"

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

/// The finished cube as the manifest records it: reads what is not known of it. @param bands  of its magnitudes
EntryRecord record_of(const std::string& path, const std::vector<Band>& bands, double seconds,
                      const std::optional<CubeSums>& sums = {}, std::optional<std::uint64_t> checksum = {});

} // namespace tessera::catalog
