#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <numeric>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "io/fits_handle.hpp"
#include "io/writable.hpp"
#include "tessera/io/fits.hpp"

namespace tessera::io {

namespace {

/// FITS headers hold printable ASCII only.
std::string printable(std::string text) {
    for (char& c : text) {
        if (c == '\n' || c == '\t') { c = ' '; }
        if (c < ' ' || c > '~') { c = '?'; }
    }
    return text;
}

int image_type(FitsPixel pixel) {
    switch (pixel) {
    case FitsPixel::int32: return LONG_IMG;
    case FitsPixel::float32: return FLOAT_IMG;
    case FitsPixel::float64: return DOUBLE_IMG;
    }
    return 0;
}

} // namespace

struct FitsWriter::State {
    std::string path, hdu = "PRIMARY";
    fitsfile* file = nullptr;
    std::int64_t plane = 0;

    ~State() {
        int status = 0;
        if (file != nullptr) { fits_delete_file(file, &status); } // not closed by close(): incomplete
        fits_clear_errmsg();
    }
    std::string where() const { return fmt::format("{}[{}]", path, hdu); }
    void check(int status, const std::string& doing) const { check_fits(status, Kind::resource, where(), doing); }
    void end_hdu() const {
        int status = 0;
        fits_write_chksum(file, &status);
        check(status, "writing its checksum");
    }
};

FitsWriter::FitsWriter(const std::string& path) : state_(std::make_shared<State>()) {
    state_->path = path;
    try_to_create(path);
    ::unlink(path.c_str());
    int status = 0;
    fits_create_diskfile(&state_->file, path.c_str(), &status);
    fits_create_img(state_->file, BYTE_IMG, 0, nullptr, &status);
    state_->check(status, "creating it");
}

void FitsWriter::add_image(const std::string& name, FitsPixel pixel, std::span<const std::int64_t> shape) {
    state_->end_hdu();
    state_->hdu = name;
    std::vector<LONGLONG> axes(shape.rbegin(), shape.rend());
    state_->plane = std::accumulate(shape.begin() + 1, shape.end(), std::int64_t{1}, std::multiplies<>());
    int status = 0;
    fits_create_imgll(state_->file, image_type(pixel), static_cast<int>(axes.size()), axes.data(), &status);
    state_->check(status, "beginning the image");
    set("EXTNAME", name, "name of this HDU");
}

template <class T>
void FitsWriter::write_planes(std::int64_t first, std::span<const T> data) {
    if (data.empty()) { return; }
    int status = 0;
    fits_write_img(state_->file, fits_type<T>, first * state_->plane + 1, static_cast<LONGLONG>(data.size()),
                   const_cast<T*>(data.data()), &status);
    state_->check(status, "writing its pixels");
}
template void FitsWriter::write_planes<float>(std::int64_t, std::span<const float>);
template void FitsWriter::write_planes<double>(std::int64_t, std::span<const double>);
template void FitsWriter::write_planes<std::int32_t>(std::int64_t, std::span<const std::int32_t>);

namespace {

std::string column_format(const FitsColumn& column) {
    if (std::holds_alternative<std::vector<double>>(column.values)) { return "1D"; }
    if (std::holds_alternative<std::vector<std::int64_t>>(column.values)) { return "1K"; }
    std::size_t width = 1;
    for (const std::string& text : std::get<std::vector<std::string>>(column.values)) {
        width = std::max(width, text.size());
    }
    return fmt::format("{}A", width);
}

void write_column(fitsfile* file, int number, const FitsColumn& column, int* status) {
    if (const auto* reals = std::get_if<std::vector<double>>(&column.values)) {
        fits_write_col(file, TDOUBLE, number, 1, 1, static_cast<LONGLONG>(reals->size()),
                       const_cast<double*>(reals->data()), status);
    } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&column.values)) {
        std::vector<LONGLONG> values(integers->begin(), integers->end());
        fits_write_col(file, TLONGLONG, number, 1, 1, static_cast<LONGLONG>(values.size()), values.data(), status);
    } else {
        LONGLONG row = 1;
        for (const std::string& text : std::get<std::vector<std::string>>(column.values)) {
            std::string copy = printable(text);
            char* pointer = copy.data();
            fits_write_col(file, TSTRING, number, row++, 1, 1, static_cast<void*>(&pointer), status);
        }
    }
}

} // namespace

