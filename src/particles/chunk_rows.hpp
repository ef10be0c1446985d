// How many rows of each type the chunks of an input have, those that cannot be read among them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "particles/input_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/file_stamp.hpp"

namespace tessera::particles {

/// What there is in the chunk files, by particle group ("PartType4").
struct ChunkContents {
    std::vector<std::string> files;
    std::vector<std::optional<io::FileStamp>> stamps = {}; ///< of them, when they were opened; none of those unreadable
    std::map<std::string, std::vector<std::int64_t>> rows; ///< [chunk], 0 where the group is absent
    std::shared_ptr<ChunkFiles> open = std::make_shared<ChunkFiles>();
    std::map<std::size_t, Error> unreadable = {}; ///< chunks that are missing or damaged, and why
    /// Readable chunks that hold fewer rows of a group than the header says: those at the end are lost.
    std::set<std::pair<std::string, std::size_t>> truncated = {};
    /// Where several chunks are unreadable and nothing tells how they share their rows: `rows` has those of all of them, and of readable
    /// ones between them, as the first one's. Why, by that one.
    std::map<std::pair<std::string, std::size_t>, Error> unplaced = {};

    /// Why the rows of a group in a chunk cannot be had; nullopt where they can.
    std::optional<Error> failure(const std::string& group, std::size_t chunk) const;
    /// Of the first chunk that can be read.
    io::Hdf5Group first_file() const;
};

/// The first rows of the chunks as another file has them: by group, [chunk].
using FirstRows = std::map<std::string, std::vector<std::int64_t>>;

/// Whether chunks may be missing or damaged: who needs their rows meets the error then.
struct Spare {
    bool chunks = false;
    FirstRows first_rows = {}; ///< where known
};

/// Counts the rows of the groups in every chunk by the datasets of coordinates. Rank 0 alone. When `header_counts`, the
/// header's NumPart_ThisFile and NumPart_Total are compared: the datasets win, with a warning; but where chunks are spared, one that
/// holds less than a header that agrees with all others is truncated.
/// @throws Error(Kind::data)  a chunk that cannot be read; where they are spared: all of them, or nothing tells how many rows they have
ChunkContents count_rows(const InputFiles& input, const std::vector<std::string>& groups,
                         const std::string& coordinates, bool header_counts, const Spare& spare = {});

} // namespace tessera::particles
