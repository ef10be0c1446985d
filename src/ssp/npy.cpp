#include "ssp/npy.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "tessera/core/error.hpp"

namespace tessera::ssp {

namespace {

[[noreturn]] void refuse_array(const std::string& where, std::string found, std::string expected) {
    throw Error({.kind = Kind::data,
                 .where = where,
                 .found = std::move(found),
                 .expected = std::move(expected),
                 .cure = "write the file with numpy.savez from arrays of numbers, or fetch it again"});
}

/// What stands after 'key': in the header, a Python literal such as {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
std::string entry(const std::string& header, const std::string& key, const std::string& where) {
    const std::size_t at = header.find("'" + key + "':");
    if (at == std::string::npos) {
        refuse_array(where, "an .npy header without " + key, "descr, fortran_order and shape");
    }
    const std::size_t begin = header.find_first_not_of(' ', at + key.size() + 3);
    if (begin == std::string::npos) {
        refuse_array(where, "an .npy header that ends early", "descr, fortran_order and shape");
    }
    const std::size_t end = header[begin] == '(' ? header.find(')', begin) : header.find_first_of(",}", begin);
    return header.substr(begin, end == std::string::npos ? end : end - begin);
}

std::vector<std::int64_t> parse_shape(const std::string& text, const std::string& where) {
    std::vector<std::int64_t> shape;
    std::int64_t value = -1;
    for (const char c : text + ",") {
        if (c >= '0' && c <= '9') {
            value = (value < 0 ? 0 : value) * 10 + (c - '0');
            if (value > (std::int64_t{1} << 40)) { refuse_array(where, "the shape " + text, "a possible one"); }
        } else if (value >= 0) {
            shape.push_back(value);
            value = -1;
        }
    }
    return shape;
}

template <class T>
std::vector<double> numbers_of(const char* bytes, std::size_t n, bool swap) {
    std::vector<double> out(n);
    for (std::size_t i = 0; i < n; ++i) {
        char item[sizeof(T)];
        std::memcpy(item, bytes + i * sizeof(T), sizeof(T));
        if (swap) { std::reverse(item, item + sizeof(T)); }
        T value;
        std::memcpy(&value, item, sizeof(T));
        out[i] = static_cast<double>(value);
    }
    return out;
}

std::vector<double> convert(const std::string& type, const char* bytes, std::size_t n, bool swap,
                            const std::string& where) {
    if (type == "f8") { return numbers_of<double>(bytes, n, swap); }
    if (type == "f4") { return numbers_of<float>(bytes, n, swap); }
    if (type == "i8") { return numbers_of<std::int64_t>(bytes, n, swap); }
    if (type == "i4") { return numbers_of<std::int32_t>(bytes, n, swap); }
    if (type == "i2") { return numbers_of<std::int16_t>(bytes, n, swap); }
    if (type == "u8") { return numbers_of<std::uint64_t>(bytes, n, swap); }
    if (type == "u4") { return numbers_of<std::uint32_t>(bytes, n, swap); }
    if (type == "u2") { return numbers_of<std::uint16_t>(bytes, n, swap); }
    refuse_array(where, fmt::format("elements of the NumPy type '{}'", type),
                 "integers or floating-point numbers of 2 to 8 bytes");
}

/// Fortran order (first index fastest) to C order.
std::vector<double> to_c_order(const std::vector<double>& values, const std::vector<std::int64_t>& shape) {
    std::vector<double> out(values.size());
    std::vector<std::int64_t> index(shape.size(), 0);
    for (const double value : values) {
        std::int64_t flat = 0;
        for (std::size_t d = 0; d < shape.size(); ++d) { flat = flat * shape[d] + index[d]; }
        out[static_cast<std::size_t>(flat)] = value;
        for (std::size_t d = 0; d < shape.size() && ++index[d] == shape[d]; ++d) { index[d] = 0; }
    }
    return out;
}

} // namespace

NpyArray parse_npy(const std::string& bytes, const std::string& where) {
    if (bytes.size() < 12 || !bytes.starts_with("\x93NUMPY")) { refuse_array(where, "no .npy array", "one"); }
    const bool wide = bytes[6] >= 2; // version 1 has the header's length in 2 bytes
    std::size_t header_size = static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
    if (wide) {
        header_size += 65536u * (static_cast<unsigned char>(bytes[10]) + 256u * static_cast<unsigned char>(bytes[11]));
    }
    const std::size_t data = (wide ? 12 : 10) + header_size;
    if (data > bytes.size()) { refuse_array(where, "an .npy header that ends early", "a whole array"); }
    const std::string header = bytes.substr(0, data);

    NpyArray array;
    array.where = where;
    const std::string descr = entry(header, "descr", where);
    if (descr.size() < 5 || descr.front() != '\'') {
        refuse_array(where, "elements of the NumPy type " + descr, "plain numbers");
    }
    const std::string type = descr.substr(2, descr.size() - 3);
    array.shape = parse_shape(entry(header, "shape", where), where);
    std::size_t n = 1;
    for (const std::int64_t extent : array.shape) {
        n *= static_cast<std::size_t>(extent);
        if (n > bytes.size()) {
            refuse_array(where, fmt::format("{} bytes", bytes.size()), "as many as the shape needs");
        }
    }
    const std::size_t width =
        type.size() == 2 && type[1] >= '1' && type[1] <= '9' ? static_cast<std::size_t>(type[1] - '0') : 1;
    if (n * width > bytes.size() - data) {
        refuse_array(where, fmt::format("{} bytes of data", bytes.size() - data),
                     fmt::format("{} for {} elements", n * width, n));
    }
    array.values = convert(type, bytes.data() + data, n, descr[1] == '>', where);
    if (entry(header, "fortran_order", where).starts_with("True")) {
        array.values = to_c_order(array.values, array.shape);
    }
    return array;
}

} // namespace tessera::ssp
