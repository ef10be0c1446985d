#pragma once

#include <array>
#include <string>
#include <vector>

#include "particles/chunk_rows.hpp"
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

/// Finds the datasets of a particle type and their factors in the first readable chunk of rows [begin, end), then checks all of
/// them, unless `lazily`. Rank 0 alone.
/// @param input_kind  what to call the input in a message about a missing field: "mini snapshot 98", "EAGLE snapshot"
/// @throws Error(Kind::data)
TablePlan plan_table(const ChunkContents& contents, const std::string& group, Range selection,
                     const std::vector<FieldSpec>& fields, const UnitContext& units, const std::string& input_kind,
                     bool lazily = false);

/// Checks in every chunk of the table's rows that each field is there, holds numbers, and has the rows that are selected and no more than
/// the coordinates.
/// @throws Error(Kind::data)
void check_chunks(const TablePlan& table, const std::vector<FieldSpec>& fields, const std::string& input_kind,
                  ChunkFiles& open);

/// The position of row `begin`, kpc; the table must not be empty.
std::array<double, 3> first_position(const TablePlan& table, ChunkFiles& open);

} // namespace tessera::particles
