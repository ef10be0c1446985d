#include "particles/particle_reader.hpp"

#include <algorithm>
#include <optional>

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
    const io::Hdf5Group group = io::Hdf5File::open(chunk.path, &comm).group(table.group);
    OpenChunk open{.where = group.where(), .datasets = {}};
    for (const FieldPlan& field : table.fields) {
        open.datasets.push_back(field.present() ? std::optional(group.dataset(field.dataset)) : std::nullopt);
    }
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

/// Reads one block of each field. Every rank makes every call whatever fails: a rank that left would stop the others.
void read_fields(const OpenChunk& open, std::int64_t first, std::int64_t n, Block& block,
                 std::optional<Error>& failure) {
    for (std::size_t i = 0; i < open.datasets.size(); ++i) {
        if (!open.datasets[i]) { continue; }
        auto& values = block.fields[i];
        values.resize(static_cast<std::size_t>(n * block.table->fields[i].columns));
        try {
            open.datasets[i]->read_rows<double>(first, n, values);
        } catch (const Error& error) {
            if (!failure) { failure = error; }
        }
    }
}

} // namespace

std::string Block::place(std::size_t field, std::int64_t row) const {
    return fmt::format("{}/{}, row {}", where, table->fields[field].dataset, first + row);
}

void read_blocks(const TablePlan& table, Communicator& comm, std::int64_t block_rows,
                 const std::function<void(const Block&)>& consume) {
    const Range mine = share(table.begin, table.end, comm.rank(), comm.size());
    for (const Chunk& chunk : table.selected_chunks()) {
        std::optional<Error> failure;
        {
            const OpenChunk open = open_chunk(table, chunk, comm);
            Range part = mine.overlap(chunk.first, chunk.first + chunk.n_row);
            if (part.size() == 0) { part = {chunk.first, chunk.first}; }
            const std::int64_t longest = longest_share(table, chunk, comm.size());
            Block block{.where = open.where, .table = &table, .first = 0, .n_row = 0, .fields = {}};
            block.fields.resize(table.fields.size());
            for (std::int64_t done = 0; done < longest; done += block_rows) {
                block.first = std::min(part.begin + done, part.end);
                block.n_row = std::min(block_rows, part.end - block.first);
                read_fields(open, block.first - chunk.first, block.n_row, block, failure);
                if (failure || block.n_row == 0) { continue; }
                try {
                    consume(block);
                } catch (const Error& error) { failure = error; } catch (const std::bad_alloc&) {
                    failure = Error({.kind = Kind::resource,
                                     .where = open.where,
                                     .found = "no memory left",
                                     .expected = fmt::format("room for the particles of {} rows", mine.size()),
                                     .cure = "use more ranks or a smaller selection"});
                }
            }
        }
        // Lower ranks hold earlier rows, so the error of the lowest rank is the first in the file.
        agree(comm, [&] {
            if (failure) { throw *failure; }
        });
    }
}

} // namespace tessera::particles
