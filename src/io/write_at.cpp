#include "io/write_at.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "tessera/core/error.hpp"

namespace tessera::io {

void throw_disk_failure(const std::string& where, const char* doing, int reason) {
    throw Error({.kind = Kind::resource,
                 .where = where,
                 .found = fmt::format("a failure when {}: {}", doing, std::strerror(reason)),
                 .expected = "a disk with room",
                 .cure = "check the free space and the quota of the disk"});
}

void write_at(int descriptor, const void* bytes, std::int64_t n, std::int64_t offset, const std::string& where) {
    const char* from = static_cast<const char*>(bytes);
    while (n > 0) {
        const ssize_t written = ::pwrite(descriptor, from, static_cast<std::size_t>(n), offset);
        if (written < 0 && errno == EINTR) { continue; }
        if (written <= 0) { throw_disk_failure(where, "writing it", written < 0 ? errno : ENOSPC); }
        from += written;
        n -= written;
        offset += written;
    }
}

int open_to_write(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) { throw_disk_failure(path, "opening it", errno); }
    return descriptor;
}

void bring_to_disk(int descriptor, const std::string& where) {
    if (::fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP) { return; } // some have no fsync
    throw_disk_failure(where, "bringing it to the disk", errno);
}

} // namespace tessera::io
