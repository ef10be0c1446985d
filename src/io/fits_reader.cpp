#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/fits_handle.hpp"
#include "tessera/core/options.hpp"
#include "tessera/io/fits.hpp"

namespace tessera::io {

namespace {

std::string upper(std::string text) {
    for (char& c : text) { c = static_cast<char>(std::toupper(static_cast<unsigned char>(c))); }
    return text;
}

std::string trimmed(const std::string& text) { return text.substr(0, text.find_last_not_of(' ') + 1); }

/// Fails with plain words before CFITSIO does: it would call a missing file "could not open".
/// @return  whether the file is packed (gzip, compress)
bool expect_file(const std::string& path) {
    std::error_code ignored;
    const auto refuse = [&](const std::string& found, const std::string& cure) {
        throw Error({.kind = Kind::data, .where = path, .found = found, .expected = "a FITS file", .cure = cure});
    };
    if (!std::filesystem::exists(path, ignored)) { refuse("no such file", "check the path"); }
    if (std::filesystem::is_directory(path, ignored)) { refuse("a folder", "name a file in it"); }
    std::ifstream file(path, std::ios::binary);
    if (!file) { refuse(fmt::format("a file that cannot be read ({})", std::strerror(errno)), "check its rights"); }
    std::string begin(6, '\0');
    file.read(begin.data(), 6);
    const bool packed = begin[0] == '\x1f'; // gzip and compress, which CFITSIO unpacks
    if (!packed && begin != "SIMPLE") {
        refuse("a file that does not begin like FITS", "check the path, or fetch the file again");
    }
    return packed;
}

} // namespace

struct FitsReader::State {
    std::string path;
    fitsfile* file = nullptr;
    std::vector<FitsHdu> hdus;

    ~State() {
        int status = 0;
        if (file != nullptr) { fits_close_file(file, &status); }
        fits_clear_errmsg();
    }
    fitsfile* at(int hdu) {
        int status = 0, type = 0;
        fits_movabs_hdu(file, hdu + 1, &type, &status);
        check_fits(status, Kind::data, path, fmt::format("going to HDU {}", hdu));
        return file;
    }
    /// CFITSIO reads zeros where a file was cut off. A packed file fails as it is unpacked.
    void expect_whole(int hdu) {
        int status = 0;
        LONGLONG begin = 0, header = 0, end = 0;
        fits_get_hduaddrll(at(hdu), &header, &begin, &end, &status);
        const auto key = [&](const std::string& name, LONGLONG missing) {
            LONGLONG value = missing;
            int absent = 0;
            fits_read_key(file, TLONGLONG, name.c_str(), &value, nullptr, &absent);
            fits_clear_errmsg();
            return absent == 0 ? value : missing;
        };
        LONGLONG n = key("NAXIS", 0) == 0 ? 0 : 1;
        for (LONGLONG axis = 1; axis <= key("NAXIS", 0); ++axis) { n *= key(fmt::format("NAXIS{}", axis), 0); }
        const LONGLONG needed = begin + std::abs(key("BITPIX", 8)) / 8 * key("GCOUNT", 1) * (n + key("PCOUNT", 0));
        const LONGLONG size = static_cast<LONGLONG>(std::filesystem::file_size(path));
        if (status == 0 && size >= needed) { return; }
        throw Error({.kind = Kind::data,
                     .where = fmt::format("{}[{}]", path, hdu),
                     .found = fmt::format("a file of {} bytes", size),
                     .expected = fmt::format("{} bytes up to the end of this HDU", needed),
                     .cure = "the file looks truncated: fetch or make it again"});
    }
    FitsHdu describe(int hdu) {
        FitsHdu out;
        int status = 0, type = 0, n_axis = 0;
        at(hdu);
        fits_get_hdu_type(file, &type, &status);
        out.is_table = type != IMAGE_HDU;
        if (out.is_table) {
            LONGLONG n_row = 0;
            fits_get_num_rowsll(file, &n_row, &status);
            out.shape = {n_row};
        } else {
            fits_get_img_dim(file, &n_axis, &status);
            std::vector<LONGLONG> axes(static_cast<std::size_t>(n_axis));
            fits_get_img_sizell(file, n_axis, axes.data(), &status);
            out.shape.assign(axes.rbegin(), axes.rend());
        }
        check_fits(status, Kind::data, path, fmt::format("reading the header of HDU {}", hdu));
        char name[FLEN_VALUE] = "";
        if (fits_read_key(file, TSTRING, "EXTNAME", name, nullptr, &status) == 0) { out.name = upper(trimmed(name)); }
        fits_clear_errmsg();
        return out;
    }
};

FitsReader::FitsReader(const std::string& path) : state_(std::make_shared<State>()) {
    state_->path = path;
    const bool packed = expect_file(path);
    int status = 0, n_hdu = 0;
    fits_open_diskfile(&state_->file, path.c_str(), READONLY, &status);
    check_fits(status, Kind::data, path, "opening it");
    fits_get_num_hdus(state_->file, &n_hdu, &status);
    check_fits(status, Kind::data, path, "counting its HDUs");
    for (int hdu = 0; hdu < n_hdu; ++hdu) {
        state_->hdus.push_back(state_->describe(hdu));
        if (!packed) { state_->expect_whole(hdu); }
    }
}

const std::vector<FitsHdu>& FitsReader::hdus() const { return state_->hdus; }

std::optional<int> FitsReader::find(const std::string& name) const {
    for (std::size_t i = 0; i < state_->hdus.size(); ++i) {
        if (state_->hdus[i].name == upper(name)) { return static_cast<int>(i); }
    }
    return std::nullopt;
}

int FitsReader::index(const std::string& name) const {
    if (const auto hdu = find(name)) { return *hdu; }
    std::vector<std::string> names;
    for (const FitsHdu& hdu : state_->hdus) {
        if (!hdu.name.empty()) { names.push_back(hdu.name); }
    }
    const std::string nearest = nearest_name(upper(name), names);
    throw Error({.kind = Kind::data,
                 .where = state_->path,
                 .found = fmt::format("{} HDUs, named: {}", state_->hdus.size(),
                                      names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))),
                 .expected = fmt::format("an HDU named '{}'", upper(name)),
                 .cure = nearest.empty() ? "check that the file is of the format you named"
                                         : fmt::format("the nearest name is '{}'", nearest)});
}

