// The program with a fault planted in it: `tessera` as it is shipped, but for a main that listens to the regions of a run and a few
// calls of the system that pass through here first. TESSERA_FAULT says what happens, where, and on which rank:
//
//   AT:RANK:WHAT[:FILE]    AT    a region ("synthesis"), as it begins, or a call: fallocate, pread, pwrite, fsync, rename;
//                                "rename#2": the second time
//                          WHAT  a signal (KILL, TERM, INT, HUP, STOP); pause: stand still until a signal comes; or what befalls FILE:
//                                remove, truncate (to half), grow, touch; or this process: no-files (it can open no more),
//                                small-files (of 100 kB); or the call: ENOSPC, EIO, on
//                                FILE alone where one is named
//
// It happens once. The rank then leaves a file "reached" in the current folder, and every rank one of the name pid.RANK. What the
// handler of signals says is in said.RANK as well: Open MPI's launcher loses it now and then when a signal ends it.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "app/command.hpp"
#include "core/region_hooks.hpp"

namespace fs = std::filesystem;

namespace {

struct Fault {
    std::string at, what, file;
    int times = 1;     ///< that it is to be reached
    bool here = false; ///< on this rank, and not yet
};
Fault fault;
std::string said; ///< name of the file

std::string rank_text() {
    const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
    return rank == nullptr ? "0" : rank;
}

void read_fault() {
    const char* text = std::getenv("TESSERA_FAULT");
    if (text == nullptr) { return; }
    std::array<std::string, 4> parts;
    std::size_t part = 0;
    for (const char* c = text; *c != '\0'; ++c) {
        if (*c == ':' && part < 3) {
            ++part;
        } else {
            parts[part] += *c;
        }
    }
    const std::size_t mark = parts[0].find('#');
    fault = {parts[0].substr(0, mark), parts[2], parts[3],
             mark == std::string::npos ? 1 : std::atoi(parts[0].c_str() + mark + 1), parts[1] == rank_text()};
}

void limit(__rlimit_resource_t resource, rlim_t most) {
    const rlimit limits{most, most};
    ::setrlimit(resource, &limits);
}

/// @return  the errno that the call is to fail with; 0 where it goes on
int happen() {
    fault.here = false;
    std::ofstream("reached") << fault.at;
    const std::string& what = fault.what;
    if (what == "KILL") { ::raise(SIGKILL); }
    if (what == "TERM") { ::raise(SIGTERM); }
    if (what == "INT") { ::raise(SIGINT); }
    if (what == "HUP") { ::raise(SIGHUP); }
    if (what == "STOP") { ::raise(SIGSTOP); }
    if (what == "pause" || what == "STOP") { // the launcher lets a stopped rank go on before it ends it
        for (;;) { ::poll(nullptr, 0, 1000); }
    }
    if (what == "remove") { fs::remove(fault.file); }
    if (what == "truncate") { fs::resize_file(fault.file, fs::file_size(fault.file) / 2); }
    if (what == "grow") { fs::resize_file(fault.file, fs::file_size(fault.file) + 1); }
    if (what == "touch") { fs::last_write_time(fault.file, fs::file_time_type::clock::now()); }
    if (what == "no-files") { limit(RLIMIT_NOFILE, 0); }
    if (what == "small-files") { limit(RLIMIT_FSIZE, 100'000); }
    if (what == "ENOSPC") { return ENOSPC; }
    if (what == "EIO") { return EIO; }
    return 0;
}

/// Whether a call fails. What has failed once for a file fails from then on: a disk that is full stays full.
bool fails_at(const char* call, int file = -1) {
    static int reason = 0;
    static ino_t inode = 0;
    struct stat status{};
    if (fault.at != call) { return false; }
    if (file >= 0) { ::fstat(file, &status); }
    const bool of_call = fault.what == "ENOSPC" || fault.what == "EIO";
    struct stat named{};
    if (of_call && !fault.file.empty() && (::stat(fault.file.c_str(), &named) != 0 || named.st_ino != status.st_ino)) {
        return false;
    }
    if (fault.here && --fault.times <= 0) {
        reason = happen();
        inode = status.st_ino;
    }
    if (reason == 0 || status.st_ino != inode) { return false; }
    errno = reason;
    return true;
}

template <class Function>
Function* original(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

} // namespace

// What libraries call by these names arrives here: the program's symbols come first.
extern "C" {
int fallocate(int file, int mode, off_t offset, off_t length) {
    return fails_at("fallocate", file) ? -1
                                       : original<int(int, int, off_t, off_t)>("fallocate")(file, mode, offset, length);
}
ssize_t pwrite(int file, const void* data, std::size_t n, off_t offset) {
    return fails_at("pwrite", file)
               ? -1
               : original<ssize_t(int, const void*, std::size_t, off_t)>("pwrite")(file, data, n, offset);
}
ssize_t pwritev(int file, const iovec* parts, int n, off_t offset) {
    return fails_at("pwrite", file)
               ? -1
               : original<ssize_t(int, const iovec*, int, off_t)>("pwritev")(file, parts, n, offset);
}
ssize_t pread(int file, void* data, std::size_t n, off_t offset) {
    return fails_at("pread", file) ? -1
                                   : original<ssize_t(int, void*, std::size_t, off_t)>("pread")(file, data, n, offset);
}
ssize_t preadv(int file, const iovec* parts, int n, off_t offset) {
    return fails_at("pread", file) ? -1
                                   : original<ssize_t(int, const iovec*, int, off_t)>("preadv")(file, parts, n, offset);
}
ssize_t write(int file, const void* data, std::size_t n) {
    if (file == STDERR_FILENO) {
        const int copy = ::open(said.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
        [[maybe_unused]] const long ignored = ::syscall(SYS_write, copy, data, n);
        ::close(copy);
    }
    return ::syscall(SYS_write, file, data, n);
}
int fsync(int file) { return fails_at("fsync", file) ? -1 : original<int(int)>("fsync")(file); }
int rename(const char* from, const char* to) noexcept {
    return fails_at("rename") ? -1 : original<int(const char*, const char*)>("rename")(from, to);
}
}

int main(int argc, char** argv) {
    read_fault();
    said = "said." + rank_text();
    std::ofstream("pid." + rank_text()) << ::getpid() << '\n';
    tessera::set_region_hooks({[](const char* region) {
                                   if (fault.here && fault.at == region) { happen(); }
                               },
                               [] {}});
    return tessera::app::run_program(argc, argv);
}
