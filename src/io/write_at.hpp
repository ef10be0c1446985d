#pragma once

#include <cstdint>
#include <string>

namespace tessera::io {

/// Writes `n` bytes at `offset` of an open file, in as many calls as the system wants.
/// @param where  "cube.h5:/flux", for the message
/// @throws Error(Kind::resource)  with the system's reason
void write_at(int descriptor, const void* bytes, std::int64_t n, std::int64_t offset, const std::string& where);

/// Opens a file that exists, for writing alone: some clients of network file systems else read what surrounds a part before they
/// change it. @throws Error(Kind::resource)
int open_to_write(const std::string& path);

/// Brings what was written through a descriptor to the disk: on network file systems this is where a full disk shows, to the rank
/// whose data has no room. @throws Error(Kind::resource)
void bring_to_disk(int descriptor, const std::string& where);

/// Throws Kind::resource with the system's reason. @param doing  "writing it", …
[[noreturn]] void throw_disk_failure(const std::string& where, const char* doing, int reason);

} // namespace tessera::io
