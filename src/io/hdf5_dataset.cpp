// Reading ranges of datasets. In a file of several ranks: checks first, together; then every rank makes the same
// number of transfers, with an empty selection where it has nothing; then all learn whether any failed.
#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/hdf5_handle.hpp"
#include "io/hdf5_packed.hpp"

namespace tessera::io {

namespace {

hsize_t elements(const std::vector<hsize_t>& extents) {
    return std::accumulate(extents.begin(), extents.end(), hsize_t{1}, std::multiplies<>());
}

/// A box of a dataset, one entry a dimension; empty when any count is 0.
struct Box {
    std::vector<hsize_t> offset, count;
    bool empty() const { return std::find(count.begin(), count.end(), 0) != count.end(); }
    hsize_t size() const { return elements(count); }
};

Box rows_box(const std::vector<std::int64_t>& shape, std::int64_t first, std::int64_t n) {
    Box box{std::vector<hsize_t>(shape.size(), 0), {shape.begin(), shape.end()}};
    if (!shape.empty()) {
        box.offset[0] = static_cast<hsize_t>(first);
        box.count[0] = static_cast<hsize_t>(n);
    } else if (n == 0) {
        box = {{0}, {0}};
    }
    return box;
}

/// Steps along the slowest dimension in which the box goes through, so that none moves more than max_transfer_bytes().
hsize_t rows_per_piece(const Box& box, std::size_t element_size) {
    if (box.count.empty() || box.empty()) { return 1; }
    const hsize_t row_bytes = box.size() / box.count[0] * element_size;
    return std::max<hsize_t>(1, static_cast<hsize_t>(max_transfer_bytes()) / row_bytes);
}

std::int64_t pieces(const Box& box, hsize_t rows) {
    if (box.empty()) { return 0; }
    return box.count.empty() ? 1 : static_cast<std::int64_t>((box.count[0] + rows - 1) / rows);
}

/// Selects piece `i` of the box in the file, nothing when the box has fewer pieces. @return  its extents: none for a scalar,
/// empty where nothing is selected
std::vector<hsize_t> select_piece(hid_t file_space, const Box& box, hsize_t rows, std::int64_t i,
                                  std::int64_t n_piece) {
    if (i >= n_piece) {
        H5Sselect_none(file_space);
        return {0};
    }
    if (box.count.empty()) { return {}; } // all of it
    Box part = box;
    part.offset[0] += static_cast<hsize_t>(i) * rows;
    part.count[0] = std::min(rows, box.count[0] - static_cast<hsize_t>(i) * rows);
    H5Sselect_hyperslab(file_space, H5S_SELECT_SET, part.offset.data(), nullptr, part.count.data(), nullptr);
    return part.count;
}

/// Memory for a piece of these extents. Of the dataset's own shape: HDF5 then goes through a packed dataset chunk by chunk, and
/// not element by element.
Hdf5Id memory_of(const std::vector<hsize_t>& extents) {
    if (extents.empty()) { return {H5Screate(H5S_SCALAR), H5Sclose}; }
    Hdf5Id space(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose);
    if (elements(extents) == 0) { H5Sselect_none(space.get()); }
    return space;
}

/// Moves the box piece by piece: `move(file space, memory space, transfer list, elements done so far)` is H5Dread.
template <class Move>
void transfer(const Hdf5Object& dataset, const Box& box, std::size_t element_size, bool collective, Kind kind,
              const char* doing, const char* cure, Move&& move) {
    Communicator* comm = dataset.file->comm;
    const hsize_t rows = rows_per_piece(box, element_size);
    const std::int64_t n_piece = pieces(box, rows);
    const std::int64_t n_call = comm == nullptr ? n_piece : comm->all_reduce_value(n_piece, Op::max);
    const Hdf5Id list(H5Pcreate(H5P_DATASET_XFER), H5Pclose);
    if (comm != nullptr && collective) { H5Pset_dxpl_mpio(list.get(), H5FD_MPIO_COLLECTIVE); }
    const Hdf5Id file_space(H5Dget_space(dataset.id.get()), H5Sclose);
    std::string failure;
    hsize_t done = 0;
    for (std::int64_t i = 0; i < n_call; ++i) {
        const std::vector<hsize_t> extents = select_piece(file_space.get(), box, rows, i, n_piece);
        const Hdf5Id memory_space = memory_of(extents);
        if (move(file_space.get(), memory_space.get(), list.get(), done) < 0 && failure.empty()) {
            failure = hdf5_message();
        }
        done += elements(extents);
    }
    together(*dataset.file, [&] {
        if (failure.empty()) { return; }
        throw Error({.kind = kind,
                     .where = dataset.where(),
                     .found = fmt::format("a failure when {}: {}", doing, failure),
                     .expected = "the HDF5 library to succeed",
                     .cure = cure});
    });
}

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

} // namespace

const std::vector<std::int64_t>& Hdf5Dataset::shape() const { return shape_; }
std::int64_t Hdf5Dataset::n_row() const { return shape_.empty() ? 1 : shape_.front(); }
std::int64_t Hdf5Dataset::row_length() const {
    return shape_.empty() ? 1 : std::accumulate(shape_.begin() + 1, shape_.end(), std::int64_t{1}, std::multiplies<>());
}
std::string Hdf5Dataset::where() const { return handle_->where(); }

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
    int n_filter = 0;
    std::size_t stored_size = sizeof(T);
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
        n_filter = usable_filters(*handle_);
        const Hdf5Id type(H5Dget_type(handle_->id.get()), H5Tclose);
        stored_size = std::max(stored_size, H5Tget_size(type.get()));
    });
    if (handle_->file->comm == nullptr && n_filter > 0 &&
        read_packed(*handle_, shape_, first, n, memory_type<T>(), out.data(), threads)) {
        return;
    }
    // Packed chunks are read by each rank alone: a damaged chunk then cannot leave the other ranks waiting inside HDF5.
    transfer(*handle_, rows_box(shape_, first, n), stored_size, n_filter == 0, Kind::data, "reading it",
             "the file looks damaged: fetch or make it again",
             [&](hid_t file_space, hid_t memory_space, hid_t list, hsize_t done) {
                 return H5Dread(handle_->id.get(), memory_type<T>(), memory_space, file_space, list, out.data() + done);
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