void FitsWriter::add_table(const std::string& name, std::span<const FitsColumn> columns) {
    state_->end_hdu();
    state_->hdu = name;
    state_->plane = 0;
    std::vector<std::string> names, formats, units;
    for (const FitsColumn& column : columns) {
        names.push_back(column.name);
        formats.push_back(column_format(column));
        units.push_back(column.unit);
    }
    const auto pointers = [](std::vector<std::string>& texts) {
        std::vector<char*> out;
        for (std::string& text : texts) { out.push_back(text.data()); }
        return out;
    };
    int status = 0;
    fits_create_tbl(state_->file, BINARY_TBL, 0, static_cast<int>(columns.size()), pointers(names).data(),
                    pointers(formats).data(), pointers(units).data(), name.c_str(), &status);
    int number = 1;
    for (const FitsColumn& column : columns) { write_column(state_->file, number++, column, &status); }
    state_->check(status, "writing the table");
}

void FitsWriter::set(const std::string& keyword, double value, const std::string& comment) {
    int status = 0;
    if (std::isfinite(value)) {
        fits_update_key(state_->file, TDOUBLE, keyword.c_str(), &value, printable(comment).c_str(), &status);
    } else {
        fits_update_key_null(state_->file, keyword.c_str(), printable(comment).c_str(), &status);
    }
    state_->check(status, "writing keyword " + keyword);
}

void FitsWriter::set(const std::string& keyword, std::int64_t value, const std::string& comment) {
    int status = 0;
    LONGLONG number = value;
    fits_update_key(state_->file, TLONGLONG, keyword.c_str(), &number, printable(comment).c_str(), &status);
    state_->check(status, "writing keyword " + keyword);
}

void FitsWriter::set(const std::string& keyword, bool value, const std::string& comment) {
    int status = 0, number = value ? 1 : 0;
    fits_update_key(state_->file, TLOGICAL, keyword.c_str(), &number, printable(comment).c_str(), &status);
    state_->check(status, "writing keyword " + keyword);
}

void FitsWriter::set(const std::string& keyword, const std::string& value, const std::string& comment) {
    int status = 0;
    constexpr std::size_t fits_in_a_card = 60;
    const std::string text = printable(value);
    if (text.size() > fits_in_a_card) { fits_write_key_longwarn(state_->file, &status); }
    fits_update_key_longstr(state_->file, keyword.c_str(), text.c_str(), printable(comment).c_str(), &status);
    state_->check(status, "writing keyword " + keyword);
}

void FitsWriter::comment(const std::string& text) {
    int status = 0;
    fits_write_comment(state_->file, printable(text).c_str(), &status);
    state_->check(status, "writing a comment");
}

void FitsWriter::close() {
    state_->end_hdu();
    int status = 0;
    fits_flush_file(state_->file, &status);
    state_->check(status, "writing the last of it to disk");
    fits_close_file(state_->file, &status);
    state_->file = nullptr;
    if (status != 0) { ::unlink(state_->path.c_str()); }
    state_->check(status, "closing it");
    const int descriptor = ::open(state_->path.c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
    const int reason = errno;
    if (descriptor >= 0) { ::close(descriptor); }
    if (!synced) {
        ::unlink(state_->path.c_str());
        throw Error({.kind = Kind::resource,
                     .where = state_->path,
                     .found = fmt::format("it did not reach the disk ({})", std::strerror(reason)),
                     .expected = "a disk with room",
                     .cure = "check the free space and the quota of the disk"});
    }
}

std::string FitsWriter::library_version() {
    float version = 0;
    fits_get_version(&version);
    return fmt::format("CFITSIO {}.{}.{}", CFITSIO_MAJOR, CFITSIO_MINOR, CFITSIO_MICRO);
}

} // namespace tessera::io
