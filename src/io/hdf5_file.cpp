// Opening files. Each rank opens a file for itself; where that fails it looks why, and all have the error of the first that met one.
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "io/hdf5_handle.hpp"

namespace tessera::io {

Hdf5Id access_plain(const std::string& path) {
    Hdf5Id access = checked(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, Kind::internal, path, "preparing to open");
    H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG);
#if H5_VERSION_GE(1, 10, 7)
    // Parallel file systems often refuse locks, and those of thousands of ranks would only keep one busy.
    H5Pset_file_locking(access.get(), false, true);
#endif
    return access;
}

namespace {

[[noreturn]] void throw_unreadable(const std::string& path, int number) {
    const bool missing = number == ENOENT || number == ENOTDIR;
    throw Error(
        {.kind = Kind::data,
         .where = path,
         .found = missing ? "no such file" : fmt::format("a file that cannot be read ({})", std::strerror(number)),
         .expected = "an HDF5 file",
         .cure = missing ? "check the path" : "check its rights"});
}

/// Throws where the file is gone by now.
void expect_there(const std::string& path) {
    if (::access(path.c_str(), F_OK) != 0) { throw_unreadable(path, errno); }
}

/// Everything that can be wrong with a file before its contents matter.
void inspect(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) { throw_unreadable(path, errno); }
    struct stat status{};
    const bool known = fstat(descriptor, &status) == 0;
    ::close(descriptor);
    if (known && S_ISDIR(status.st_mode)) {
        throw Error({.kind = Kind::data,
                     .where = path,
                     .found = "a folder",
                     .expected = "an HDF5 file",
                     .cure = "name a file in it"});
    }
    const htri_t is_hdf5 = H5Fis_hdf5(path.c_str());
    if (is_hdf5 < 0) {
        expect_there(path);
        throw_hdf5(Kind::data, path, "reading its beginning",
                   "check the disk or network that holds it, and its rights");
    }
    if (is_hdf5 == 0) {
        throw Error({.kind = Kind::data,
                     .where = path,
                     .found = fmt::format("{} bytes that are not HDF5", known ? status.st_size : 0),
                     .expected = "an HDF5 file",
                     .cure = "check the path, or fetch the file again"});
    }
    const Hdf5Id access = access_plain(path);
    const Hdf5Id file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
    if (!file.valid()) {
        const std::string message = hdf5_message();
        expect_there(path);
        throw Error({.kind = Kind::data,
                     .where = path,
                     .found = fmt::format("an HDF5 file of {} bytes that does not open: {}", known ? status.st_size : 0,
                                          message),
                     .expected = "a complete HDF5 file",
                     .cure = "it looks truncated or damaged: fetch or make it again"});
    }
}

} // namespace

std::shared_ptr<Hdf5OpenFile> begin_file(const std::string& path, Communicator* comm) {
    silence_hdf5();
    auto file = std::make_shared<Hdf5OpenFile>();
    file->path = path;
    file->comm = comm != nullptr && comm->size() > 1 ? comm : nullptr;
    return file;
}

Hdf5Group Hdf5File::open(const std::string& path, Communicator* comm) {
    const auto file = begin_file(path, comm);
    Hdf5Group root;
    root.handle_ = std::make_shared<Hdf5Group::Handle>();
    root.handle_->file = file;
    root.handle_->path = "/";
    together(*file, [&] {
        const Hdf5Id access = access_plain(path);
        const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get());
        if (id < 0) { inspect(path); } // says why, unless it has been mended meanwhile
        file->id = checked(id, H5Fclose, Kind::data, path, "opening it for reading");
        file->stamp = stamp_of(path);
        expect_unchanged(*file);
        root.handle_->id =
            checked(H5Gopen2(file->id.get(), "/", H5P_DEFAULT), H5Gclose, Kind::data, path, "opening its root group");
    });
    return root;
}

std::string Hdf5File::library_version() {
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
#ifdef H5_HAVE_PARALLEL
    const char* flavour = "parallel";
#else
    const char* flavour = "serial";
#endif
    return fmt::format("HDF5 {}.{}.{}, {}", major, minor, release, flavour);
}

} // namespace tessera::io
