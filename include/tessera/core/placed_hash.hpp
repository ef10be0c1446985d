#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace tessera {

/// A checksum of a file whose parts come in any order, each once: the sum over its words of eight bytes of a number that is made of the word
/// and of its place. A word of zeros counts nothing, so that holes need not be looked at. It tells whether two files are the same, not whether
/// somebody meddled: a change of a single word shows (but for one value in 2^64), as do words that change places.
class PlacedHash {
public:
    /// @param at  place of the first byte in the file
    void add(std::int64_t at, const void* bytes, std::size_t n);
    /// @param size  of the file, bytes
    std::uint64_t hash(std::int64_t size) const;

private:
    std::uint64_t sum_ = 0;
    std::map<std::int64_t, std::uint64_t> parts_; ///< of words that have come in part, by word
};

} // namespace tessera
