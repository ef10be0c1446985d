#pragma once

#include <functional>
#include <vector>

#include "particles/plan.hpp"

namespace tessera {
class Communicator;
}

namespace tessera::particles {

/// Rows of one chunk as stored values in double, not yet scaled.
struct Block {
    std::string where; ///< "file.hdf5:/PartType4", for messages
    const TablePlan* table = nullptr;
    std::int64_t first = 0; ///< global row of the block's first row
    std::int64_t n_row = 0;
    std::vector<std::vector<double>> fields; ///< [field][row · columns]; empty where the input has none

    bool has(std::size_t field) const { return table->fields[field].present(); }
    /// Value in our unit.
    double at(std::size_t field, std::int64_t row, std::int64_t column = 0) const {
        const FieldPlan& plan = table->fields[field];
        return fields[field][static_cast<std::size_t>(row * plan.columns + column)] * plan.factor;
    }
    /// "file.hdf5:/PartType4/Masses, row 17"
    std::string place(std::size_t field, std::int64_t row) const;
};

/// Reads this rank's share of the table in blocks, by collective transfers, and hands each to `consume`, in the order of
/// the rows. `consume` may throw: all ranks then throw the error of the first row in the order of the file. Each chunk
/// file is opened once, by all ranks together; memory is bounded by `block_rows`.
void read_blocks(const TablePlan& table, Communicator& comm, std::int64_t block_rows,
                 const std::function<void(const Block&)>& consume);

/// Rows a block: 2^18 stars of ten doubles are 21 MB.
inline constexpr std::int64_t default_block_rows = std::int64_t{1} << 18;

} // namespace tessera::particles
