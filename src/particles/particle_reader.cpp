#include "particles/particle_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"

namespace tessera::particles {
namespace {

/// Reads this rank's part of the chunk files, block by block, with two blocks in turn.
class Reader {
public:
    Reader(const TablePlan& table, const device::Host& where, Communicator& comm, std::int64_t block_rows,
           BlockWork& work, device::Tasks& tasks, RowSource& source)
        : table_(table), where_(where), comm_(comm), block_rows_(block_rows), work_(work), tasks_(tasks),
          source_(source) {
        for (Block& block : blocks_) { block.table = &table; }
    }

    /// What fails is returned. No communication: a rank without rows in the chunk has nothing to do with it.
    std::optional<Error> read(const Chunk& chunk) {
        const Range part =
            share(table_.begin, table_.end, comm_.rank(), comm_.size()).overlap(chunk.first, chunk.first + chunk.n_row);
        failure_.reset();
        if (part.size() == 0) { return failure_; }
        RowSource::OpenChunk open;
        guarded([&] {
            open = source_.open(table_, chunk);
            for (Block& block : blocks_) {
                block.where = open.where;
                block.fields.resize(open.datasets.size());
                for (std::size_t i = 0; i < open.datasets.size(); ++i) {
                    if (!open.datasets[i]) { continue; }
                    const std::int64_t n = std::min(block_rows_, part.size());
                    make_room(*open.datasets[i], n * table_.fields[i].columns, block.fields[i]);
                }
            }
        });
        if (failure_) { return failure_; }
        n_row_ = part.size();
        for (std::int64_t done = 0; done < part.size() && !failure_; done += block_rows_) {
            Block& block = blocks_[next_];
            next_ = 1 - next_;
            block.first = part.begin + done;
            block.n_row = std::min(block_rows_, part.end - block.first);
            read_fields(chunk, open, block.first - chunk.first, block);
            finish();
            if (failure_) { break; }
            guarded([&] { work_.start(block, tasks_); });
            started_ = true;
        }
        finish();
        return failure_;
    }

private:
    void read_fields(const Chunk& chunk, const RowSource::OpenChunk& open, std::int64_t first, Block& block) {
        for (std::size_t i = 0; i < open.datasets.size(); ++i) {
            if (!open.datasets[i]) { continue; }
            try {
                source_.read(table_, chunk, open, i, first, block.n_row, block.fields[i], where_);
            } catch (const Error& error) {
                // The rows of the block before come first in the file, and so does an error of theirs.
                finish();
                if (!failure_) { failure_ = error; }
                return;
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
    RowSource& source_;
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
                 BlockWork& work, RowSource& source) {
    device::with_tasks(where, [&](device::Tasks& tasks) {
        Reader reader(table, where, comm, block_rows, work, tasks, source);
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
