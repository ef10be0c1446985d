#include "io/fits_checksum.hpp"

#include <array>
#include <bit>
#include <cstring>

#include <fitsio.h>
#include <fmt/format.h>

#include "core/cpu_clones.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io {

namespace {

static_assert(std::endian::native == std::endian::little, "FITS is written by swapping bytes");

constexpr std::size_t card_length = 80;
constexpr std::size_t text_begin = 11; ///< of a card: after "KEYWORD = '"

/// Puts text into the place that a keyword's value has.
void fill_in(std::string& header, const std::string& keyword, const std::string& text) {
    const std::string begin = fmt::format("{:<8}= '", keyword);
    for (std::size_t at = 0; at < header.size(); at += card_length) {
        if (header.compare(at, begin.size(), begin) == 0) {
            header.replace(at + text_begin, text.size(), text);
            return;
        }
    }
    throw Error({.where = "a FITS header", .found = "no keyword " + keyword});
}

TESSERA_CPU_CLONES
std::uint64_t swap_words(const char* from, std::int64_t n, char* to) {
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        std::uint32_t value = 0;
        std::memcpy(&value, from + 4 * i, 4);
        sum += value;
        value = __builtin_bswap32(value);
        std::memcpy(to + 4 * i, &value, 4);
    }
    return sum;
}

TESSERA_CPU_CLONES
std::uint64_t swap_pairs(const char* from, std::int64_t n, char* to) {
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        std::uint64_t value = 0;
        std::memcpy(&value, from + 8 * i, 8);
        sum += (value >> 32U) + (value & 0xFFFFFFFFU);
        value = __builtin_bswap64(value);
        std::memcpy(to + 8 * i, &value, 8);
    }
    return sum;
}

} // namespace

std::uint32_t folded(std::uint64_t sum) {
    while (sum >> 32U != 0) { sum = (sum & 0xFFFFFFFFU) + (sum >> 32U); }
    return static_cast<std::uint32_t>(sum);
}

std::uint64_t sum_of_words(const std::string& bytes) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
        std::uint32_t word = 0;
        for (std::size_t k = 0; k < 4; ++k) { word = word << 8U | static_cast<unsigned char>(bytes[i + k]); }
        sum += word;
    }
    return sum;
}

std::uint64_t to_big_endian(const void* values, std::int64_t n, std::int64_t size, void* out) {
    const char* const from = static_cast<const char*>(values);
    char* const to = static_cast<char*>(out);
    return size == 4 ? swap_words(from, n, to) : swap_pairs(from, n, to);
}

void set_checksums(std::string& header, std::uint32_t data_sum) {
    fill_in(header, "DATASUM", fmt::format("{:<10}", data_sum));
    fill_in(header, "CHECKSUM", std::string(16, '0'));
    std::array<char, 17> text{};
    fits_encode_chksum(folded(sum_of_words(header) + data_sum), 1, text.data());
    fill_in(header, "CHECKSUM", text.data());
}

} // namespace tessera::io
