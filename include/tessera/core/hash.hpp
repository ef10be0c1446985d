#pragma once

#include <cstddef>
#include <cstdint>

namespace tessera {

/// Checksum of data for provenance: tells whether two runs used the same, not whether somebody meddled.
/// @par Source  FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv
class Fnv1a {
public:
    void add_bytes(const void* data, std::size_t n) {
        const auto* bytes = static_cast<const unsigned char*>(data);
        for (std::size_t i = 0; i < n; ++i) { add(bytes[i]); }
    }
    /// One step for 32 bits at once: not the published sequence, a quarter of its cost.
    void add_word(std::uint32_t word) { add(word); }
    std::uint64_t hash() const { return hash_; }

private:
    void add(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3ULL; }
    std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

} // namespace tessera
