// The 32-bit ones'-complement sums of FITS's DATASUM and CHECKSUM (FITS standard 4.0, appendix J). Such sums add up: each rank sums
// what it writes, and the sum of these is that of the file. Data units begin at multiples of 2880 bytes and pixels have 4 or 8, so
// that no pixel straddles two words in one part and not in another.
#pragma once

#include <cstdint>
#include <string>

namespace tessera::io {

/// Carries added back. 0 only where every word was 0, so that parts give the same sum however the data was cut.
std::uint32_t folded(std::uint64_t sum);

/// Sum of the big-endian words of a header or table, a multiple of 4 bytes long.
std::uint64_t sum_of_words(const std::string& bytes);

/// The bytes of `n` numbers in the order of FITS, and the sum of their words, not folded: at most 2^32 words a call.
/// @param size  bytes of a number: 4 or 8
/// @param out   room for n * size bytes
std::uint64_t to_big_endian(const void* values, std::int64_t n, std::int64_t size, void* out);

/// Fills in the keywords DATASUM (10 characters) and CHECKSUM (16) of a header that has both.
/// @param data_sum  folded
void set_checksums(std::string& header, std::uint32_t data_sum);

} // namespace tessera::io
