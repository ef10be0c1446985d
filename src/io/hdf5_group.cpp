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
} // namespace tessera::io
