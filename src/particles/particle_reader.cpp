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
    Reader(const TablePlan& table, std::span<const Range> mine, const device::Host& where, std::int64_t block_rows,
           BlockWork& work, device::Tasks& tasks, RowSource& source)
        : table_(table), mine_(mine), where_(where), block_rows_(block_rows), work_(work), tasks_(tasks),
          source_(source) {
        for (Block& block : blocks_) { block.table = &table; }
    }

    /// What fails is returned. No communication: a rank without rows in the chunk has nothing to do with it.
    std::optional<Error> read(const Chunk& chunk) {
        failure_.reset();
        std::vector<Range> parts;
        n_row_ = 0;
        for (const Range& range : mine_) {
            const Range part = range.overlap(chunk.first, chunk.first + chunk.n_row);
            if (part.size() == 0) { continue; }
            parts.push_back(part);
            n_row_ += part.size();
        }
        if (parts.empty()) { return failure_; }
        const auto longest = std::max_element(parts.begin(), parts.end(),
                                              [](const Range& a, const Range& b) { return a.size() < b.size(); });
        const std::int64_t room = std::min(block_rows_, longest->size());
        RowSource::OpenChunk open;
        guarded([&] {
            open = source_.open(table_, chunk);
            for (Block& block : blocks_) {
                block.where = open.where;
                block.fields.resize(open.datasets.size());
                for (std::size_t i = 0; i < open.datasets.size(); ++i) {
                    if (!open.datasets[i]) { continue; }
                    make_room(*open.datasets[i], room * table_.fields[i].columns, block.fields[i]);
                }
            }
        });
        if (failure_) { return failure_; }
        for (const Range& part : parts) { read_part(chunk, open, part); }
        finish();
        return failure_;
    }

private:
    void read_part(const Chunk& chunk, const RowSource::OpenChunk& open, const Range& part) {
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
    }

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
    std::span<const Range> mine_;
    device::Host where_;
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

void read_blocks(const TablePlan& table, std::span<const Range> all, std::span<const Range> mine,
                 const device::Host& where, Communicator& comm, std::int64_t block_rows, BlockWork& work,
                 RowSource& source) {
    device::with_tasks(where, [&](device::Tasks& tasks) {
        Reader reader(table, mine, where, block_rows, work, tasks, source);
        for (const Chunk& chunk : table.chunks_of(all)) {
            const std::optional<Error> failure = reader.read(chunk);
            // Lower ranks hold earlier rows, so the error of the lowest rank is the first in the file.
            agree(comm, [&] {
                if (failure) { throw *failure; }
            });
        }
    });
}

void read_blocks(const TablePlan& table, const device::Host& where, Communicator& comm, std::int64_t block_rows,
                 BlockWork& work, RowSource& source) {
    const Range all{table.begin, table.end}, mine = share(table.begin, table.end, comm.rank(), comm.size());
    read_blocks(table, {&all, 1}, {&mine, 1}, where, comm, block_rows, work, source);
}

} // namespace tessera::particles
