#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "particles/table.hpp"
#include "tessera/core/error.hpp"

namespace tessera::particles {

/// One catalogue chunk and the first row of its subhaloes.
struct CatalogueFile {
    std::string path;
    std::int64_t first_subhalo = 0, n_subhalo = 0, n_group = 0;
};

/// The chunks of the catalogue of a snapshot, in order. Rank 0 alone. @throws Error(Kind::data)  none, or one missing
std::vector<CatalogueFile> open_catalogue(const std::filesystem::path& base, std::int64_t snapshot);

/// The first row of gas and stars of each chunk, of the offsets file under `base`; empty where there is none, or without them.
/// Rank 0 alone. @throws Error(Kind::data)  a file that cannot be read
FirstRows first_rows_of_chunks(const std::filesystem::path& base, std::int64_t snapshot);

/// A subhalo as the TNG group catalogue has it. Rows are global, over all chunks of the snapshot.
struct CatalogueSubhalo {
    Range stars, gas;
    std::optional<std::array<double, 3>> position; ///< code units
    std::optional<std::array<double, 3>> velocity; ///< km/s, peculiar
    std::optional<double> half_mass_radius;        ///< of the stars, code units
};

/// One of several that were looked for.
struct FoundSubhalo {
    CatalogueSubhalo subhalo;
    std::optional<Error> failure =
        {}; ///< what is wrong with this one alone: no stars, rows that disagree or do not exist
};

/// Finds the rows of subhaloes through the catalogue under `base`: from the offsets file, and by prefix sums of the
/// lengths of groups and subhalos; where both can be had they must agree, and so must the offsets file's first rows of the
/// chunks with the chunks themselves. Rank 0 alone; each file of the catalogue is gone through once a field.
/// @param ids  ascending
/// @throws Error(Kind::config)  no such subhalo (with the number there are)
/// @throws Error(Kind::data)    no catalogue, fields missing, offsets of other chunks
/// @par Source  formats as published with Nelson et al. (2019), ComAC 6, 2, section on group ordering
std::vector<FoundSubhalo> find_subhaloes(const std::filesystem::path& base, std::int64_t snapshot,
                                         std::span<const std::int64_t> ids, const ChunkContents& chunks);

} // namespace tessera::particles
