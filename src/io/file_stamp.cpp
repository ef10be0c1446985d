#include "tessera/io/file_stamp.hpp"

#include <cerrno>
#include <cstring>

#include <sys/stat.h>

#include <fmt/format.h>

#include "io/hdf5_handle.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io {

namespace {

FileStamp stamp(const struct stat& status) {
    return {status.st_dev, status.st_ino, status.st_size,
            status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
}

[[noreturn]] void throw_changed(const std::string& path, const FileStamp& now, const FileStamp& before) {
    throw Error({.kind = Kind::data,
                 .where = path,
                 .found = now.size != before.size ? fmt::format("{} bytes", now.size) : std::string("another content"),
                 .expected = fmt::format("the file of {} bytes that it was when this run began", before.size),
                 .cure = "somebody writes it: wait until it is complete, or work on a copy"});
}

} // namespace

FileStamp stamp_of(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) { return stamp(status); }
    throw Error({.kind = Kind::data,
                 .where = path,
                 .found = errno == ENOENT ? std::string("no such file") : std::string(std::strerror(errno)),
                 .expected = "an input file",
                 .cure = "check the path"});
}

void expect_same(const std::string& path, const FileStamp& before) {
    const FileStamp now = stamp_of(path);
    if (now != before) { throw_changed(path, now, before); }
}

void expect_unchanged(const Hdf5OpenFile& file) {
    if (file.writable) { return; }
    void* handle = nullptr;
    struct stat status{};
    if (H5Fget_vfd_handle(file.id.get(), H5P_DEFAULT, &handle) < 0 || handle == nullptr ||
        ::fstat(*static_cast<const int*>(handle), &status) != 0) {
        return;
    }
    const FileStamp now = stamp(status);
    if (now != file.stamp) { throw_changed(file.path, now, file.stamp); }
}

} // namespace tessera::io
