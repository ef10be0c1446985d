#include "ssp/npz.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include "ssp/npy.hpp"
#include "tessera/core/error.hpp"

// Offsets and signatures: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.16 (its end),
// 4.5.3 (64-bit sizes).
namespace tessera::ssp {

static_assert(std::endian::native == std::endian::little, "zip and npy fields are copied as they stand");

namespace {

[[noreturn]] void damaged(const std::string& where, std::string found, std::string expected) {
    throw Error({.kind = Kind::data,
                 .where = where,
                 .found = std::move(found),
                 .expected = std::move(expected),
                 .cure = "the file is damaged or cut: fetch it again"});
}

std::string read_at(const std::string& path, std::uint64_t offset, std::uint64_t n) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw Error({.kind = Kind::data,
                     .where = path,
                     .found = "a file that cannot be opened",
                     .expected = "an .npz file",
                     .cure = "check the path and its permissions"});
    }
    file.seekg(0, std::ios::end);
    const auto size = static_cast<std::uint64_t>(file.tellg());
    if (offset > size || n > size - offset) {
        damaged(path, fmt::format("{} bytes", size), fmt::format("{} at least", offset + n));
    }
    std::string bytes(n, '\0');
    file.seekg(static_cast<std::streamoff>(offset));
    file.read(bytes.data(), static_cast<std::streamsize>(n));
    if (!file) { damaged(path, "a file that cannot be read to its end", "an .npz file"); }
    return bytes;
}

/// A little-endian number; past the end of `bytes` it is an error of the file.
template <class T>
T field(const std::string& bytes, std::size_t at, const std::string& path) {
    T value{};
    if (at + sizeof(T) > bytes.size()) { damaged(path, "a zip directory that ends early", "a whole one"); }
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    return value;
}

struct Directory {
    std::uint64_t offset = 0, size = 0, n = 0;
};

Directory find_directory(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const auto file_size = file ? static_cast<std::uint64_t>(file.tellg()) : 0;
    const std::uint64_t tail_size = std::min<std::uint64_t>(file_size, 22 + 65535);
    const std::string tail = read_at(path, file_size - tail_size, tail_size);
    const std::size_t end = tail.rfind("PK\x05\x06");
    if (end == std::string::npos) { damaged(path, "no zip directory at its end", "an .npz file"); }
    Directory directory{field<std::uint32_t>(tail, end + 16, path), field<std::uint32_t>(tail, end + 12, path),
                        field<std::uint16_t>(tail, end + 10, path)};
    const std::size_t locator = tail.rfind("PK\x06\x07", end);
    if (locator != std::string::npos && locator + 20 == end) {
        const std::string record = read_at(path, field<std::uint64_t>(tail, locator + 8, path), 56);
        directory = {field<std::uint64_t>(record, 48, path), field<std::uint64_t>(record, 40, path),
                     field<std::uint64_t>(record, 32, path)};
    }
    return directory;
}

std::string inflate_all(const std::string& packed, std::uint64_t size, const std::string& where) {
    // deflate packs at most 1032 to 1: a directory that claims more is damaged, and must not make us ask for the memory
    if (size / 1032 > packed.size() + 1) {
        damaged(where, fmt::format("{} bytes said to unpack to {}", packed.size(), size), "a possible size");
    }
    std::string out(size, '\0');
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) { damaged(where, "zlib cannot start", "a deflated member"); }
    std::size_t taken = 0, given = 0;
    int status = Z_OK;
    constexpr std::size_t most = 1u << 30; // zlib counts in 32 bits
    while (status == Z_OK) {
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + taken));
        stream.avail_in = static_cast<uInt>(std::min(most, packed.size() - taken));
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + given);
        stream.avail_out = static_cast<uInt>(std::min(most, out.size() - given));
        const uInt in = stream.avail_in, room = stream.avail_out;
        status = inflate(&stream, Z_NO_FLUSH);
        taken += in - stream.avail_in;
        given += room - stream.avail_out;
        if (status == Z_OK && in == stream.avail_in && room == stream.avail_out) { break; }
    }
    inflateEnd(&stream);
    if (status != Z_STREAM_END || given != out.size()) {
        damaged(where, fmt::format("{} bytes after unpacking", given), fmt::format("{}", out.size()));
    }
    return out;
}

} // namespace

