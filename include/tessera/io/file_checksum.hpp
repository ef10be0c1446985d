#pragma once

#include <cstdint>
#include <string>

namespace tessera::io {

/// PlacedHash of a file's bytes, which is read through. @throws Error(Kind::data)  unreadable
std::uint64_t file_checksum(const std::string& path);

} // namespace tessera::io
