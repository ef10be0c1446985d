#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tessera/catalog/expression.hpp"
#include "tessera/catalog/options.hpp"
#include "tessera/particles/subhaloes.hpp"

namespace tessera {

/// One cube that is to be made: a view of a galaxy.
struct CatalogEntry {
    std::int64_t id = 0;      ///< of the subhalo
    std::int64_t view = 0;    ///< from 0
    double redshift = 0;      ///< observed
    std::int64_t n_rows = 0;  ///< rows of its own stars in the snapshot, wind cells included
    std::int64_t bundle = -1; ///< telescope, in catalog.bundles; -1: telescope.name
    bool operator==(const CatalogEntry&) const = default;
};

/// What a configuration selects from a snapshot.
struct Selection {
    std::vector<CatalogEntry> entries; ///< by id, then view
    std::int64_t n_subhalo = 0;        ///< in the catalogue
    std::int64_t n_galaxy = 0;         ///< selected
    std::int64_t snapshot = 0;         ///< number
    double snapshot_redshift = 0;
    std::string source;         ///< first file of the group catalogue
    std::uint64_t checksum = 0; ///< of the group catalogue
    /// Columns of the group catalogue for the catalogue table: all that it has.
    std::vector<SubhaloColumn> columns;
    std::vector<std::vector<double>> values; ///< [column][entry]
};

/// The statement catalog.select. @throws Error(Kind::config)
Expression compile_selection(const CatalogOptions& options);

/// Reads the group catalogue, selects, samples, and lays out the views; of a snapshot that is one file, a cut-out, the one galaxy, whose id
/// is 0 (its stars are all in the file: simulation.subhalo stays null). One rank calls it. The same on any machine and for any
/// number of ranks: the sample depends on catalog.seed and the ids alone.
/// @throws Error(Kind::config)  ids that are not in the catalogue, or twice; nothing selected; a choice among subhaloes of a cut-out
/// @throws Error(Kind::data)    as read_subhaloes
Selection select_galaxies(const CatalogConfig& config);

/// simulation.depth of its cubes; nullopt: the subhaloes' own stars alone.
std::optional<double> depth_of(const CatalogConfig& config);
/// How a cube is seen: the configuration's view, with a seed of its own.
ViewOptions view_of(const CatalogConfig& config, const CatalogEntry& entry);

/// What `tessera cube` would be told, to make the cube of an entry. @param file  path of the cube
Config config_of(const CatalogConfig& config, const CatalogEntry& entry, const std::string& file);

/// Of the cubes: "h5", also of those that are packed into shards, or "fits".
std::string cube_extension(const CatalogOptions& options);

/// "mocks/cubes/17_0.h5", absolute or as configured.
std::string cube_path(const CatalogConfig& config, const CatalogEntry& entry);

} // namespace tessera
