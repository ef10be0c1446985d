// Attributes. They are metadata: in a file of several ranks every rank writes the same.
#include <cmath>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/hdf5_handle.hpp"
#include "tessera/core/options.hpp"

namespace tessera::io {

namespace {

struct OpenAttribute {
    Hdf5Id id, type;
    H5T_class_t type_class = H5T_NO_CLASS;
    std::size_t n = 0; ///< elements; 0 for an attribute without a value
};

std::string at(const Hdf5Object& object, const std::string& name) {
    return fmt::format("{} (attribute {})", object.where(), name);
}

OpenAttribute open_attribute(const Hdf5Object& object, const std::string& name) {
    OpenAttribute out;
    const std::string where = at(object, name);
    out.id = checked(H5Aopen(object.id.get(), name.c_str(), H5P_DEFAULT), H5Aclose, Kind::data, where, "opening it");
    out.type = checked(H5Aget_type(out.id.get()), H5Tclose, Kind::data, where, "reading its type");
    out.type_class = H5Tget_class(out.type.get());
    const Hdf5Id space = checked(H5Aget_space(out.id.get()), H5Sclose, Kind::data, where, "reading its shape");
    out.n = static_cast<std::size_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space.get())));
    return out;
}

bool is_number(const OpenAttribute& attribute) {
    return attribute.type_class == H5T_INTEGER || attribute.type_class == H5T_FLOAT || attribute.type_class == H5T_ENUM;
}

OpenAttribute open_number(const Hdf5Object& object, const std::string& name) {
    if (!attribute_exists(object, name)) {
        const auto names = attribute_names(object);
        const std::string nearest = nearest_name(name, names);
        throw Error({.kind = Kind::data,
                     .where = at(object, name),
                     .found = names.empty() ? std::string("no attributes at all")
                                            : fmt::format("only {}", fmt::join(names, ", ")),
                     .expected = "this attribute",
                     .cure = nearest.empty() ? "check that the file is of the format you named"
                                             : fmt::format("the nearest name is '{}'", nearest)});
    }
    OpenAttribute attribute = open_attribute(object, name);
    if (!is_number(attribute) || attribute.n == 0) {
        throw Error({.kind = Kind::data,
                     .where = at(object, name),
                     .found = attribute.type_class == H5T_STRING ? "text"
                              : attribute.n == 0                 ? "no value"
                                                                 : "a value that is not a number",
                     .expected = "a number",
                     .cure = "check that the file is of the format you named"});
    }
    return attribute;
}

void write_attribute(const Hdf5Object& object, const std::string& name, hid_t file_type, hid_t memory_type,
                     const void* data, std::size_t n, bool scalar, std::size_t bytes) {
    const std::string where = at(object, name);
    reserve(*object.file, where, static_cast<std::int64_t>(bytes));
    if (attribute_exists(object, name)) { H5Adelete(object.id.get(), name.c_str()); }
    const hsize_t extent = n;
    const Hdf5Id space = checked(scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &extent, nullptr), H5Sclose,
                                 Kind::internal, where, "describing its shape");
    const Hdf5Id attribute =
        checked(H5Acreate2(object.id.get(), name.c_str(), file_type, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                Kind::resource, where, "creating it");
    if (n > 0 && H5Awrite(attribute.get(), memory_type, data) < 0) {
        throw_hdf5(Kind::resource, where, "writing it", "check the free space of the disk");
    }
}

} // namespace

bool attribute_exists(const Hdf5Object& object, const std::string& name) {
    return H5Aexists(object.id.get(), name.c_str()) > 0;
}

std::vector<std::string> attribute_names(const Hdf5Object& object) {
    std::vector<std::string> names;
    const H5A_operator2_t collect = [](hid_t, const char* name, const H5A_info_t*, void* out) -> herr_t {
        static_cast<std::vector<std::string>*>(out)->emplace_back(name);
        return 0;
    };
    H5Aiterate2(object.id.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names);
    return names;
}

