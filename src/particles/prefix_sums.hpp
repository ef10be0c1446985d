#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "particles/group_catalogue.hpp"

namespace tessera::particles {

/// The particle types that rows are found for: gas, stars.
constexpr std::array types{0, 4};
constexpr std::size_t n_type = types.size();
using Counts = std::array<std::int64_t, n_type>;

/// Columns of gas and stars of rows [first, first + n) of a dataset [n, 6].
std::vector<Counts> read_counts(const io::Hdf5Group& file, const std::string& path, std::int64_t first, std::int64_t n);

/// First rows by prefix sums: [entry of ids], nullopt for those in no group; nullopt where the groups' fields are not there.
/// @param ids  ascending
std::optional<std::vector<std::optional<Counts>>> begin_by_sums(const std::vector<CatalogueFile>& catalogue,
                                                                std::span<const std::int64_t> ids);

} // namespace tessera::particles
