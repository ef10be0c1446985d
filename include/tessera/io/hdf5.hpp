#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tessera/device/device.hpp"

namespace tessera {
class Communicator;
}

/// HDF5 as this program needs it: datasets of numbers read and written in ranges of rows, attributes, groups. Every error
/// names file and dataset. No HDF5 type appears here.
namespace tessera::io {

class Hdf5Dataset;

enum class NumberType { uint8, int32, int64, uint64, float32, float64 };

enum class ElementClass { integer, real, text, other };

/// A group of an open file; copying shares the handle. The file closes with its last handle.
/// In a file opened by a communicator every call is collective unless it says otherwise.
class Hdf5Group {
public:
    bool has(const std::string& path) const; ///< anything of that name, link targets included
    bool has_dataset(const std::string& path) const;
    bool has_group(const std::string& path) const;
    std::vector<std::string> names() const; ///< of the members, alphabetical

    Hdf5Group
    group(const std::string& path) const; ///< @throws Error(Kind::data) naming what is missing, and the nearest
    Hdf5Dataset dataset(const std::string& path) const; ///< @throws Error(Kind::data) likewise

    bool has_attribute(const std::string& name) const;
    /// Numbers of an attribute, scalar or array, whatever the stored type. @throws Error(Kind::data) missing or text
    std::vector<double> numbers(const std::string& name) const;
    double number(const std::string& name) const;                      ///< the first of `numbers`
    std::optional<double> find_number(const std::string& name) const;  ///< nullopt when missing or text
    std::vector<std::int64_t> integers(const std::string& name) const; ///< exact for 64-bit counts
    /// Text of an attribute, fixed or variable length; nullopt when missing or not text.
    std::optional<std::string> find_text(const std::string& name) const;

    // Writing. All ranks make the same calls. What rank 0 is told in groups and attributes is written; where that fails, the next
    // collective call says so: create_dataset, a write, close. A file of several ranks cannot be read before it is closed.
    Hdf5Group create_group(const std::string& path); ///< intermediate groups are made
    /// Creates a contiguous dataset; its elements, zero at first, are each written once. Collective.
    Hdf5Dataset create_dataset(const std::string& path, NumberType type, std::span<const std::int64_t> shape);
    /// A dataset that stays as it is, zero: it takes no room in the file, and nothing may be written to it. Collective.
    Hdf5Dataset create_zeros(const std::string& path, NumberType type, std::span<const std::int64_t> shape);
    void set(const std::string& attribute, double value);
    void set(const std::string& attribute, std::int64_t value);
    void set(const std::string& attribute, std::span<const double> values);
    void set(const std::string& attribute, std::span<const std::int64_t> values);
    void set(const std::string& attribute, const std::string& text);

    const std::string& file() const; ///< path of the file
    std::string where() const;       ///< "file.hdf5:/group", for messages

private:
    friend class Hdf5File;
    friend class Hdf5Dataset;
    Hdf5Dataset create(const std::string& path, NumberType type, std::span<const std::int64_t> shape, bool has_place);
    struct Handle;
    std::shared_ptr<Handle> handle_;
};

/// A dataset of an open file. Rows are along the slowest dimension; a row holds the product of the others.
class Hdf5Dataset {
public:
    const std::vector<std::int64_t>& shape() const;
    std::int64_t n_row() const;      ///< extent of the slowest dimension; 1 for a scalar
    std::int64_t row_length() const; ///< elements in a row
    ElementClass element_class() const;
    bool takes_room() const;        ///< false: nothing was ever written to it, as create_zeros leaves it
    NumberType number_type() const; ///< the nearest type able to hold the stored one; throws for text

    /// Reads rows [first, first + n): n · row_length() numbers, converted to T by HDF5. Collective in a file opened by a
    /// communicator; n = 0 takes part and reads nothing.
    /// @param threads  unpack deflated chunks; this thread alone calls HDF5
    /// @throws Error(Kind::data)  rows outside the dataset, not numbers, unreadable (truncated file, missing filter)
    template <class T>
    void read_rows(std::int64_t first, std::int64_t n, std::span<T> out, const device::Host& threads = {}) const;
    template <class T>
    std::vector<T> read_rows(std::int64_t first, std::int64_t n, const device::Host& threads = {}) const {
        std::vector<T> out(static_cast<std::size_t>(n * row_length()));
        read_rows<T>(first, n, out, threads);
        return out;
    }
    template <class T>
    std::vector<T> read_all(const device::Host& threads = {}) const {
        return read_rows<T>(0, n_row(), threads);
    }

    /// Writes the box `offset … offset + count` (one entry a dimension), converted to the stored type. Collective in a file of
    /// several ranks; a rank with an empty box takes part. Zeros are not written where the file holds them already.
    template <class T>
    void write_box(std::span<const std::int64_t> offset, std::span<const std::int64_t> count, std::span<const T> data);
    template <class T>
    void write_rows(std::int64_t first, std::int64_t n, std::span<const T> data);
    template <class T>
    void write_all(std::span<const T> data) {
        write_rows<T>(0, n_row(), data);
    }

    bool has_attribute(const std::string& name) const;
    std::optional<double> find_number(const std::string& name) const;
    std::optional<std::string> find_text(const std::string& name) const;
    void set(const std::string& attribute, double value);
    void set(const std::string& attribute, const std::string& text);

    std::string where() const; ///< "file.hdf5:/group/dataset"

private:
    friend class Hdf5Group;
    std::shared_ptr<Hdf5Group::Handle> handle_;
    std::vector<std::int64_t> shape_;
};

/// How a file is read by several ranks: each opens it for itself, and reads its rows alone; then all learn whether any failed. A file
/// that changes while it is open is an error (Kind::data).
/// How it is written: rank 0 has HDF5's part of it; each rank writes its data at their place. The same calls make the same bytes on
/// any number of ranks. Neither goes through MPI: a rank whose part of a collective transfer fails would leave the others waiting.
class Hdf5File {
public:
    /// Opens for reading, once. A bad path (missing, unreadable, not HDF5) is one error on every rank.
    /// @throws Error(Kind::data)  missing, not HDF5, truncated
    static Hdf5Group open(const std::string& path, Communicator* comm = nullptr);
    /// Creates a new file, replacing one of that name. Collective. @throws Error(Kind::resource)  unwritable
    static Hdf5Group create(const std::string& path, Communicator* comm = nullptr);
    /// Completes a file that is written: until then it begins with zeros. Brings each rank's data to the disk but rank 0's, whose
    /// turn comes with the file's name (write_aside). No handle of it may be used afterwards. Collective.
    /// @return  what file_checksum finds, without reading the file; nullopt where several ranks wrote it
    /// @throws Error(Kind::resource)  a full disk, on every rank
    static std::optional<std::uint64_t> close(const Hdf5Group& any);

    static std::string library_version(); ///< "HDF5 1.10.8, parallel"
};

} // namespace tessera::io