std::vector<double> attribute_numbers(const Hdf5Object& object, const std::string& name) {
    const OpenAttribute attribute = open_number(object, name);
    std::vector<double> out(attribute.n);
    if (H5Aread(attribute.id.get(), H5T_NATIVE_DOUBLE, out.data()) < 0) {
        throw_hdf5(Kind::data, at(object, name), "reading it", "the file may be damaged: fetch it again");
    }
    return out;
}

std::vector<std::int64_t> attribute_integers(const Hdf5Object& object, const std::string& name) {
    const OpenAttribute attribute = open_number(object, name);
    std::vector<std::int64_t> out(attribute.n);
    if (attribute.type_class == H5T_FLOAT) {
        const auto values = attribute_numbers(object, name);
        for (std::size_t i = 0; i < out.size(); ++i) { out[i] = std::llround(values[i]); }
    } else if (H5Aread(attribute.id.get(), H5T_NATIVE_INT64, out.data()) < 0) {
        throw_hdf5(Kind::data, at(object, name), "reading it", "the file may be damaged: fetch it again");
    }
    return out;
}

std::optional<double> find_attribute_number(const Hdf5Object& object, const std::string& name) {
    if (!attribute_exists(object, name)) { return std::nullopt; }
    const OpenAttribute attribute = open_attribute(object, name);
    if (!is_number(attribute) || attribute.n == 0) { return std::nullopt; }
    return attribute_numbers(object, name).front();
}

std::optional<std::string> find_attribute_text(const Hdf5Object& object, const std::string& name) {
    if (!attribute_exists(object, name)) { return std::nullopt; }
    const OpenAttribute attribute = open_attribute(object, name);
    if (attribute.type_class != H5T_STRING || attribute.n == 0) { return std::nullopt; }
    if (H5Tis_variable_str(attribute.type.get()) > 0) {
        std::vector<char*> texts(attribute.n, nullptr);
        const Hdf5Id memory(H5Tcopy(attribute.type.get()), H5Tclose);
        if (H5Aread(attribute.id.get(), memory.get(), static_cast<void*>(texts.data())) < 0) {
            throw_hdf5(Kind::data, at(object, name), "reading it", "the file may be damaged: fetch it again");
        }
        std::string out = texts.front() == nullptr ? "" : texts.front();
        const Hdf5Id space(H5Aget_space(attribute.id.get()), H5Sclose);
        H5Dvlen_reclaim(memory.get(), space.get(), H5P_DEFAULT, static_cast<void*>(texts.data()));
        return out;
    }
    const std::size_t length = H5Tget_size(attribute.type.get());
    std::string all(length * attribute.n, '\0');
    if (H5Aread(attribute.id.get(), attribute.type.get(), all.data()) < 0) {
        throw_hdf5(Kind::data, at(object, name), "reading it", "the file may be damaged: fetch it again");
    }
    std::string out = all.substr(0, strnlen(all.c_str(), length));
    if (H5Tget_strpad(attribute.type.get()) == H5T_STR_SPACEPAD) { out.erase(out.find_last_not_of(' ') + 1); }
    return out;
}

void set_attribute(const Hdf5Object& object, const std::string& name, std::span<const double> values, bool scalar) {
    write_attribute(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values.data(), values.size(), scalar,
                    values.size_bytes());
}

void set_attribute(const Hdf5Object& object, const std::string& name, std::span<const std::int64_t> values,
                   bool scalar) {
    write_attribute(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, values.data(), values.size(), scalar,
                    values.size_bytes());
}

void set_attribute(const Hdf5Object& object, const std::string& name, const std::string& text) {
    // Variable length: it is kept outside the object header, whose 64 KiB a long configuration may exceed.
    const Hdf5Id type = checked(H5Tcopy(H5T_C_S1), H5Tclose, Kind::internal, at(object, name), "describing its type");
    H5Tset_size(type.get(), H5T_VARIABLE);
    H5Tset_cset(type.get(), H5T_CSET_UTF8);
    const char* data = text.c_str();
    write_attribute(object, name, type.get(), type.get(), static_cast<const void*>(&data), 1, true, text.size());
}

} // namespace tessera::io
