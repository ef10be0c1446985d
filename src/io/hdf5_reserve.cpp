// Room on disk is reserved before HDF5 grows a file. A disk that fills up while HDF5 writes is found too late: the collective
// writes of Open MPI may lose the error, and HDF5 1.10 cannot close a file whose metadata did not reach the disk (it leaves
// an identifier that crashes the program as it ends).
#include <cstring>

#include <unistd.h>

#include <fmt/format.h>

#include "io/disk_room.hpp"
#include "io/hdf5_handle.hpp"

namespace tessera::io {

namespace {

constexpr std::int64_t slack = std::int64_t{1} << 20;        ///< reserved in one go beyond what is needed, bytes
constexpr std::int64_t header_bytes = std::int64_t{2} << 10; ///< metadata of a dataset, group or attribute, at most

} // namespace

void reserve(Hdf5OpenFile& file, const std::string& where, std::int64_t bytes) {
    // HDF5 does not know the size of a file of several ranks once data were written: this is an upper bound of our own.
    const std::int64_t needed = file.used + bytes + header_bytes;
    if (needed <= file.reserved) {
        file.used = needed;
        return;
    }
    const std::int64_t target = needed + slack;
    together(file, [&] {
        if (file.comm != nullptr && !file.comm->is_root()) { return; }
        const int failure = reserve_room(file.path, file.reserved, target);
        if (failure == 0) { return; }
        throw Error({.kind = Kind::resource,
                     .where = where,
                     .found = fmt::format("no room on the disk ({})", std::strerror(failure)),
                     .expected = fmt::format("room for {} bytes more", target - file.reserved),
                     .cure = "check the free space and the quota of the disk, or choose another output path"});
    });
    file.used = needed;
    file.reserved = target;
}

Hdf5OpenFile::~Hdf5OpenFile() {
    if (!writable || !id.valid()) { return; }
    H5Fflush(id.get(), H5F_SCOPE_GLOBAL);
    hsize_t size = 0;
    const bool known = H5Fget_filesize(id.get(), &size) >= 0;
    id = Hdf5Id();
    // What was reserved and not used. Closing was collective: nobody writes any more.
    if (known && (comm == nullptr || comm->is_root()) && static_cast<std::int64_t>(size) < reserved) {
        [[maybe_unused]] const int ignored = ::truncate(path.c_str(), static_cast<off_t>(size));
    }
}

} // namespace tessera::io
