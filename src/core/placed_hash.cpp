#include "tessera/core/placed_hash.hpp"

#include <algorithm>
#include <cstring>

#include "core/cpu_clones.hpp"
#include "tessera/core/hash.hpp"

namespace tessera {

namespace {

constexpr std::int64_t word_bytes = 8;

/// One to one in the word; then zero becomes zero.
/// @par Source  the rounds are splitmix64's (Steele, Lea & Flood 2014, OOPSLA, section 5), the place is added as its counter is
inline std::uint64_t term(std::uint64_t word, std::uint64_t place) {
    std::uint64_t x = word ^ (place * 0x9e3779b97f4a7c15ULL);
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
    x ^= x >> 31U;
    return word != 0 ? x : 0;
}

/// Sum of the terms of whole words, the first of which has this place.
TESSERA_CPU_CLONES
std::uint64_t sum_of(const unsigned char* bytes, std::int64_t n_word, std::uint64_t place) {
    constexpr std::int64_t lanes = 32;
    std::uint64_t sum[lanes] = {};
    std::int64_t i = 0;
    for (; i + lanes <= n_word; i += lanes) {
        std::uint64_t word[lanes];
        std::memcpy(word, bytes + i * word_bytes, sizeof(word));
        for (std::int64_t k = 0; k < lanes; ++k) { sum[k] += term(word[k], place + static_cast<std::uint64_t>(i + k)); }
    }
    std::uint64_t total = 0;
    for (; i < n_word; ++i) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes + i * word_bytes, sizeof(word));
        total += term(word, place + static_cast<std::uint64_t>(i));
    }
    for (const std::uint64_t one : sum) { total += one; }
    return total;
}

} // namespace

void PlacedHash::add(std::int64_t at, const void* data, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    auto n = static_cast<std::int64_t>(size);
    const auto add_part = [&](std::int64_t count) {
        std::uint64_t word = 0;
        std::memcpy(reinterpret_cast<unsigned char*>(&word) + at % word_bytes, bytes, static_cast<std::size_t>(count));
        parts_[at / word_bytes] |= word;
        at += count;
        bytes += count;
        n -= count;
    };
    if (at % word_bytes != 0 && n > 0) { add_part(std::min(n, word_bytes - at % word_bytes)); }
    const std::int64_t n_word = n / word_bytes;
    sum_ += sum_of(bytes, n_word, static_cast<std::uint64_t>(at / word_bytes));
    at += n_word * word_bytes;
    bytes += n_word * word_bytes;
    n -= n_word * word_bytes;
    if (n > 0) { add_part(n); }
}

std::uint64_t PlacedHash::hash(std::int64_t size) const {
    std::uint64_t total = sum_;
    for (const auto& [place, word] : parts_) { total += term(word, static_cast<std::uint64_t>(place)); }
    WordHash last;
    last.add(total);
    last.add(static_cast<std::uint64_t>(size));
    return last.hash();
}

} // namespace tessera
