// The file of an index of rows.
#pragma once

#include <memory>
#include <string>

#include "particles/plan.hpp"
#include "tessera/particles/row_index.hpp"

namespace tessera::particles {

/// "snap_099.star_index.h5" or "snap_099.gas_index.h5", for the snapshot with these chunks.
std::string row_index_name(const TablePlan& table);

/// The index in the file, where it is whole and was made of these chunks as they are now; else null and, if there is a file, why.
/// One rank calls it. @param side  of the periodic box, kpc
std::shared_ptr<const RowIndex> read_row_index(const std::string& path, const TablePlan& table, double side,
                                               std::string& why_not);

/// Written aside, then renamed. One rank calls it. @throws Error(Kind::resource)
void write_row_index(const std::string& path, const RowIndex& index, const TablePlan& table);

} // namespace tessera::particles
