#include "io/writable.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "tessera/core/error.hpp"

namespace tessera::io {

void try_to_create(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        throw Error({.kind = Kind::resource,
                     .where = path,
                     .found = fmt::format("it cannot be written ({})", std::strerror(errno)),
                     .expected = "a path in a folder that exists and can be written",
                     .cure = "make the folder, change its rights, or choose another output path"});
    }
    ::close(descriptor);
}

} // namespace tessera::io
