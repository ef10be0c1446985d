// Files that are written. HDF5 belongs to rank 0, which makes groups, attributes and datasets in a file that exists in memory alone;
// it holds no data, and is as sparse as that. Datasets are contiguous and have their place from the beginning, so that every rank
// writes its part of the data there, in the file on the disk. What HDF5 made around them is copied at the end.
//
// For HDF5 1.10 must not meet a full disk: it cannot close a file whose metadata it cannot write, and leaves an identifier that
// crashes the program as it ends. All that reaches the disk here does so by calls that say what went wrong.
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "io/disk_room.hpp"
#include "io/hdf5_handle.hpp"
#include "io/writable.hpp"
#include "io/write_at.hpp"
#include "tessera/core/termination.hpp"

namespace tessera::io {

namespace {

constexpr std::int64_t slack = std::int64_t{1} << 20;        ///< reserved in one go beyond what is needed, bytes
constexpr std::int64_t header_bytes = std::int64_t{2} << 10; ///< metadata of a dataset, group or attribute, at most
constexpr hsize_t page = 4096;                               ///< large datasets begin at a multiple of it
constexpr hsize_t large = 16 * page;

std::int64_t stored_bytes(NumberType type, std::span<const std::int64_t> shape) {
    std::int64_t bytes = static_cast<std::int64_t>(H5Tget_size(file_type(type)));
    for (const std::int64_t n : shape) { bytes *= n; }
    return bytes + static_cast<std::int64_t>(page);
}

Hdf5Id intermediate_groups(const std::string& where) {
    Hdf5Id links = checked(H5Pcreate(H5P_LINK_CREATE), H5Pclose, Kind::internal, where, "preparing a link");
    H5Pset_create_intermediate_group(links.get(), 1);
    return links;
}

/// An error of rank 0 that the others do not know yet.
void throw_pending(Hdf5OpenFile& file) {
    if (!file.failure) { return; }
    const Error error = *file.failure;
    file.failure.reset();
    throw error;
}

/// Copies bytes [begin, end) of what HDF5 made to the file on the disk.
void copy_bytes(Hdf5OpenFile& file, std::int64_t begin, std::int64_t end) {
    std::vector<char> bytes(static_cast<std::size_t>(std::min(end - begin, std::int64_t{1} << 20)));
    while (begin < end) {
        const std::int64_t wanted = std::min(end - begin, static_cast<std::int64_t>(bytes.size()));
        const ssize_t n = ::pread(file.memory, bytes.data(), static_cast<std::size_t>(wanted), begin);
        if (n <= 0) { throw_disk_failure(file.path, "writing it", n < 0 ? errno : EIO); }
        file.write(bytes.data(), n, begin, file.path);
        begin += n;
    }
}

/// HDF5's part of the file, which is then closed for HDF5. Rank 0's.
void complete(Hdf5OpenFile& file) {
    if (H5Fflush(file.id.get(), H5F_SCOPE_GLOBAL) < 0) {
        throw_hdf5(Kind::resource, file.path, "collecting its metadata",
                   "make room in /dev/shm, or name another TMPDIR");
    }
    file.id = Hdf5Id(); // with all that is open in it
    const std::int64_t size = ::lseek(file.memory, 0, SEEK_END);
    std::sort(file.data.begin(), file.data.end());
    auto data = file.data.begin();
    for (std::int64_t at = 0; at < size;) {
        const std::int64_t begin = ::lseek(file.memory, at, SEEK_DATA);
        if (begin < 0) { break; } // nothing but holes
        const std::int64_t end = ::lseek(file.memory, begin, SEEK_HOLE);
        // Pages of metadata may have data of datasets at their edges, which are in the file already.
        for (at = begin; at < end;) {
            while (data != file.data.end() && data->second <= at) { ++data; }
            const bool inside = data != file.data.end() && data->first <= at;
            const std::int64_t next =
                data == file.data.end() ? end : std::min(end, inside ? data->second : data->first);
            if (!inside) { copy_bytes(file, at, next); }
            at = next;
        }
    }
    if (::ftruncate(file.descriptor, size) != 0) { throw_disk_failure(file.path, "giving it its length", errno); }
}

/// A file of HDF5 in the node's shared memory, or where temporary files go. Its name is gone at once.
void create_in_memory(Hdf5OpenFile& file) {
    std::string name = "/dev/shm/tessera-XXXXXX";
    file.memory = ::mkostemp(name.data(), O_CLOEXEC);
    if (file.memory < 0) {
        name = (std::filesystem::temp_directory_path() / "tessera-XXXXXX").string();
        file.memory = ::mkostemp(name.data(), O_CLOEXEC);
    }
    if (file.memory < 0) { throw_disk_failure(name, "making a temporary file for the metadata", errno); }
    const UnfinishedFile unfinished(name);
    const Hdf5Id access = access_plain(file.path);
    H5Pset_alignment(access.get(), large, page);
    const hid_t id = H5Fcreate(name.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get());
    ::unlink(name.c_str());
    file.id = checked(id, H5Fclose, Kind::resource, file.path, "creating it");
}

/// How a dataset's elements are laid out, and that it exists from now on; without a place it reads as zeros.
Hdf5Id creation_of(const std::string& where, bool has_place) {
    Hdf5Id creation = checked(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, Kind::internal, where, "preparing it");
    if (has_place) {
        // Every element is written by us: filling first would write a large cube twice.
        H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER);
        H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY);
    } else {
        H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_LATE); // with the first write, of which there is none
    }
    // No modification time: the same data make the same file, byte for byte.
    H5Pset_obj_track_times(creation.get(), false);
    return creation;
}

} // namespace

