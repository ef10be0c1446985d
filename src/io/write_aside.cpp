#include "tessera/io/write_aside.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/termination.hpp"

namespace tessera::io {

namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

[[noreturn]] void refuse(const fs::path& path, const std::string& found) {
    throw Error({.kind = Kind::resource,
                 .where = path.string(),
                 .found = found,
                 .expected = "a path in a folder that exists and can be written",
                 .cure = "make the folder, change its rights, or choose another output path"});
}

void expect_writable(const fs::path& path, Aside what) {
    std::error_code ignored;
    const fs::path folder = folder_of(path);
    if (!fs::exists(folder, ignored)) { refuse(path, fmt::format("no folder '{}'", folder.string())); }
    if (!fs::is_directory(folder, ignored)) {
        refuse(path, fmt::format("'{}', which is not a folder", folder.string()));
    }
    const bool is_folder = fs::is_directory(path, ignored);
    if (what == Aside::file && is_folder) { refuse(path, "a folder of that name"); }
    if (what == Aside::folder && !is_folder && fs::exists(path, ignored)) { refuse(path, "a file of that name"); }
    if (::access(folder.c_str(), W_OK | X_OK) != 0) {
        refuse(path, fmt::format("the folder '{}' cannot be written ({})", folder.string(), std::strerror(errno)));
    }
}

/// fsync of a file or folder. @return 0 or the errno
int sync(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) { return errno; }
    const int failure = ::fsync(descriptor) == 0 ? 0 : errno;
    ::close(descriptor);
    return failure == EINVAL || failure == ENOTSUP ? 0 : failure; // file systems without fsync of folders
}

void give_name(const fs::path& temporary, const fs::path& path) {
    const auto fail = [&](const char* doing, int reason) {
        throw Error({.kind = Kind::resource,
                     .where = path.string(),
                     .found = fmt::format("a failure when {}: {}", doing, std::strerror(reason)),
                     .expected = "a file that reaches the disk",
                     .cure = "check the free space, the quota and the rights of the folder"});
    };
    if (const int reason = sync(temporary)) { fail("bringing it to the disk", reason); }
    std::error_code failure;
    if (fs::is_directory(path, failure)) {
        fs::remove_all(path, failure);
    } // renaming replaces files and empty folders alone
    if (failure && failure != std::errc::no_such_file_or_directory) { fail("replacing it", failure.value()); }
    if (std::rename(temporary.c_str(), path.c_str()) != 0) { fail("renaming it", errno); }
    sync(folder_of(path)); // the name is there already; a power cut may only bring the old file back
}

} // namespace

void check_output_path(const std::string& path, Communicator& comm, Aside what) {
    agree(comm, [&] {
        if (comm.is_root()) { expect_writable(path, what); }
    });
}

void write_aside(const std::string& path, Communicator& comm, const std::function<void(const std::string&)>& write,
                 Aside what) {
    const fs::path target = path;
    const fs::path temporary = folder_of(target) / ("." + target.filename().string() + ".partial");
    const UnfinishedFile unfinished(temporary.string()); // known to every rank: any of them may be the one that is left
    agree(comm, [&] {
        if (!comm.is_root()) { return; }
        expect_writable(target, what);
        std::error_code ignored;
        if (what == Aside::folder) { fs::remove_all(temporary, ignored); } // of a job that was killed
    });
    try {
        write(temporary.string());
        agree(comm, [&] {
            if (comm.is_root()) { give_name(temporary, target); }
        });
    } catch (...) {
        std::error_code ignored;
        if (comm.is_root()) { fs::remove_all(temporary, ignored); }
        throw;
    }
}

} // namespace tessera::io
