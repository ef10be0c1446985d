#include "tessera/io/write_text.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/write_aside.hpp"

namespace tessera::io {

void write_text(const std::string& path, const std::string& content) {
    const auto alone = make_self_communicator();
    write_aside(path, *alone, [&](const std::string& temporary) {
        std::FILE* file = std::fopen(temporary.c_str(), "wb");
        int reason = file == nullptr ? errno : 0;
        if (file != nullptr) {
            if (std::fwrite(content.data(), 1, content.size(), file) != content.size()) { reason = errno; }
            if (std::fclose(file) != 0 && reason == 0) { reason = errno; }
        }
        if (reason == 0) { return; }
        throw Error({.kind = Kind::resource,
                     .where = path,
                     .found = std::strerror(reason),
                     .expected = "a place for it",
                     .cure = "free space on the disk, or choose another path"});
    });
}

} // namespace tessera::io