hid_t file_type(NumberType type) {
    switch (type) {
    case NumberType::uint8: return H5T_STD_U8LE;
    case NumberType::int32: return H5T_STD_I32LE;
    case NumberType::int64: return H5T_STD_I64LE;
    case NumberType::uint64: return H5T_STD_U64LE;
    case NumberType::float32: return H5T_IEEE_F32LE;
    case NumberType::float64: return H5T_IEEE_F64LE;
    }
    return H5I_INVALID_HID;
}

void reserve(Hdf5OpenFile& file, const std::string& where, std::int64_t bytes) {
    // HDF5 knows the size of a file once its metadata is placed: this is an upper bound of our own.
    const std::int64_t needed = file.used + bytes + header_bytes;
    if (needed > file.reserved) {
        const std::int64_t target = needed + slack;
        if (const int failure = reserve_room(file.path, file.reserved, target)) {
            throw Error({.kind = Kind::resource,
                         .where = where,
                         .found = fmt::format("no room on the disk ({})", std::strerror(failure)),
                         .expected = fmt::format("room for {} bytes more", target - file.reserved),
                         .cure = "check the free space and the quota of the disk, or choose another output path"});
        }
        file.reserved = target;
    }
    file.used = needed;
}

Hdf5OpenFile::~Hdf5OpenFile() {
    if (writable && id.valid()) {
        try {
            complete(*this);
        } catch (const Error&) { // who needs to know calls close
        }
    }
    if (descriptor >= 0) { ::close(descriptor); }
    if (memory >= 0) { ::close(memory); }
}

Hdf5Group Hdf5File::create(const std::string& path, Communicator* comm) {
    const auto file = begin_file(path, comm);
    file->writable = true;
    Hdf5Group root;
    root.handle_ = std::make_shared<Hdf5Group::Handle>();
    root.handle_->file = file;
    root.handle_->path = "/";
    together(*file, [&] {
        if (!file->is_here()) { return; }
        try_to_create(path);
        reserve(*file, path, 0);
        create_in_memory(*file);
        root.handle_->id = checked(H5Gopen2(file->id.get(), "/", H5P_DEFAULT), H5Gclose, Kind::resource, path,
                                   "opening its root group");
    });
    together(*file, [&] { file->descriptor = open_to_write(path); });
    return root;
}

std::optional<std::uint64_t> Hdf5File::close(const Hdf5Group& any) {
    Hdf5OpenFile& file = *any.handle_->file;
    std::optional<std::uint64_t> checksum;
    together(file, [&] {
        throw_pending(file);
        if (file.is_here()) { complete(file); }
        // Each rank's data, which nobody else can bring to the disk where ranks are on several nodes.
        if (file.comm != nullptr) {
            bring_to_disk(file.descriptor, file.path);
        } else {
            checksum = file.hash.hash(::lseek(file.descriptor, 0, SEEK_END));
        }
    });
    return checksum;
}

