#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "particles/chunk_files.hpp"
#include "particles/plan.hpp"
#include "particles/stored_rows.hpp"
#include "tessera/device/device.hpp"
#include "tessera/particles/snapshot.hpp"

namespace tessera::particles {

/// Rows of tables as this rank gets them: from its open chunk files, or from memory where they were read ahead. No communication.
class RowSource {
public:
    explicit RowSource(std::shared_ptr<ChunkFiles> files = std::make_shared<ChunkFiles>()) : files_(std::move(files)) {}

    ChunkFiles& files() { return *files_; }

    /// The chunk's table, with the datasets of all fields that there are; the file must be the one whose rows were counted.
    struct OpenChunk {
        std::string where; ///< "file.hdf5:/PartType4"
        std::vector<std::optional<io::Hdf5Dataset>> datasets;
    };
    /// @throws Error(Kind::data)
    OpenChunk open(const TablePlan& table, const Chunk& chunk);

    /// Rows [first, first + n) of the chunk's field `field` into `values`, which has room for them. @throws Error(Kind::data)
    void read(const TablePlan& table, const Chunk& chunk, const OpenChunk& open, std::size_t field, std::int64_t first,
              std::int64_t n, StoredValues& values, const device::Host& threads);

    /// Reads ahead what lies in `wanted` (global rows), in the order of the files and in few pieces: rows between two ranges are read as
    /// well, where they are few. What cannot be read is left to read(), whose error is that of the rows concerned.
    void read_ahead(const TablePlan& table, std::vector<Range> wanted, const device::Host& threads);
    /// Forgets what was read ahead.
    void forget() { ahead_.clear(); }

    SnapshotReads reads() const;

private:
    /// Rows of one chunk, read ahead.
    struct Piece {
        std::string group;
        Range rows; ///< global
        std::vector<StoredValues> fields;
    };
    const Piece* find(const TablePlan& table, std::size_t field, Range rows) const;
    void read_file(const io::Hdf5Dataset& dataset, const TablePlan& table, std::int64_t first, std::int64_t n,
                   StoredValues& values, const device::Host& threads);

    std::shared_ptr<ChunkFiles> files_;
    std::vector<Piece> ahead_; ///< by group, then row
    SnapshotReads reads_;
};

/// The pieces that `wanted` is read in: ascending, apart, with all of it and at most a twentieth more.
std::vector<Range> pieces_to_read(std::vector<Range> wanted);

} // namespace tessera::particles
