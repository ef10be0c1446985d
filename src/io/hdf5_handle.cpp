#include "io/hdf5_handle.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace tessera::io {

void silence_hdf5() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

std::string hdf5_message() {
    std::string text;
    const H5E_walk2_t innermost = [](unsigned level, const H5E_error2_t* entry, void* out) -> herr_t {
        if (level == 0 && entry->desc != nullptr) { *static_cast<std::string*>(out) = entry->desc; }
        return 0;
    };
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, &text);
    // "file read failed: time = …, filename = …, errno = 5, error message = 'Input/output error', …": what and why, in one line
    const std::string why = "error message = '";
    const std::size_t begin = text.find(why);
    if (begin != std::string::npos) {
        const std::size_t from = begin + why.size();
        text = text.substr(0, text.find(':')) + ": " + text.substr(from, text.find('\'', from) - from);
    }
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text.empty() ? "HDF5 failed without a message" : text;
}

void throw_hdf5(Kind kind, const std::string& where, const std::string& doing, const std::string& cure) {
    const std::string message = hdf5_message();
    throw Error({.kind = kind,
                 .where = where,
                 .found = fmt::format("a failure when {}: {}", doing, message),
                 .expected = "the HDF5 library to succeed",
                 .cure = cure});
}

Hdf5Id checked(hid_t id, Hdf5Id::Close close, Kind kind, const std::string& where, const std::string& doing) {
    if (id < 0) {
        throw_hdf5(kind, where, doing,
                   kind == Kind::resource ? "check the free space and the rights of the folder"
                                          : "the file may be damaged: fetch or make it again");
    }
    return {id, close};
}

std::string joined(const std::string& parent, const std::string& path) {
    std::string out = !path.empty() && path.front() == '/' ? "" : parent;
    std::size_t begin = 0;
    while (begin < path.size()) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        if (end > begin) {
            if (out.empty() || out.back() != '/') { out += '/'; }
            out.append(path, begin, end - begin);
        }
        begin = end + 1;
    }
    return out.empty() ? "/" : out;
}

} // namespace tessera::io