Hdf5Group Hdf5Group::create_group(const std::string& path) {
    Hdf5Group out;
    out.handle_ = std::make_shared<Handle>();
    out.handle_->file = handle_->file;
    out.handle_->path = joined(handle_->path, path);
    describe(*handle_->file, [&] {
        if (has(path)) {
            out = group(path);
            return;
        }
        reserve(*handle_->file, out.where(), 0);
        const Hdf5Id links = intermediate_groups(out.where());
        out.handle_->id = checked(
            H5Gcreate2(handle_->file->id.get(), out.handle_->path.c_str(), links.get(), H5P_DEFAULT, H5P_DEFAULT),
            H5Gclose, Kind::resource, out.where(), "creating the group");
    });
    return out;
}

Hdf5Dataset Hdf5Group::create_dataset(const std::string& path, NumberType type, std::span<const std::int64_t> shape) {
    return create(path, type, shape, true);
}

Hdf5Dataset Hdf5Group::create_zeros(const std::string& path, NumberType type, std::span<const std::int64_t> shape) {
    return create(path, type, shape, false);
}

Hdf5Dataset Hdf5Group::create(const std::string& path, NumberType type, std::span<const std::int64_t> shape,
                              bool has_place) {
    Hdf5OpenFile& file = *handle_->file;
    Hdf5Dataset out;
    out.handle_ = std::make_shared<Handle>();
    out.handle_->file = handle_->file;
    out.handle_->path = joined(handle_->path, path);
    out.handle_->type = type;
    out.shape_.assign(shape.begin(), shape.end());
    const std::string at = out.where();
    together(file, [&] {
        throw_pending(file);
        if (!file.is_here()) { return; }
        const std::vector<hsize_t> extent(shape.begin(), shape.end());
        const Hdf5Id space =
            checked(shape.empty() ? H5Screate(H5S_SCALAR)
                                  : H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr),
                    H5Sclose, Kind::internal, at, "describing its shape");
        reserve(file, at, has_place ? stored_bytes(type, shape) : 0);
        const Hdf5Id links = intermediate_groups(at), creation = creation_of(at, has_place);
        out.handle_->id = checked(H5Dcreate2(file.id.get(), out.handle_->path.c_str(), file_type(type), space.get(),
                                             links.get(), creation.get(), H5P_DEFAULT),
                                  H5Dclose, Kind::resource, at, "creating the dataset");
        const haddr_t place = H5Dget_offset(out.handle_->id.get());
        if (place == HADDR_UNDEF) { return; } // no element
        out.handle_->data_at = static_cast<std::int64_t>(place);
        const hsize_t bytes = H5Dget_storage_size(out.handle_->id.get());
        file.data.emplace_back(place, place + bytes); // zeros, as nothing was written to the disk so far but data
    });
    if (file.comm != nullptr) { out.handle_->data_at = file.comm->broadcast_value(out.handle_->data_at, 0); }
    return out;
}

void Hdf5Group::set(const std::string& attribute, double value) {
    describe(*handle_->file, [&] { set_attribute(*handle_, attribute, std::span<const double>(&value, 1), true); });
}
void Hdf5Group::set(const std::string& attribute, std::int64_t value) {
    describe(*handle_->file,
             [&] { set_attribute(*handle_, attribute, std::span<const std::int64_t>(&value, 1), true); });
}
void Hdf5Group::set(const std::string& attribute, std::span<const double> values) {
    describe(*handle_->file, [&] { set_attribute(*handle_, attribute, values, false); });
}
void Hdf5Group::set(const std::string& attribute, std::span<const std::int64_t> values) {
    describe(*handle_->file, [&] { set_attribute(*handle_, attribute, values, false); });
}
void Hdf5Group::set(const std::string& attribute, const std::string& text) {
    describe(*handle_->file, [&] { set_attribute(*handle_, attribute, text); });
}
void Hdf5Dataset::set(const std::string& attribute, double value) {
    describe(*handle_->file, [&] { set_attribute(*handle_, attribute, std::span<const double>(&value, 1), true); });
}
void Hdf5Dataset::set(const std::string& attribute, const std::string& text) {
    describe(*handle_->file, [&] { set_attribute(*handle_, attribute, text); });
}

} // namespace tessera::io
