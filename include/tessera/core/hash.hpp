#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tessera {

// Checksums of data for provenance: they tell whether two runs used the same, not whether somebody meddled.

/// @par Source  FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv
class Fnv1a {
public:
    void add_bytes(const void* data, std::size_t n) {
        const auto* bytes = static_cast<const unsigned char*>(data);
        for (std::size_t i = 0; i < n; ++i) { hash_ = (hash_ ^ bytes[i]) * 0x100000001b3ULL; }
    }
    std::uint64_t hash() const { return hash_; }

private:
    std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

/// Eight bytes a step, for what is large: a word is xored into the state, that multiplied by 2^64 / golden ratio (odd) and its
/// upper half xored into the lower. Each step is one to one, so that a change of a single word always shows.
class WordHash {
public:
    void add(std::uint64_t word) {
        state_ = (state_ ^ word) * 0x9e3779b97f4a7c15ULL;
        state_ ^= state_ >> 32U;
    }
    /// The number of bytes, then the bytes, the last word filled up with zeros.
    void add_bytes(const void* data, std::size_t n) {
        add(n);
        const auto* bytes = static_cast<const unsigned char*>(data);
        for (; n >= sizeof(std::uint64_t); n -= sizeof(std::uint64_t), bytes += sizeof(std::uint64_t)) {
            add(word_of(bytes, sizeof(std::uint64_t)));
        }
        if (n > 0) { add(word_of(bytes, n)); }
    }
    std::uint64_t hash() const {
        WordHash last = *this;
        last.add(0);
        last.add(0);
        return last.state_;
    }

private:
    static std::uint64_t word_of(const unsigned char* bytes, std::size_t n) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes, n);
        return word;
    }
    std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

} // namespace tessera
