#include "tessera/io/file_checksum.hpp"

#include <fstream>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/placed_hash.hpp"

namespace tessera::io {

std::uint64_t file_checksum(const std::string& path) {
    std::ifstream file;
    std::vector<char> block(std::size_t{1} << 20);
    file.rdbuf()->pubsetbuf(nullptr, 0); // blocks this large need no buffer on their way
    file.open(path, std::ios::binary);
    PlacedHash hash;
    std::int64_t size = 0;
    while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
        hash.add(size, block.data(), static_cast<std::size_t>(file.gcount()));
        size += file.gcount();
    }
    if (!file.is_open() || file.bad()) {
        throw Error({.kind = Kind::data, .where = path, .found = "no readable file", .expected = "a finished cube"});
    }
    return hash.hash(size);
}

} // namespace tessera::io
