// The file of an index of stars.
#pragma once

#include <memory>
#include <string>

#include "particles/plan.hpp"
#include "tessera/particles/star_index.hpp"

namespace tessera::particles {

/// "snap_099.star_index.h5", for the snapshot with these chunks.
std::string star_index_name(const TablePlan& stars);

/// The index in the file, where it is whole and was made of these chunks as they are now; else null and, if there is a file, why.
/// One rank calls it. @param side  of the periodic box, kpc
std::shared_ptr<const StarIndex> read_star_index(const std::string& path, const TablePlan& stars, double side,
                                                 std::string& why_not);

/// Written aside, then renamed. One rank calls it. @throws Error(Kind::resource)
void write_star_index(const std::string& path, const StarIndex& index, const TablePlan& stars);

} // namespace tessera::particles