bool FitsReader::has_key(int hdu, const std::string& keyword) const { return find_text(hdu, keyword).has_value(); }

std::optional<std::string> FitsReader::find_text(int hdu, const std::string& keyword) const {
    int status = 0;
    char* value = nullptr;
    fits_read_key_longstr(state_->at(hdu), keyword.c_str(), &value, nullptr, &status);
    std::optional<std::string> out;
    if (status == 0 && value != nullptr) { out = trimmed(value); }
    if (value != nullptr) {
        int free_status = 0;
        fits_free_memory(value, &free_status);
    }
    fits_clear_errmsg();
    return out;
}

std::optional<double> FitsReader::find_number(int hdu, const std::string& keyword) const {
    int status = 0;
    double value = 0;
    fits_read_key(state_->at(hdu), TDOUBLE, keyword.c_str(), &value, nullptr, &status);
    fits_clear_errmsg();
    return status == 0 ? std::optional(value) : std::nullopt;
}

double FitsReader::number(int hdu, const std::string& keyword) const {
    if (const auto value = find_number(hdu, keyword)) { return *value; }
    const auto text = find_text(hdu, keyword);
    throw Error({.kind = Kind::data,
                 .where = fmt::format("{} (keyword {})", where(hdu), keyword),
                 .found = text ? fmt::format("the text '{}'", *text) : std::string("no such keyword"),
                 .expected = "a number",
                 .cure = "check that the file is of the format you named"});
}

template <class T>
std::vector<T> FitsReader::read_image(int hdu) const {
    const FitsHdu& info = state_->hdus.at(static_cast<std::size_t>(hdu));
    if (info.is_table || info.shape.empty()) {
        throw Error({.kind = Kind::data,
                     .where = where(hdu),
                     .found = info.is_table ? "a table" : "a header without data",
                     .expected = "an image",
                     .cure = "check that the file is of the format you named"});
    }
    std::vector<T> out(static_cast<std::size_t>(
        std::accumulate(info.shape.begin(), info.shape.end(), std::int64_t{1}, std::multiplies<>())));
    int status = 0, any_null = 0;
    if (!out.empty()) {
        fits_read_img(state_->at(hdu), fits_type<T>, 1, static_cast<LONGLONG>(out.size()), nullptr, out.data(),
                      &any_null, &status);
    }
    check_fits(status, Kind::data, where(hdu), "reading its pixels");
    return out;
}
template std::vector<float> FitsReader::read_image<float>(int) const;
template std::vector<double> FitsReader::read_image<double>(int) const;
template std::vector<std::int32_t> FitsReader::read_image<std::int32_t>(int) const;

