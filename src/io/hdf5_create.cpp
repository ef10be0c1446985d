// Files that are written. HDF5 belongs to rank 0: it makes groups, attributes and datasets by the plain driver, as one process
// would. Datasets are contiguous and have their place from the beginning, so that every rank writes its part of the data there.
//
// Room on the disk is reserved before HDF5 grows a file. HDF5 1.10 cannot close a file whose metadata did not reach the disk: it
// leaves an identifier that crashes the program as it ends.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <unistd.h>

#include <fmt/format.h>

#include "io/disk_room.hpp"
#include "io/hdf5_handle.hpp"
#include "io/writable.hpp"
#include "io/write_at.hpp"

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

/// How a dataset's elements are laid out, and that it exists from now on.
Hdf5Id creation_of(const std::string& where) {
    Hdf5Id creation = checked(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, Kind::internal, where, "preparing it");
    // Every element is written by us: filling first would write a large cube twice.
    H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER);
    H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY);
    // No modification time: the same data make the same file, byte for byte.
    H5Pset_obj_track_times(creation.get(), false);
    return creation;
}

} // namespace

hid_t file_type(NumberType type) {
    switch (type) {
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
    if (descriptor >= 0) { ::close(descriptor); }
    if (!writable || !id.valid()) { return; }
    H5Fflush(id.get(), H5F_SCOPE_GLOBAL);
    hsize_t size = 0;
    const bool known = H5Fget_filesize(id.get(), &size) >= 0;
    id = Hdf5Id();
    // What was reserved and not used.
    if (known && static_cast<std::int64_t>(size) < reserved) {
        [[maybe_unused]] const int ignored = ::truncate(path.c_str(), static_cast<off_t>(size));
    }
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
        const Hdf5Id access = access_plain(path, false); // nobody else knows of it yet
        H5Pset_alignment(access.get(), large, page);
        file->id = checked(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose, Kind::resource,
                           path, "creating it");
        file->reserved = 0; // creating emptied the file again
        reserve(*file, path, 0);
        root.handle_->id = checked(H5Gopen2(file->id.get(), "/", H5P_DEFAULT), H5Gclose, Kind::resource, path,
                                   "opening its root group");
    });
    together(*file, [&] { file->descriptor = open_to_write(path); });
    return root;
}

void Hdf5File::flush(const Hdf5Group& any) {
    Hdf5OpenFile& file = *any.handle_->file;
    together(file, [&] {
        throw_pending(file);
        if (file.is_here() && H5Fflush(file.id.get(), H5F_SCOPE_GLOBAL) < 0) {
            throw_hdf5(Kind::resource, file.path, "writing the last of it to disk",
                       "check the free space and the quota of the disk");
        }
        // Each rank's data, which nobody else can bring to the disk where ranks are on several nodes.
        if (file.comm != nullptr) { bring_to_disk(file.descriptor, file.path); }
    });
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
        out.handle_->id = checked(H5Gcreate2(handle_->file->id.get(), out.handle_->path.c_str(), links.get(),
                                             H5P_DEFAULT, H5P_DEFAULT),
                                  H5Gclose, Kind::resource, out.where(), "creating the group");
    });
    return out;
}

Hdf5Dataset Hdf5Group::create_dataset(const std::string& path, NumberType type, std::span<const std::int64_t> shape) {
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
        reserve(file, at, stored_bytes(type, shape));
        const Hdf5Id links = intermediate_groups(at), creation = creation_of(at);
        hsize_t end = 0; // of what is in use
        H5Fget_filesize(file.id.get(), &end);
        out.handle_->id = checked(H5Dcreate2(file.id.get(), out.handle_->path.c_str(), file_type(type), space.get(),
                                             links.get(), creation.get(), H5P_DEFAULT),
                                  H5Dclose, Kind::resource, at, "creating the dataset");
        const haddr_t place = H5Dget_offset(out.handle_->id.get());
        if (place == HADDR_UNDEF) { return; } // no element
        out.handle_->data_at = static_cast<std::int64_t>(place);
        if (place < end) { // where something was before: bytes beyond the end are zeros
            const std::vector<char> zeros(H5Dget_storage_size(out.handle_->id.get()));
            write_at(file.descriptor, zeros.data(), static_cast<std::int64_t>(zeros.size()), out.handle_->data_at, at);
        }
    });
    if (file.comm != nullptr) { out.handle_->data_at = file.comm->broadcast_value(out.handle_->data_at, 0); }
    return out;
}

void Hdf5Group::set(const std::string& attribute, double value) {
    describe(*handle_->file,
             [&] { set_attribute(*handle_, attribute, std::span<const double>(&value, 1), true); });
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
    describe(*handle_->file,
             [&] { set_attribute(*handle_, attribute, std::span<const double>(&value, 1), true); });
}
void Hdf5Dataset::set(const std::string& attribute, const std::string& text) {
    describe(*handle_->file, [&] { set_attribute(*handle_, attribute, text); });
}

} // namespace tessera::io
