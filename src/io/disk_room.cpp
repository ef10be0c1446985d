#include "io/disk_room.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace tessera::io {

int reserve_room(const std::string& path, std::int64_t from, std::int64_t to) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) { return errno; }
    int failure = 0;
    do { failure = ::fallocate(descriptor, 0, from, to - from) == 0 ? 0 : errno; } while (failure == EINTR);
    if (failure == EOPNOTSUPP || failure == ENOSYS || failure == EINVAL) {
        // A file system that reserves nothing: at least the room must be there now.
        struct statvfs disk{};
        const bool known = ::fstatvfs(descriptor, &disk) == 0;
        failure = known && static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize) <
                               static_cast<double>(to - from)
                      ? ENOSPC
                      : 0;
    }
    ::close(descriptor);
    return failure;
}

} // namespace tessera::io
