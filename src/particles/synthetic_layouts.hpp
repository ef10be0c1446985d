#pragma once

#include <filesystem>

#include "particles/synthetic_population.hpp"
#include "tessera/device/device.hpp"
#include "tessera/particles/synthetic.hpp"

namespace tessera {
class Communicator;
}

namespace tessera::synthetic {

class Sums;

/// The plain layout in one file. Collective.
void write_plain(const SyntheticOptions& options, const Population& population, const device::Host& host,
                 const std::filesystem::path& file, Communicator& comm);

/// TNG's folders under `folder`, which exists. Collective.
void write_tng(const SyntheticOptions& options, const Population& population, const device::Host& host,
               const std::filesystem::path& folder, Communicator& comm);

/// Where the rows of a type are cut into chunk files: n_chunk + 1 edges. Stars are missing in one chunk of three or more, as
/// happens in real snapshots.
std::vector<std::int64_t> chunk_edges(const Population& population, Type type, std::int64_t n_chunk);

/// Group catalogue, offsets and construction truth. One rank alone writes them; `sums` gathered.
void write_catalogue(const SyntheticOptions& options, const Population& population, const Sums& sums,
                     std::int64_t n_chunk, const std::filesystem::path& folder);

} // namespace tessera::synthetic