std::vector<std::string> FitsReader::columns(int hdu) const {
    std::vector<std::string> names;
    if (!state_->hdus.at(static_cast<std::size_t>(hdu)).is_table) { return names; }
    fitsfile* file = state_->at(hdu);
    int status = 0, n = 0;
    fits_get_num_cols(file, &n, &status);
    check_fits(status, Kind::data, where(hdu), "counting its columns");
    for (int i = 1; i <= n; ++i) {
        const auto name = find_text(hdu, fmt::format("TTYPE{}", i));
        names.push_back(name.value_or(""));
    }
    return names;
}

namespace {

struct ColumnShape {
    int number = 0, type = 0;
    LONGLONG repeat = 0, width = 0, n_row = 0;
};

ColumnShape find_column(fitsfile* file, const std::vector<std::string>& names, const std::string& where,
                        const std::string& column) {
    ColumnShape out;
    const auto match =
        std::find_if(names.begin(), names.end(), [&](const std::string& name) { return upper(name) == upper(column); });
    if (match == names.end()) {
        const std::string nearest = nearest_name(column, names);
        throw Error({.kind = Kind::data,
                     .where = where,
                     .found = names.empty() ? "no columns" : fmt::format("the columns {}", fmt::join(names, ", ")),
                     .expected = fmt::format("a column '{}'", column),
                     .cure = nearest.empty() ? "check that the file is of the format you named"
                                             : fmt::format("the nearest name is '{}'", nearest)});
    }
    out.number = static_cast<int>(match - names.begin()) + 1;
    int status = 0;
    fits_get_coltypell(file, out.number, &out.type, &out.repeat, &out.width, &status);
    fits_get_num_rowsll(file, &out.n_row, &status);
    check_fits(status, Kind::data, where, fmt::format("reading the type of column '{}'", column));
    return out;
}

void expect_text(bool is_text, bool wanted, const std::string& where, const std::string& column) {
    if (is_text == wanted) { return; }
    throw Error({.kind = Kind::data,
                 .where = fmt::format("{} (column {})", where, column),
                 .found = is_text ? "text" : "numbers",
                 .expected = wanted ? "text" : "numbers",
                 .cure = "check that the file is of the format you named"});
}

} // namespace

std::vector<double> FitsReader::read_column(int hdu, const std::string& column) const {
    const auto names = columns(hdu);
    fitsfile* file = state_->at(hdu);
    const ColumnShape shape = find_column(file, names, where(hdu), column);
    expect_text(shape.type == TSTRING, false, where(hdu), column);
    std::vector<double> out(static_cast<std::size_t>(shape.repeat * shape.n_row));
    int status = 0, any_null = 0;
    if (!out.empty()) {
        fits_read_col(file, TDOUBLE, shape.number, 1, 1, static_cast<LONGLONG>(out.size()), nullptr, out.data(),
                      &any_null, &status);
    }
    check_fits(status, Kind::data, where(hdu), fmt::format("reading column '{}'", column));
    return out;
}

std::vector<std::string> FitsReader::read_text_column(int hdu, const std::string& column) const {
    const auto names = columns(hdu);
    fitsfile* file = state_->at(hdu);
    const ColumnShape shape = find_column(file, names, where(hdu), column);
    expect_text(shape.type == TSTRING, true, where(hdu), column);
    std::vector<std::string> out;
    std::vector<char> text(static_cast<std::size_t>(shape.repeat) + 1);
    for (LONGLONG row = 1; row <= shape.n_row; ++row) {
        int status = 0, any_null = 0;
        char* one = text.data();
        fits_read_col_str(file, shape.number, row, 1, 1, nullptr, &one, &any_null, &status);
        check_fits(status, Kind::data, where(hdu), fmt::format("reading column '{}'", column));
        out.emplace_back(text.data());
    }
    return out;
}

std::string FitsReader::where(int hdu) const {
    const std::string& name = state_->hdus.at(static_cast<std::size_t>(hdu)).name;
    return name.empty() ? fmt::format("{}[{}]", state_->path, hdu) : fmt::format("{}[{}]", state_->path, name);
}

} // namespace tessera::io
