// Data of datasets that are being written: each rank's part, at its place in the file. By plain writes: they name their errors,
// where a rank whose part of a collective write of Open MPI 4.1 fails leaves the others waiting inside HDF5.
#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/hdf5_handle.hpp"
#include "io/write_at.hpp"

namespace tessera::io {

namespace {

constexpr std::int64_t piece_bytes = std::int64_t{1} << 20; ///< stays in the cache while it is looked at and converted

bool all_zero(const char* bytes, std::int64_t n) {
    return n == 0 || (bytes[0] == 0 && std::memcmp(bytes, bytes + 1, static_cast<std::size_t>(n - 1)) == 0);
}

/// Where elements go, and how: of one type in memory to another in the file.
class Destination {
public:
    Destination(const Hdf5Object& dataset, hid_t memory, std::int64_t memory_size);

    /// Writes `n` elements from the `first`-th of the dataset on.
    void write(const char* elements, std::int64_t first, std::int64_t n) {
        const std::int64_t piece = piece_bytes / std::max(memory_size_, file_size_);
        for (std::int64_t begin = 0; begin < n; begin += piece) {
            const std::int64_t count = std::min(piece, n - begin);
            const char* const from = converted(elements + begin * memory_size_, count);
            if (all_zero(from, count * file_size_)) { continue; } // the file holds zeros until then
            open_.write(from, count * file_size_, data_at_ + (first + begin) * file_size_, where_);
        }
    }

private:
    const char* converted(const char* elements, std::int64_t n) {
        if (same_) { return elements; }
        room_.resize(static_cast<std::size_t>(piece_bytes));
        std::memcpy(room_.data(), elements, static_cast<std::size_t>(n * memory_size_));
        if (H5Tconvert(memory_, file_, static_cast<std::size_t>(n), room_.data(), nullptr, H5P_DEFAULT) < 0) {
            throw_hdf5(Kind::internal, where_, "converting its numbers", "");
        }
        return room_.data();
    }

    hid_t memory_, file_;
    std::int64_t memory_size_, file_size_, data_at_;
    Hdf5OpenFile& open_;
    bool same_;
    std::string where_;
    std::vector<char> room_;
};

Destination::Destination(const Hdf5Object& dataset, hid_t memory, std::int64_t memory_size)
    : memory_(memory), file_(file_type(dataset.type)), memory_size_(memory_size),
      file_size_(static_cast<std::int64_t>(H5Tget_size(file_))), data_at_(dataset.data_at), open_(*dataset.file),
      same_(H5Tequal(memory_, file_) > 0), where_(dataset.where()) {}

/// A box of a dataset as runs of elements that are contiguous in it: `visit(first element of the dataset, of the box, elements)`.
template <class Visit>
void for_each_run(const std::vector<std::int64_t>& shape, std::span<const std::int64_t> offset,
                  std::span<const std::int64_t> count, Visit&& visit) {
    if (std::find(count.begin(), count.end(), 0) != count.end()) { return; }
    std::size_t inner = shape.size(); // dimensions from here on are whole
    std::int64_t run = 1;
    while (inner > 0 && count[inner - 1] == shape[inner - 1]) { run *= shape[--inner]; }
    std::int64_t stride = run; // of dimension inner - 1 in the dataset
    if (inner > 0) { run *= count[inner - 1]; }
    const std::size_t outer = inner > 0 ? inner - 1 : 0; // dimensions that are gone through
    std::vector<std::int64_t> at(outer, 0);
    for (std::int64_t done = 0;; done += run) {
        std::int64_t first = inner > 0 ? offset[outer] * stride : 0;
        std::int64_t step = inner > 0 ? stride * shape[outer] : stride;
        for (std::size_t d = outer; d-- > 0; step *= shape[d]) { first += (offset[d] + at[d]) * step; }
        visit(first, done, run);
        std::size_t d = outer;
        while (d > 0 && ++at[d - 1] == count[d - 1]) { at[--d] = 0; }
        if (d == 0) { return; }
    }
}

} // namespace

void Hdf5OpenFile::write(const void* bytes, std::int64_t n, std::int64_t at, const std::string& where_to) {
    // Before it goes: this brings it into the cache, from where it is copied.
    if (comm == nullptr) { hash.add(at, bytes, static_cast<std::size_t>(n)); }
    write_at(descriptor, bytes, n, at, where_to);
}

template <class T>
void Hdf5Dataset::write_box(std::span<const std::int64_t> offset, std::span<const std::int64_t> count,
                            std::span<const T> data) {
    together(*handle_->file, [&] {
        bool inside = offset.size() == shape_.size() && count.size() == shape_.size();
        std::int64_t size = 1;
        for (std::size_t d = 0; inside && d < shape_.size(); ++d) {
            inside = offset[d] >= 0 && count[d] >= 0 && offset[d] + count[d] <= shape_[d];
            size *= count[d];
        }
        if (!inside || size != static_cast<std::int64_t>(data.size())) {
            throw Error({.kind = Kind::internal,
                         .where = where(),
                         .found = fmt::format("a box at [{}] of [{}] with {} numbers", fmt::join(offset, ", "),
                                              fmt::join(count, ", "), data.size()),
                         .expected = fmt::format("a filled box inside [{}]", fmt::join(shape_, ", ")),
                         .cure = ""});
        }
        Destination destination(*handle_, memory_type<T>(), sizeof(T));
        for_each_run(shape_, offset, count, [&](std::int64_t first, std::int64_t from, std::int64_t n) {
            destination.write(reinterpret_cast<const char*>(data.data() + from), first, n);
        });
    });
}

template <class T>
void Hdf5Dataset::write_rows(std::int64_t first, std::int64_t n, std::span<const T> data) {
    std::vector<std::int64_t> offset(shape_.size(), 0), count = shape_;
    if (!shape_.empty()) {
        offset[0] = first;
        count[0] = n;
    }
    write_box<T>(offset, count, data);
}

#define TESSERA_HDF5_ELEMENT(T)                                                                                        \
    template void Hdf5Dataset::write_box<T>(std::span<const std::int64_t>, std::span<const std::int64_t>,              \
                                            std::span<const T>);                                                       \
    template void Hdf5Dataset::write_rows<T>(std::int64_t, std::int64_t, std::span<const T>);
TESSERA_HDF5_ELEMENT(float)
TESSERA_HDF5_ELEMENT(double)
TESSERA_HDF5_ELEMENT(std::int32_t)
TESSERA_HDF5_ELEMENT(std::int64_t)
TESSERA_HDF5_ELEMENT(std::uint64_t)
TESSERA_HDF5_ELEMENT(std::uint8_t)
#undef TESSERA_HDF5_ELEMENT

} // namespace tessera::io
