#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tessera/particles/snapshot.hpp"

namespace tessera {

/// A property of subhaloes as the group catalogue of a snapshot has it, in physical units: no little h, nothing comoving.
struct SubhaloColumn {
    std::string name;       ///< "mass_stars"
    std::string unit;       ///< "Msun"; empty for a pure number
    std::string dataset;    ///< "Subhalo/SubhaloMassType[4]"; of Group/…: of the group that the subhalo belongs to
    std::string definition; ///< one line
    bool truth = false;     ///< 0 or 1: a statement by itself
};

/// All of them, in the order of the documentation.
const std::vector<SubhaloColumn>& subhalo_columns();

/// Columns of a group catalogue.
struct SubhaloTable {
    std::int64_t n_row = 0; ///< subhaloes in the catalogue
    std::vector<std::string> names;
    std::vector<std::vector<double>> values; ///< [column][subhalo], or [column][entry of the rows asked for]
    std::int64_t snapshot = 0;               ///< number
    double redshift = 0;                     ///< of the snapshot
    std::string source;                      ///< the first file, for messages
    /// Of the numbers of particles of every subhalo: another catalogue has another.
    std::uint64_t checksum = 0;

    /// @throws Error(Kind::internal)  not among the columns that were read
    const std::vector<double>& column(const std::string& name) const;
};

/// Which columns the catalogue has the datasets for. One rank calls it.
std::vector<std::string> available_subhalo_columns(const SnapshotOptions& options);

/// Reads columns of the group catalogue that belongs to the snapshot: TNG and its like, every chunk. One rank calls it.
/// @param names  of subhalo_columns()
/// @param rows   the subhaloes to keep; none given: all
/// @throws Error(Kind::config)  no path, no snapshot number, a path that is no folder of a run
/// @throws Error(Kind::data)    no catalogue, a chunk missing, a dataset missing (the text names column and dataset), of a wrong
///                              shape, or of another length than the rest
SubhaloTable read_subhaloes(const SnapshotOptions& options, const std::vector<std::string>& names,
                            std::optional<std::span<const std::int64_t>> rows = {});

} // namespace tessera
