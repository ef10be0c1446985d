// Reading ranges of datasets: each rank its own, then all learn whether any failed.
#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/hdf5_handle.hpp"
#include "io/hdf5_packed.hpp"

namespace tessera::io {

namespace {

/// Filters of a dataset; throws for one that this HDF5 does not have, by its name.
int usable_filters(const Hdf5Object& dataset) {
    const Hdf5Id creation =
        checked(H5Dget_create_plist(dataset.id.get()), H5Pclose, Kind::data, dataset.where(), "reading its layout");
    const int n = H5Pget_nfilters(creation.get());
    for (int i = 0; i < n; ++i) {
        char name[256] = "";
        unsigned flags = 0;
        std::size_t n_value = 0;
        const H5Z_filter_t filter = H5Pget_filter2(creation.get(), static_cast<unsigned>(i), &flags, &n_value, nullptr,
                                                   sizeof name, name, nullptr);
        if (filter >= 0 && H5Zfilter_avail(filter) > 0) { continue; }
        throw Error(
            {.kind = Kind::data,
             .where = dataset.where(),
             .found = fmt::format("data packed by the filter '{}' (number {}), which this HDF5 lacks",
                                  *name != '\0' ? name : "unnamed", filter),
             .expected = "data that can be unpacked",
             .cure = "install the filter's plugin and set HDF5_PLUGIN_PATH, or repack the file (h5repack -f NONE)"});
    }
    return n;
}

const char* class_name(ElementClass element_class) {
    switch (element_class) {
    case ElementClass::integer: return "integers";
    case ElementClass::real: return "real numbers";
    case ElementClass::text: return "text";
    case ElementClass::other: return "values of a compound or other type";
    }
    return "?";
}

void expect_numbers(const Hdf5Dataset& dataset) {
    const ElementClass element_class = dataset.element_class();
    if (element_class == ElementClass::integer || element_class == ElementClass::real) { return; }
    throw Error({.kind = Kind::data,
                 .where = dataset.where(),
                 .found = class_name(element_class),
                 .expected = "numbers",
                 .cure = "check that the file is of the format you named"});
}

/// Rows by HDF5 itself. Memory of the dataset's own shape: HDF5 then goes through a packed dataset chunk by chunk, and not element by
/// element.
void read_plain(const Hdf5Object& dataset, const std::vector<std::int64_t>& shape, std::int64_t first, std::int64_t n,
                hid_t type, void* out) {
    const Hdf5Id file_space(H5Dget_space(dataset.id.get()), H5Sclose);
    std::vector<hsize_t> offset(shape.size(), 0), count(shape.begin(), shape.end());
    if (!shape.empty()) {
        offset[0] = static_cast<hsize_t>(first);
        count[0] = static_cast<hsize_t>(n);
        H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, offset.data(), nullptr, count.data(), nullptr);
    }
    const Hdf5Id memory_space(shape.empty() ? H5Screate(H5S_SCALAR)
                                            : H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr),
                              H5Sclose);
    if (H5Dread(dataset.id.get(), type, memory_space.get(), file_space.get(), H5P_DEFAULT, out) < 0) {
        throw_hdf5(Kind::data, dataset.where(), "reading it", "the file looks damaged: fetch or make it again");
    }
}

} // namespace

const std::vector<std::int64_t>& Hdf5Dataset::shape() const { return shape_; }
std::int64_t Hdf5Dataset::n_row() const { return shape_.empty() ? 1 : shape_.front(); }
std::int64_t Hdf5Dataset::row_length() const {
    return shape_.empty() ? 1 : std::accumulate(shape_.begin() + 1, shape_.end(), std::int64_t{1}, std::multiplies<>());
}
std::string Hdf5Dataset::where() const { return handle_->where(); }

bool Hdf5Dataset::takes_room() const { return H5Dget_storage_size(handle_->id.get()) > 0; }

ElementClass Hdf5Dataset::element_class() const {
    const Hdf5Id type = checked(H5Dget_type(handle_->id.get()), H5Tclose, Kind::data, where(), "reading its type");
    const H5T_class_t type_class = H5Tget_class(type.get());
    if (type_class == H5T_INTEGER || type_class == H5T_ENUM) {
        return ElementClass::integer;
    } // an enum: h5py's booleans
    if (type_class == H5T_FLOAT) { return ElementClass::real; }
    return type_class == H5T_STRING ? ElementClass::text : ElementClass::other;
}

NumberType Hdf5Dataset::number_type() const {
    expect_numbers(*this);
    const Hdf5Id type = checked(H5Dget_type(handle_->id.get()), H5Tclose, Kind::data, where(), "reading its type");
    const std::size_t size = H5Tget_size(type.get());
    if (element_class() == ElementClass::real) { return size <= 4 ? NumberType::float32 : NumberType::float64; }
    const bool is_signed = H5Tget_class(type.get()) == H5T_ENUM || H5Tget_sign(type.get()) == H5T_SGN_2;
    if (size < 4 || (size == 4 && is_signed)) { return NumberType::int32; }
    return size == 8 && !is_signed ? NumberType::uint64 : NumberType::int64;
}

template <class T>
void Hdf5Dataset::read_rows(std::int64_t first, std::int64_t n, std::span<T> out, const device::Host& threads) const {
    together(*handle_->file, [&] {
        expect_numbers(*this);
        if (first < 0 || n < 0 || first + n > n_row()) {
            throw Error({.kind = Kind::data,
                         .where = where(),
                         .found = fmt::format("{} rows", n_row()),
                         .expected = fmt::format("at least {}: rows {} to {} are needed", first + n, first, first + n),
                         .cure = "the file does not hold what others refer to: it may be truncated or of another run"});
        }
        if (static_cast<std::int64_t>(out.size()) != n * row_length()) {
            throw Error({.kind = Kind::internal,
                         .where = where(),
                         .found = fmt::format("room for {} numbers", out.size()),
                         .expected = fmt::format("room for {} rows of {}", n, row_length()),
                         .cure = ""});
        }
        const bool packed = usable_filters(*handle_) > 0;
        if (out.empty()) { return; }
        if (!packed || !read_packed(*handle_, shape_, first, n, memory_type<T>(), out.data(), threads)) {
            read_plain(*handle_, shape_, first, n, memory_type<T>(), out.data());
        }
        expect_unchanged(*handle_->file);
    });
}

#define TESSERA_HDF5_ELEMENT(T)                                                                                        \
    template void Hdf5Dataset::read_rows<T>(std::int64_t, std::int64_t, std::span<T>, const device::Host&) const;
TESSERA_HDF5_ELEMENT(float)
TESSERA_HDF5_ELEMENT(double)
TESSERA_HDF5_ELEMENT(std::int32_t)
TESSERA_HDF5_ELEMENT(std::int64_t)
TESSERA_HDF5_ELEMENT(std::uint64_t)
TESSERA_HDF5_ELEMENT(std::uint8_t)
#undef TESSERA_HDF5_ELEMENT

bool Hdf5Dataset::has_attribute(const std::string& name) const { return attribute_exists(*handle_, name); }
std::optional<double> Hdf5Dataset::find_number(const std::string& name) const {
    return find_attribute_number(*handle_, name);
}
std::optional<std::string> Hdf5Dataset::find_text(const std::string& name) const {
    return find_attribute_text(*handle_, name);
}
} // namespace tessera::io
