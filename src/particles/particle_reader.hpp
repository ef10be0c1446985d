#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "particles/plan.hpp"
#include "particles/row_source.hpp"
#include "tessera/device/tasks.hpp"

namespace tessera {
class Communicator;
}

namespace tessera::particles {

/// Rows of one chunk as stored, not yet scaled.
struct Block {
    std::string where; ///< "file.hdf5:/PartType4", for messages
    const TablePlan* table = nullptr;
    std::int64_t first = 0; ///< global row of the block's first row
    std::int64_t n_row = 0;
    std::vector<StoredValues> fields; ///< [field][row · columns], at least n_row rows; empty where the input has none

    bool has(std::size_t field) const { return field < table->fields.size() && table->fields[field].present(); }
    /// Value in our unit.
    double at(std::size_t field, std::int64_t row, std::int64_t column = 0) const {
        const FieldPlan& plan = table->fields[field];
        const auto i = static_cast<std::size_t>(row * plan.columns + column);
        return std::visit([i](const auto& values) { return static_cast<double>(values[i]); }, fields[field]) *
               plan.factor;
    }
    /// "file.hdf5:/PartType4/Masses, row 17"
    std::string place(std::size_t field, std::int64_t row) const;
};

/// What is done with the blocks. Both are called on the thread that reads.
class BlockWork {
public:
    virtual ~BlockWork() = default;
    /// Starts the work on a block, which stays as it is until `finish`. May throw, as `finish`.
    virtual void start(const Block& block, device::Tasks& tasks) = 0;
    /// When the tasks are done, before the next start. Throws the error of the first row of the block that has one.
    virtual void finish() = 0;
};

/// Reads rows of the table in blocks, all ranks together, and hands each to `work`, in the order of the
/// rows: while the threads work on one block this one reads the next, never more than that. Where work throws, all ranks throw the error of
/// the first row in the order of the file. Each rank opens those chunk files that have rows of its own; memory is two blocks.
/// @param all   rows that the ranks read together, ascending and apart; the same on every rank
/// @param mine  this rank's of them, ascending and apart; higher ranks have later rows
void read_blocks(const TablePlan& table, std::span<const Range> all, std::span<const Range> mine,
                 const device::Host& where, Communicator& comm, std::int64_t block_rows, BlockWork& work,
                 RowSource& source);
/// The same of the selection [begin, end), each rank its share.
void read_blocks(const TablePlan& table, const device::Host& where, Communicator& comm, std::int64_t block_rows,
                 BlockWork& work, RowSource& source);

} // namespace tessera::particles