Npz::Npz(std::string path) : path_(std::move(path)) {
    const Directory directory = find_directory(path_);
    const std::string bytes = read_at(path_, directory.offset, directory.size);
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < directory.n; ++i) {
        if (field<std::uint32_t>(bytes, at, path_) != 0x02014b50) {
            damaged(path_, "a broken zip directory", "an entry for each array");
        }
        Member member;
        member.method = field<std::uint16_t>(bytes, at + 10, path_);
        member.crc = field<std::uint32_t>(bytes, at + 16, path_);
        member.packed = field<std::uint32_t>(bytes, at + 20, path_);
        member.size = field<std::uint32_t>(bytes, at + 24, path_);
        member.header_at = field<std::uint32_t>(bytes, at + 42, path_);
        const std::size_t name_size = field<std::uint16_t>(bytes, at + 28, path_),
                          extra_size = field<std::uint16_t>(bytes, at + 30, path_);
        const std::size_t comment_size = field<std::uint16_t>(bytes, at + 32, path_);
        const std::size_t extra = at + 46 + name_size;
        if (extra + extra_size > bytes.size()) { damaged(path_, "a zip directory that ends early", "a whole one"); }
        member.name = bytes.substr(at + 46, name_size);
        for (std::size_t e = extra; e + 4 <= extra + extra_size; e += 4u + field<std::uint16_t>(bytes, e + 2, path_)) {
            if (field<std::uint16_t>(bytes, e, path_) != 1) { continue; }
            std::size_t wide = e + 4; // 64-bit values stand only for the fields that are all ones, in this order
            for (std::uint64_t* value : {&member.size, &member.packed, &member.header_at}) {
                if (*value != 0xffffffff) { continue; }
                *value = field<std::uint64_t>(bytes, wide, path_);
                wide += 8;
            }
        }
        if (member.name.ends_with(".npy")) { member.name.resize(member.name.size() - 4); }
        members_.push_back(member);
        at = extra + extra_size + comment_size;
    }
}

bool Npz::has(const std::string& name) const {
    return std::any_of(members_.begin(), members_.end(), [&](const Member& m) { return m.name == name; });
}

std::vector<std::string> Npz::names() const {
    std::vector<std::string> out;
    for (const Member& member : members_) { out.push_back(member.name); }
    return out;
}

std::string Npz::unpack(const Member& member) const {
    const std::string where = path_ + ":" + member.name;
    const std::string header = read_at(path_, member.header_at, 30);
    if (field<std::uint32_t>(header, 0, path_) != 0x04034b50) {
        damaged(where, "no local zip header", "one where the directory says");
    }
    const std::uint64_t data =
        member.header_at + 30 + field<std::uint16_t>(header, 26, path_) + field<std::uint16_t>(header, 28, path_);
    std::string bytes = read_at(path_, data, member.packed);
    if (member.method == 8) { bytes = inflate_all(bytes, member.size, where); }
    if (member.method != 8 && member.method != 0) {
        throw Error({.kind = Kind::data,
                     .where = where,
                     .found = fmt::format("zip method {}", member.method),
                     .expected = "stored (0) or deflated (8)",
                     .cure = "write the file with numpy.savez or savez_compressed"});
    }
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
    if (crc != member.crc) { damaged(where, fmt::format("CRC {:08x}", crc), fmt::format("{:08x}", member.crc)); }
    return bytes;
}

NpyArray Npz::read(const std::string& name) const {
    for (const Member& member : members_) {
        if (member.name == name) { return parse_npy(unpack(member), path_ + ":" + name); }
    }
    throw Error({.kind = Kind::data,
                 .where = path_ + ":" + name,
                 .found = fmt::format("no such array, only [{}]", fmt::join(names(), ", ")),
                 .expected = "an array of that name",
                 .cure = "this is no pPXF template file: see docs/ssp.md for the layouts that are read"});
}

} // namespace tessera::ssp
