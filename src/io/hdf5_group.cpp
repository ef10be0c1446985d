#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/hdf5_handle.hpp"
#include "tessera/core/options.hpp"

namespace tessera::io {

namespace {

/// The path's links one by one: H5Lexists fails on a path whose parent is missing. Dangling links count as absent.
/// @return  the length of the part of `path` that exists
std::size_t existing_part(const Hdf5Object& group, const std::string& path) {
    std::size_t known = 0;
    std::size_t begin = 0;
    while (begin < path.size()) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        if (end > begin) {
            const std::string part = path.substr(0, end);
            if (H5Lexists(group.id.get(), part.c_str(), H5P_DEFAULT) <= 0) { return known; }
            if (H5Oexists_by_name(group.id.get(), part.c_str(), H5P_DEFAULT) <= 0) { return known; }
        }
        known = end;
        begin = end + 1;
    }
    return path.size();
}

H5I_type_t type_of(const Hdf5Object& group, const std::string& path) {
    if (existing_part(group, path) != path.size()) { return H5I_BADID; }
    if (path.find_first_not_of('/') == std::string::npos) { return H5I_GROUP; }
    const Hdf5Id object(H5Oopen(group.id.get(), path.c_str(), H5P_DEFAULT), H5Oclose);
    return object.valid() ? H5Iget_type(object.get()) : H5I_BADID;
}

std::vector<std::string> names_in(hid_t group, const std::string& where) {
    H5G_info_t info;
    if (H5Gget_info(group, &info) < 0) {
        throw_hdf5(Kind::data, where, "listing it", "the file may be damaged: fetch it again");
    }
    std::vector<std::string> names;
    for (hsize_t i = 0; i < info.nlinks; ++i) {
        const ssize_t length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT);
        if (length < 0) { throw_hdf5(Kind::data, where, "listing it", "the file may be damaged: fetch it again"); }
        std::string name(static_cast<std::size_t>(length) + 1, '\0');
        H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(), H5P_DEFAULT);
        name.pop_back();
        names.push_back(std::move(name));
    }
    return names;
}

std::string listing(const std::vector<std::string>& names) {
    constexpr std::size_t n_shown = 12;
    if (names.empty()) { return "nothing"; }
    if (names.size() <= n_shown) { return fmt::format("{}", fmt::join(names, ", ")); }
    return fmt::format("{} and {} more", fmt::join(names.begin(), names.begin() + n_shown, ", "),
                       names.size() - n_shown);
}

[[noreturn]] void throw_missing(const Hdf5Object& group, const std::string& path, const std::string& wanted) {
    const std::size_t known = existing_part(group, path);
    const std::string parent_path = path.substr(0, known);
    const std::string parent = joined(group.path, parent_path);
    std::size_t begin = path.find_first_not_of('/', known);
    if (begin == std::string::npos) { begin = path.size(); }
    const std::string missing = path.substr(begin, path.find('/', begin) - begin);
    std::vector<std::string> names;
    const bool at_group = parent_path.find_first_not_of('/') == std::string::npos;
    const Hdf5Id opened(
        H5Gopen2(group.id.get(), at_group ? (parent_path.empty() ? "." : "/") : parent_path.c_str(), H5P_DEFAULT),
        H5Gclose);
    if (opened.valid()) { names = names_in(opened.get(), parent); }
    const std::string nearest = nearest_name(missing, names);
    throw Error({.kind = Kind::data,
                 .where = group.file->path + ":" + joined(group.path, path),
                 .found = opened.valid()
                              ? fmt::format("no '{}' in '{}', which holds {}", missing, parent, listing(names))
                              : fmt::format("'{}' is not a group", parent),
                 .expected = wanted,
                 .cure = nearest.empty() ? "check that the file is of the format you named"
                                         : fmt::format("the nearest name is '{}'", nearest)});
}

[[noreturn]] void throw_other_kind(const Hdf5Object& group, const std::string& path, H5I_type_t type,
                                   const std::string& wanted) {
    throw Error({.kind = Kind::data,
                 .where = group.file->path + ":" + joined(group.path, path),
                 .found = type == H5I_GROUP     ? "a group"
                          : type == H5I_DATASET ? "a dataset"
                                                : "neither a group nor a dataset",
                 .expected = wanted,
                 .cure = "check that the file is of the format you named"});
}

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

/// Bytes that a dataset takes in the file: whole chunks, and their index.
std::int64_t stored_bytes(NumberType type, std::span<const std::int64_t> shape, std::span<const std::int64_t> chunk) {
    constexpr std::int64_t index_entry = 64;
    std::int64_t bytes = static_cast<std::int64_t>(H5Tget_size(file_type(type)));
    std::int64_t n_chunk = 1;
    for (std::size_t d = 0; d < shape.size(); ++d) {
        const std::int64_t in_chunk = chunk.empty() ? 1 : chunk[d];
        const std::int64_t n = (shape[d] + in_chunk - 1) / in_chunk;
        bytes *= n * in_chunk;
        n_chunk *= n;
    }
    return bytes + (chunk.empty() ? 0 : n_chunk * index_entry);
}

std::vector<hsize_t> extents(std::span<const std::int64_t> shape) { return {shape.begin(), shape.end()}; }

Hdf5Id intermediate_groups(const std::string& where) {
    Hdf5Id links = checked(H5Pcreate(H5P_LINK_CREATE), H5Pclose, Kind::internal, where, "preparing a link");
    H5Pset_create_intermediate_group(links.get(), 1);
    return links;
}

} // namespace

