#pragma once

#include <cstdint>
#include <string>

namespace tessera::io {

/// What tells a file from what it was: where it lies, how long it is, when it was last written.
struct FileStamp {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size = 0, modified = 0; ///< bytes; ns since 1970

    bool operator==(const FileStamp&) const = default;
};

/// Of the file that has this name now. @throws Error(Kind::data)  none has, or it cannot be looked at
FileStamp stamp_of(const std::string& path);

/// Throws (Kind::data) where the file of this name is not the one that was looked at before.
void expect_same(const std::string& path, const FileStamp& before);

} // namespace tessera::io
