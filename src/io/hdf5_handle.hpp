// What the HDF5 sources share: identifiers that close themselves, the library's error text, an open file and its objects.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hdf5.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/placed_hash.hpp"
#include "tessera/io/file_stamp.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::io {

/// An HDF5 identifier that is closed with its owner.
class Hdf5Id {
public:
    using Close = herr_t (*)(hid_t);
    Hdf5Id() = default;
    Hdf5Id(hid_t id, Close close) : id_(id), close_(close) {}
    Hdf5Id(Hdf5Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
    Hdf5Id& operator=(Hdf5Id&& other) noexcept {
        if (this != &other) {
            if (id_ >= 0) { close_(id_); }
            id_ = std::exchange(other.id_, -1);
            close_ = other.close_;
        }
        return *this;
    }
    ~Hdf5Id() {
        if (id_ >= 0) { close_(id_); }
    }
    hid_t get() const { return id_; }
    bool valid() const { return id_ >= 0; }

private:
    hid_t id_ = -1;
    Close close_ = nullptr;
};

/// A file with its last user: groups and datasets hold it. One that is written by several ranks is HDF5's on rank 0 alone, by the
/// plain driver; the others know where the data of each dataset lies, and write there.
struct Hdf5OpenFile {
    Hdf5OpenFile() = default;
    Hdf5OpenFile(const Hdf5OpenFile&) = delete;
    Hdf5OpenFile& operator=(const Hdf5OpenFile&) = delete;
    ~Hdf5OpenFile();

    std::string path;
    Communicator* comm = nullptr; ///< nullptr: this process alone
    bool writable = false;
    int descriptor = -1;                                     ///< of a writable file: data of datasets go through it
    int memory = -1;                                         ///< where HDF5 makes its part of a writable file
    std::vector<std::pair<std::int64_t, std::int64_t>> data; ///< of datasets: first byte, end
    std::int64_t used = 0;                                   ///< bytes of the file that HDF5 may have filled, at most
    std::int64_t reserved = 0;                               ///< bytes of the file that have blocks on the disk
    PlacedHash hash;                                         ///< of what this process has written
    FileStamp stamp;                                         ///< of a file that is read
    std::optional<Error> failure;                            ///< that rank 0 met in a call that is not collective
    Hdf5Id id;                                               ///< invalid where another rank has it

    /// Writes to the file on the disk, each of its bytes once at most. @throws Error(Kind::resource)  a full disk
    void write(const void* bytes, std::int64_t n, std::int64_t at, const std::string& where);

    bool is_here() const { return !writable || comm == nullptr || comm->is_root(); } ///< HDF5's part of the file
};

/// A group or dataset. The file stands first: it must close after the object.
struct Hdf5Object {
    std::shared_ptr<Hdf5OpenFile> file;
    Hdf5Id id;
    std::string path; ///< absolute inside the file, "/" the root
    // Of a dataset that is being written:
    std::int64_t data_at = 0; ///< bytes from the beginning of the file
    NumberType type = NumberType::float32;
    std::string where() const { return file->path + ":" + path; }
};

struct Hdf5Group::Handle : Hdf5Object {};

/// Keeps HDF5 from printing its error stack; our errors carry its text.
void silence_hdf5();

/// The innermost message of HDF5's error stack ("filter 'lz4' is not registered"); call right after the failing call.
std::string hdf5_message();

/// Throws what HDF5 says went wrong. @param doing  "reading", "opening", …
[[noreturn]] void throw_hdf5(Kind kind, const std::string& where, const std::string& doing, const std::string& cure);

/// The identifier, or the error of HDF5.
Hdf5Id checked(hid_t id, Hdf5Id::Close close, Kind kind, const std::string& where, const std::string& doing);

/// Runs `work` on this rank; in a file of several ranks all learn of a failure. `work` must not communicate.
template <class Work>
void together(const Hdf5OpenFile& file, Work&& work) {
    if (file.comm == nullptr) {
        work();
    } else {
        agree(*file.comm, work);
    }
}

/// Work of rank 0 on a file that is written: groups and attributes. An error of it, in a file of several ranks, is everybody's from
/// the next collective call.
template <class Work>
void describe(Hdf5OpenFile& file, Work&& work) {
    if (!file.is_here() || file.failure) { return; }
    try {
        work();
    } catch (const Error& error) {
        if (file.comm == nullptr) { throw; }
        file.failure = error;
    }
}

/// Makes sure that the disk holds `bytes` more of the file than it has now; rank 0's. Call before HDF5 grows it.
/// @throws Error(Kind::resource)  a full disk, a quota, a limit on the size of files
void reserve(Hdf5OpenFile& file, const std::string& where, std::int64_t bytes);

hid_t file_type(NumberType type); ///< as it is stored: little-endian

/// HDF5's type of an element in memory.
template <class T>
hid_t memory_type();
template <>
inline hid_t memory_type<float>() {
    return H5T_NATIVE_FLOAT;
}
template <>
inline hid_t memory_type<double>() {
    return H5T_NATIVE_DOUBLE;
}
template <>
inline hid_t memory_type<std::int32_t>() {
    return H5T_NATIVE_INT32;
}
template <>
inline hid_t memory_type<std::int64_t>() {
    return H5T_NATIVE_INT64;
}
template <>
inline hid_t memory_type<std::uint64_t>() {
    return H5T_NATIVE_UINT64;
}
template <>
inline hid_t memory_type<std::uint8_t>() {
    return H5T_NATIVE_UINT8;
}

/// A file about to be opened or created. @param comm  of one rank: as none
std::shared_ptr<Hdf5OpenFile> begin_file(const std::string& path, Communicator* comm);

/// The plain driver, without locks.
Hdf5Id access_plain(const std::string& path);

/// Throws (Kind::data) where the file is not as long or as old as when it was opened: the plain driver reads zeros beyond the end.
void expect_unchanged(const Hdf5OpenFile& file);

std::string joined(const std::string& parent, const std::string& path); ///< "/a" + "b/c" = "/a/b/c"

// Attributes of a group or dataset.
bool attribute_exists(const Hdf5Object& object, const std::string& name);
std::vector<std::string> attribute_names(const Hdf5Object& object);
std::vector<double> attribute_numbers(const Hdf5Object& object, const std::string& name);
std::vector<std::int64_t> attribute_integers(const Hdf5Object& object, const std::string& name);
std::optional<double> find_attribute_number(const Hdf5Object& object, const std::string& name);
std::optional<std::string> find_attribute_text(const Hdf5Object& object, const std::string& name);
void set_attribute(const Hdf5Object& object, const std::string& name, std::span<const double> values, bool scalar);
void set_attribute(const Hdf5Object& object, const std::string& name, std::span<const std::int64_t> values,
                   bool scalar);
void set_attribute(const Hdf5Object& object, const std::string& name, const std::string& text);

} // namespace tessera::io