bool Hdf5Group::has(const std::string& path) const { return existing_part(*handle_, path) == path.size(); }
bool Hdf5Group::has_dataset(const std::string& path) const { return type_of(*handle_, path) == H5I_DATASET; }
bool Hdf5Group::has_group(const std::string& path) const { return type_of(*handle_, path) == H5I_GROUP; }
std::vector<std::string> Hdf5Group::names() const { return names_in(handle_->id.get(), where()); }
const std::string& Hdf5Group::file() const { return handle_->file->path; }
std::string Hdf5Group::where() const { return handle_->where(); }

Hdf5Group Hdf5Group::group(const std::string& path) const {
    const H5I_type_t type = type_of(*handle_, path);
    if (type == H5I_BADID) { throw_missing(*handle_, path, "a group"); }
    if (type != H5I_GROUP) { throw_other_kind(*handle_, path, type, "a group"); }
    Hdf5Group out;
    out.handle_ = std::make_shared<Handle>();
    out.handle_->file = handle_->file;
    out.handle_->path = joined(handle_->path, path);
    out.handle_->id = checked(H5Gopen2(handle_->file->id.get(), out.handle_->path.c_str(), H5P_DEFAULT), H5Gclose,
                              Kind::data, out.where(), "opening the group");
    return out;
}

Hdf5Dataset Hdf5Group::dataset(const std::string& path) const {
    const H5I_type_t type = type_of(*handle_, path);
    if (type == H5I_BADID) { throw_missing(*handle_, path, "a dataset"); }
    if (type != H5I_DATASET) { throw_other_kind(*handle_, path, type, "a dataset"); }
    Hdf5Dataset out;
    out.handle_ = std::make_shared<Handle>();
    out.handle_->file = handle_->file;
    out.handle_->path = joined(handle_->path, path);
    out.handle_->id = checked(H5Dopen2(handle_->file->id.get(), out.handle_->path.c_str(), H5P_DEFAULT), H5Dclose,
                              Kind::data, out.where(), "opening the dataset");
    const Hdf5Id space =
        checked(H5Dget_space(out.handle_->id.get()), H5Sclose, Kind::data, out.where(), "reading its shape");
    std::vector<hsize_t> shape(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
    H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
    out.shape_.assign(shape.begin(), shape.end());
    return out;
}

Hdf5Group Hdf5Group::create_group(const std::string& path) {
    if (has(path)) { return group(path); }
    const std::string full = joined(handle_->path, path);
    reserve(*handle_->file, file() + ":" + full, 0);
    const Hdf5Id links = intermediate_groups(full);
    Hdf5Group out;
    out.handle_ = std::make_shared<Handle>();
    out.handle_->file = handle_->file;
    out.handle_->path = full;
    out.handle_->id = checked(H5Gcreate2(handle_->file->id.get(), full.c_str(), links.get(), H5P_DEFAULT, H5P_DEFAULT),
                              H5Gclose, Kind::resource, out.where(), "creating the group");
    return out;
}

Hdf5Dataset Hdf5Group::create_dataset(const std::string& path, NumberType type, std::span<const std::int64_t> shape,
                                      std::span<const std::int64_t> chunk) {
    const std::string full = joined(handle_->path, path);
    const std::string at = file() + ":" + full;
    const std::vector<hsize_t> extent = extents(shape);
    const Hdf5Id space =
        checked(shape.empty() ? H5Screate(H5S_SCALAR)
                              : H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr),
                H5Sclose, Kind::internal, at, "describing its shape");
    const Hdf5Id creation = checked(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, Kind::internal, at, "preparing it");
    // Every element is written by us: filling first would write a large cube twice.
    H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER);
    H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY);
    // No modification time: the same data make the same file, byte for byte.
    H5Pset_obj_track_times(creation.get(), false);
    const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
    if (!chunk.empty() && !empty) {
        H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), extents(chunk).data());
    }
    reserve(*handle_->file, at, stored_bytes(type, shape, chunk));
    const Hdf5Id links = intermediate_groups(at);
    Hdf5Dataset out;
    out.handle_ = std::make_shared<Handle>();
    out.handle_->file = handle_->file;
    out.handle_->path = full;
    out.handle_->id = checked(H5Dcreate2(handle_->file->id.get(), full.c_str(), file_type(type), space.get(),
                                         links.get(), creation.get(), H5P_DEFAULT),
                              H5Dclose, Kind::resource, at, "creating the dataset");
    out.shape_.assign(shape.begin(), shape.end());
    return out;
}

bool Hdf5Group::has_attribute(const std::string& name) const { return attribute_exists(*handle_, name); }
std::vector<double> Hdf5Group::numbers(const std::string& name) const { return attribute_numbers(*handle_, name); }
double Hdf5Group::number(const std::string& name) const { return numbers(name).front(); }
std::optional<double> Hdf5Group::find_number(const std::string& name) const {
    return find_attribute_number(*handle_, name);
}
std::vector<std::int64_t> Hdf5Group::integers(const std::string& name) const {
    return attribute_integers(*handle_, name);
}
std::optional<std::string> Hdf5Group::find_text(const std::string& name) const {
    return find_attribute_text(*handle_, name);
}
void Hdf5Group::set(const std::string& attribute, double value) {
    set_attribute(*handle_, attribute, std::span<const double>(&value, 1), true);
}
void Hdf5Group::set(const std::string& attribute, std::int64_t value) {
    set_attribute(*handle_, attribute, std::span<const std::int64_t>(&value, 1), true);
}
void Hdf5Group::set(const std::string& attribute, std::span<const double> values) {
    set_attribute(*handle_, attribute, values, false);
}
void Hdf5Group::set(const std::string& attribute, std::span<const std::int64_t> values) {
    set_attribute(*handle_, attribute, values, false);
}
void Hdf5Group::set(const std::string& attribute, const std::string& text) { set_attribute(*handle_, attribute, text); }

} // namespace tessera::io
