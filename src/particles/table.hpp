#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "particles/input_files.hpp"
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
    std::shared_ptr<ChunkFiles> open = std::make_shared<ChunkFiles>();
    std::optional<std::size_t> unreadable = {}; ///< the chunk that is; the headers of the others tell its rows
    /// Of the first chunk that can be read.
    io::Hdf5Group first_file() const { return open->file(files[unreadable == 0U ? 1 : 0]); }
};

/// Counts the rows of the groups in every chunk by the datasets of coordinates. Rank 0 alone. When `header_counts`, the
/// header's NumPart_ThisFile and NumPart_Total are compared: the datasets win, with a warning.
/// @param spare  one chunk may be unreadable, where the headers tell how many rows it has: those who need it will meet the error
ChunkContents count_rows(const InputFiles& input, const std::vector<std::string>& groups,
                         const std::string& coordinates, bool header_counts, bool spare = false);

/// Finds the datasets of a particle type and their factors in the first readable chunk of rows [begin, end), then checks all of
/// them, unless `lazily`. Rank 0 alone.
/// @param input_kind  what to call the input in a message about a missing field: "mini snapshot 98", "EAGLE snapshot"
/// @throws Error(Kind::data)
TablePlan plan_table(const ChunkContents& contents, const std::string& group, Range selection,
                     const std::vector<FieldSpec>& fields, const UnitContext& units, const std::string& input_kind,
                     bool lazily = false);

/// Checks in every chunk of the table's rows that each field is there, holds numbers and has the same rows as the coordinates.
/// @throws Error(Kind::data)
void check_chunks(const TablePlan& table, const std::vector<FieldSpec>& fields, const std::string& input_kind,
                  ChunkFiles& open);

/// The position of row `begin`, kpc; the table must not be empty.
std::array<double, 3> first_position(const TablePlan& table, ChunkFiles& open);

} // namespace tessera::particles
