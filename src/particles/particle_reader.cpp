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

/// Room for a block of every field, before the collective calls: a rank short of memory must not leave them half-way.
Block make_block(const TablePlan& table, std::int64_t n_row) {
    Block block{.where = {}, .table = &table, .first = 0, .n_row = 0, .fields = {}};
    for (const FieldPlan& field : table.fields) {
        block.fields.emplace_back();
        if (field.present()) { block.fields.back().reserve(static_cast<std::size_t>(n_row * field.columns)); }
    }
    return block;
}

/// Reads one block of each field. Every rank makes every call whatever fails: a rank that left would stop the others.
void read_fields(const OpenChunk& open, std::int64_t first, Block& block, std::optional<Error>& failure) {
    for (std::size_t i = 0; i < open.datasets.size(); ++i) {
        if (!open.datasets[i]) { continue; }
        auto& values = block.fields[i];
        values.resize(static_cast<std::size_t>(block.n_row * block.table->fields[i].columns));
        try {
            open.datasets[i]->read_rows<double>(first, block.n_row, values);
        } catch (const Error& error) {
            if (!failure) { failure = error; }
        }
    }
}

/// This rank's part of one chunk, block by block; what fails is returned.
std::optional<Error> read_chunk(const Chunk& chunk, Communicator& comm, std::int64_t block_rows, Block& block,
                                const std::function<void(const Block&)>& consume) {
    const TablePlan& table = *block.table;
    const OpenChunk open = open_chunk(table, chunk, comm);
    block.where = open.where;
    Range part =
        share(table.begin, table.end, comm.rank(), comm.size()).overlap(chunk.first, chunk.first + chunk.n_row);
    if (part.size() == 0) { part = {chunk.first, chunk.first}; }
    const std::int64_t longest = longest_share(table, chunk, comm.size());
    std::optional<Error> failure;
    for (std::int64_t done = 0; done < longest; done += block_rows) {
        block.first = std::min(part.begin + done, part.end);
        block.n_row = std::min(block_rows, part.end - block.first);
        read_fields(open, block.first - chunk.first, block, failure);
        if (failure || block.n_row == 0) { continue; }
        try {
            consume(block);
        } catch (const Error& error) { failure = error; } catch (const std::bad_alloc&) {
            failure = Error({.kind = Kind::resource,
                             .where = open.where,
                             .found = "no memory left",
                             .expected = fmt::format("room for the particles of {} rows", part.size()),
                             .cure = "use more ranks or a smaller selection"});
        }
    }
    return failure;
}

} // namespace

std::string Block::place(std::size_t field, std::int64_t row) const {
    return fmt::format("{}/{}, row {}", where, table->fields[field].dataset, first + row);
}

void read_blocks(const TablePlan& table, Communicator& comm, std::int64_t block_rows,
                 const std::function<void(const Block&)>& consume) {
    Block block;
    agree(comm, [&] {
        const std::int64_t longest = share(table.begin, table.end, comm.rank(), comm.size()).size();
        block = make_block(table, std::min(block_rows, longest));
    });
    for (const Chunk& chunk : table.selected_chunks()) {
        const std::optional<Error> failure = read_chunk(chunk, comm, block_rows, block, consume);
        // Lower ranks hold earlier rows, so the error of the lowest rank is the first in the file.
        agree(comm, [&] {
            if (failure) { throw *failure; }
        });
    }
}

} // namespace tessera::particles
