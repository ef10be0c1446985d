#include "particles/particle_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {
namespace {

/// An open chunk: the datasets of the table's fields.
struct OpenChunk {
    std::string where;
    std::vector<std::optional<io::Hdf5Dataset>> datasets;
};

OpenChunk open_chunk(const TablePlan& table, const Chunk& chunk, Communicator& comm) {
    const io::Hdf5Group file = io::Hdf5File::open(chunk.path, &comm);
    OpenChunk open;
    agree(comm, [&] {
        if (comm.is_root() && chunk.stamp) { io::expect_same(chunk.path, *chunk.stamp); } // who counted its rows
        const io::Hdf5Group group = file.group(table.group);
        open.where = group.where();
        for (const FieldPlan& field : table.fields) {
            open.datasets.push_back(field.present() ? std::optional(group.dataset(field.dataset)) : std::nullopt);
        }
    });
    return open;
}

/// Most rows that any rank reads of the chunk: all ranks take part in as many transfers as that one needs.
std::int64_t longest_share(const TablePlan& table, const Chunk& chunk, int n_rank) {
    std::int64_t longest = 0;
    for (int r = 0; r < n_rank; ++r) {
        longest = std::max(
            longest, share(table.begin, table.end, r, n_rank).overlap(chunk.first, chunk.first + chunk.n_row).size());
    }
    return longest;
}

/// Room for a block of every field, as this chunk stores it.
void make_room(const OpenChunk& open, std::int64_t n_row, Block& block) {
    block.fields.resize(open.datasets.size());
    for (std::size_t i = 0; i < open.datasets.size(); ++i) {
        if (!open.datasets[i]) { continue; }
        const bool floats = open.datasets[i]->number_type() == io::NumberType::float32;
        if (floats != std::holds_alternative<std::vector<float>>(block.fields[i])) {
            block.fields[i] = floats ? Block::Values(std::vector<float>()) : Block::Values(std::vector<double>());
        }
        const auto n = static_cast<std::size_t>(n_row * block.table->fields[i].columns);
        std::visit([n](auto& values) { values.resize(std::max(n, values.size())); }, block.fields[i]);
    }
}

/// Reads this rank's part of the chunk files, block by block, with two blocks in turn.
class Reader {
public:
    Reader(const TablePlan& table, const device::Host& where, Communicator& comm, std::int64_t block_rows,
           BlockWork& work, device::Tasks& tasks)
        : table_(table), where_(where), comm_(comm), block_rows_(block_rows), work_(work), tasks_(tasks) {
        for (Block& block : blocks_) { block.table = &table; }
    }

    /// What fails is returned.
    std::optional<Error> read(const Chunk& chunk) {
        const OpenChunk open = open_chunk(table_, chunk, comm_);
        Range part =
            share(table_.begin, table_.end, comm_.rank(), comm_.size()).overlap(chunk.first, chunk.first + chunk.n_row);
        if (part.size() == 0) { part = {chunk.first, chunk.first}; }
        const std::int64_t longest = longest_share(table_, chunk, comm_.size());
        // Before the first block: a rank short of memory must not leave the others half-way.
        agree(comm_, [&] {
            for (Block& block : blocks_) {
                block.where = open.where;
                make_room(open, std::min(block_rows_, part.size()), block);
            }
        });
        n_row_ = part.size();
        failure_.reset();
        for (std::int64_t done = 0; done < longest; done += block_rows_) {
            Block& block = blocks_[next_];
            next_ = 1 - next_;
            block.first = std::min(part.begin + done, part.end);
            block.n_row = std::min(block_rows_, part.end - block.first);
            read_fields(open, block.first - chunk.first, block);
            finish();
            if (failure_ || block.n_row == 0) { continue; }
            guarded([&] { work_.start(block, tasks_); });
            started_ = true;
        }
        finish();
        return failure_;
    }

private:
    /// Every rank makes every call whatever fails: a rank that left would stop the others.
    void read_fields(const OpenChunk& open, std::int64_t first, Block& block) {
        for (std::size_t i = 0; i < open.datasets.size(); ++i) {
            if (!open.datasets[i]) { continue; }
            const auto n = static_cast<std::size_t>(block.n_row * table_.fields[i].columns);
            try {
                std::visit(
                    [&]<class T>(std::vector<T>& values) {
                        open.datasets[i]->read_rows<T>(first, block.n_row, std::span<T>(values).first(n), where_);
                    },
                    block.fields[i]);
            } catch (const Error& error) {
                // The rows of the block before come first in the file, and so does an error of theirs.
                finish();
                if (!failure_) { failure_ = error; }
            }
        }
    }

    /// The end of the work on the last block.
    void finish() {
        tasks_.wait();
        if (!started_) { return; }
        started_ = false;
        if (!failure_) {
            guarded([&] { work_.finish(); });
        }
    }

    template <class Call>
    void guarded(Call&& call) {
        try {
            call();
        } catch (const Error& error) { failure_ = error; } catch (const std::bad_alloc&) {
            failure_ = Error({.kind = Kind::resource,
                              .where = blocks_[0].where,
                              .found = "no memory left",
                              .expected = fmt::format("room for the particles of {} rows", n_row_),
                              .cure = "use more ranks or a smaller selection"});
        }
    }

    const TablePlan& table_;
    device::Host where_;
    Communicator& comm_;
    std::int64_t block_rows_;
    BlockWork& work_;
    device::Tasks& tasks_;
    std::array<Block, 2> blocks_; ///< one is read while the threads work on the other
    std::size_t next_ = 0;
    std::int64_t n_row_ = 0; ///< of this rank in the chunk
    bool started_ = false;   ///< work on a block has begun and is not finished
    std::optional<Error> failure_;
};

} // namespace

std::string Block::place(std::size_t field, std::int64_t row) const {
    return fmt::format("{}/{}, row {}", where, table->fields[field].dataset, first + row);
}

void read_blocks(const TablePlan& table, const device::Host& where, Communicator& comm, std::int64_t block_rows,
                 BlockWork& work) {
    device::with_tasks(where, [&](device::Tasks& tasks) {
        Reader reader(table, where, comm, block_rows, work, tasks);
        for (const Chunk& chunk : table.selected_chunks()) {
            const std::optional<Error> failure = reader.read(chunk);
            // Lower ranks hold earlier rows, so the error of the lowest rank is the first in the file.
            agree(comm, [&] {
                if (failure) { throw *failure; }
            });
        }
    });
}

} // namespace tessera::particles
