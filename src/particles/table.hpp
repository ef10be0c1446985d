#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "particles/plan.hpp"
#include "particles/units.hpp"

namespace tessera::particles {

/// A field as a dialect knows it.
struct FieldSpec {
    std::string meaning; ///< "initial mass", for messages
    Quantity quantity = Quantity::none;
    std::int64_t columns = 1;
    std::vector<std::string> names; ///< datasets that may hold it, in order of preference
    bool required = true;
};

/// What there is in the chunk files, by particle group ("PartType4").
struct ChunkContents {
    std::vector<std::string> files;
    std::vector<io::FileStamp> stamps = {};                ///< of them, when they were opened
    std::map<std::string, std::vector<std::int64_t>> rows; ///< [chunk], 0 where the group is absent
};

/// Counts the rows of the groups in every chunk by the datasets of coordinates. Rank 0 alone. When `header_counts`, the
/// header's NumPart_ThisFile and NumPart_Total are compared: the datasets win, with a warning.
ChunkContents count_rows(const std::vector<std::string>& files, const std::vector<std::string>& groups,
                         const std::string& coordinates, bool header_counts);

/// Finds the datasets of a particle type and their factors, and checks in every chunk of rows [begin, end) that each is
/// there, holds numbers and has the same rows as the coordinates. Rank 0 alone.
/// @param input_kind  what to call the input in a message about a missing field: "mini snapshot 98", "EAGLE snapshot"
/// @throws Error(Kind::data)
TablePlan plan_table(const ChunkContents& contents, const std::string& group, Range selection,
                     const std::vector<FieldSpec>& fields, const UnitContext& units, const std::string& input_kind);

/// Bytes of the selection's rows as stored.
std::int64_t stored_bytes(const TablePlan& table);

/// The position of row `begin`, kpc; the table must not be empty.
std::array<double, 3> first_position(const TablePlan& table);

} // namespace tessera::particles
