#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "catalog/curfew.hpp"
#include "tessera/catalog/manifest.hpp"

namespace tessera {
class Communicator;
}

namespace tessera::catalog {

/// Cubes that lie in one file, a slot each.
struct Shard {
    std::string name;                  ///< "shards/train_00000.h5"
    std::vector<std::int64_t> entries; ///< of the manifest, by slot
};

/// Whether the manifest's catalogue ends in shards.
bool has_shards(const Manifest& manifest);

/// Which entries go where: by catalog.seed, catalog.validation and catalog.shard_size of the manifest's configuration, and ids alone. All
/// views of a galaxy are on one side of the split. Failed entries keep their slots.
std::vector<Shard> plan_shards(const Manifest& manifest);

/// Entries that are in a shard as it was recorded. One rank calls it. @throws Error(Kind::data)  a shard that cannot be read
std::set<std::int64_t> packed_entries(const std::string& folder, const Manifest& manifest);

/// Shards that are still to be written, or again since cubes were made that they lack. One rank calls it.
std::vector<Shard> shards_to_pack(const std::string& folder, const Manifest& manifest);

/// Writes them, each aside and renamed, then recorded, and only then removes the cubes that went into it. The ranks share the shards.
/// Takes the parameters from catalogue.hdf5, which must be there. Collective. @return  how many are left, since the curfew has come
/// @throws Error(Kind::resource)  a full disk;  Error(Kind::data)  cubes of different shapes
std::int64_t pack_shards(const std::string& folder, const Curfew& curfew, Communicator& world);

/// What of a recorded shard is not as it should be: size, checksum, ids, the rows of the catalogue's table. A line each.
std::vector<std::string> shard_problems(const std::string& folder, const Manifest& manifest, const Shard& shard);

} // namespace tessera::catalog
