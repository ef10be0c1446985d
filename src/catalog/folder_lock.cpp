#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "catalog/journal.hpp"
#include "tessera/catalog/manifest.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/host_name.hpp"
#include "tessera/core/log.hpp"

namespace tessera {

namespace {

/// Whether the open file is still the one of that name: who held the lock before may have removed it.
bool same_file(int descriptor, const std::string& path) {
    struct stat open_file{};
    struct stat named{};
    return ::fstat(descriptor, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 &&
           open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

std::string holder_in(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line.empty() ? "a process that has not said its name" : line;
}

} // namespace

FolderLock::FolderLock(const std::string& folder) : path_((std::filesystem::path(folder) / "manifest.lock").string()) {
    for (;;) {
        descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (descriptor_ < 0) {
            throw Error({.kind = Kind::resource,
                         .where = path_,
                         .found = std::strerror(errno),
                         .expected = "a folder that can be written",
                         .cure = "check its rights, or choose another catalog.output"});
        }
        const catalog::Locked locked = catalog::try_to_lock(descriptor_);
        if (locked == catalog::Locked::by_another) {
            ::close(descriptor_);
            throw Error({.kind = Kind::config,
                         .where = folder,
                         .found = "another run at work on it: " + holder_in(path_),
                         .expected = "one run at a time",
                         .cure = "wait for it, or choose another catalog.output"});
        }
        if (locked == catalog::Locked::no_locks_here) {
            log::warning(fmt::format(
                "{}: this file system has no locks: a second run on the folder would not be noticed", folder));
        }
        if (same_file(descriptor_, path_)) { break; }
        ::close(descriptor_);
    }
    const std::string text = fmt::format("process {} on {}\n", ::getpid(), host_name());
    if (::ftruncate(descriptor_, 0) != 0 ||
        ::write(descriptor_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        log::detail(path_ + ": the name of this process could not be written"); // the lock holds all the same
    }
}

FolderLock::~FolderLock() {
    ::unlink(path_.c_str()); // while it is locked: nobody else can have taken it for theirs
    ::close(descriptor_);
}

} // namespace tessera
