#include "io/fits_draft.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <numeric>

#include <fmt/format.h>

#include "io/fits_handle.hpp"

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

std::int64_t size_of(FitsPixel pixel) {
    switch (pixel) {
    case FitsPixel::int32:
    case FitsPixel::float32: return 4;
    case FitsPixel::float64: return 8;
    }
    return 0;
}

struct FitsDraft::State {
    std::string path, hdu = "PRIMARY";
    fitsfile* file = nullptr;
    void* memory = nullptr; ///< CFITSIO makes it larger as the draft grows
    std::size_t memory_size = fits_block;
    std::vector<FitsPart> parts;

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        int status = 0;
        if (file != nullptr) { fits_close_file(file, &status); }
        fits_clear_errmsg();
        std::free(memory);
    }
    void check(int status, const std::string& doing) const {
        check_fits(status, Kind::resource, fmt::format("{}[{}]", path, hdu), doing);
    }
    void begin(const std::string& name) {
        hdu = name;
        for (const FitsPart& part : parts) {
            if (part.name == name) { throw Error({.where = path, .found = "two HDUs named " + name}); }
        }
        parts.push_back({.name = name});
    }
    /// Places for the checksums, which end a header.
    void end_hdu() const {
        int status = 0;
        std::string sixteen(16, '0'), ten(10, '0');
        fits_update_key(file, TSTRING, "CHECKSUM", sixteen.data(), "HDU checksum", &status);
        fits_update_key(file, TSTRING, "DATASUM", ten.data(), "data unit checksum", &status);
        check(status, "writing its checksum");
    }
};

FitsDraft::FitsDraft(const std::string& path) : state_(std::make_shared<State>()) {
    state_->path = path;
    state_->memory = std::malloc(state_->memory_size);
    if (state_->memory == nullptr) { throw std::bad_alloc(); }
    state_->begin("PRIMARY");
    constexpr std::size_t growth = 16 * fits_block;
    int status = 0;
    fits_create_memfile(&state_->file, &state_->memory, &state_->memory_size, growth, std::realloc, &status);
    fits_create_img(state_->file, BYTE_IMG, 0, nullptr, &status);
    state_->check(status, "beginning it");
}

void FitsDraft::add_image(const std::string& name, FitsPixel pixel, std::span<const std::int64_t> shape) {
    state_->end_hdu();
    state_->begin(name);
    FitsPart& part = state_->parts.back();
    part.is_image = true;
    part.pixel = pixel;
    part.rows = shape.front();
    part.plane = std::accumulate(shape.begin() + 1, shape.end(), std::int64_t{1}, std::multiplies<>());
    std::vector<LONGLONG> axes(shape.rbegin(), shape.rend());
    axes.back() = 0; // no planes here: finish() puts the number of those that the file will have
    int status = 0;
    fits_create_imgll(state_->file, image_type(pixel), static_cast<int>(axes.size()), axes.data(), &status);
    state_->check(status, "beginning the image");
    set("EXTNAME", name, "name of this HDU");
}

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

void FitsDraft::add_table(const std::string& name, std::span<const FitsColumn> columns) {
    state_->end_hdu();
    state_->begin(name);
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

void FitsDraft::set(const std::string& keyword, double value, const std::string& comment) {
    int status = 0;
    if (std::isfinite(value)) {
        fits_update_key(state_->file, TDOUBLE, keyword.c_str(), &value, printable(comment).c_str(), &status);
    } else {
        fits_update_key_null(state_->file, keyword.c_str(), printable(comment).c_str(), &status);
    }
    state_->check(status, "writing keyword " + keyword);
}

void FitsDraft::set(const std::string& keyword, std::int64_t value, const std::string& comment) {
    int status = 0;
    LONGLONG number = value;
    fits_update_key(state_->file, TLONGLONG, keyword.c_str(), &number, printable(comment).c_str(), &status);
    state_->check(status, "writing keyword " + keyword);
}

void FitsDraft::set(const std::string& keyword, bool value, const std::string& comment) {
    int status = 0, number = value ? 1 : 0;
    fits_update_key(state_->file, TLOGICAL, keyword.c_str(), &number, printable(comment).c_str(), &status);
    state_->check(status, "writing keyword " + keyword);
}

void FitsDraft::set(const std::string& keyword, const std::string& value, const std::string& comment) {
    int status = 0;
    constexpr std::size_t fits_in_a_card = 60;
    const std::string text = printable(value);
    if (text.size() > fits_in_a_card) { fits_write_key_longwarn(state_->file, &status); }
    fits_update_key_longstr(state_->file, keyword.c_str(), text.c_str(), printable(comment).c_str(), &status);
    state_->check(status, "writing keyword " + keyword);
}

void FitsDraft::comment(const std::string& text) {
    int status = 0;
    fits_write_comment(state_->file, printable(text).c_str(), &status);
    state_->check(status, "writing a comment");
}

namespace {

/// The number of planes in a header that says 0.
void set_planes(std::string& header, int n_axis, std::int64_t rows) {
    constexpr std::size_t card_length = 80, value_begin = 10, value_length = 20;
    const std::string keyword = fmt::format("{:<8}=", fmt::format("NAXIS{}", n_axis));
    for (std::size_t at = 0; at < header.size(); at += card_length) {
        if (header.compare(at, keyword.size(), keyword) == 0) {
            header.replace(at + value_begin, value_length, fmt::format("{:>20}", rows));
            return;
        }
    }
    throw Error({.where = "a FITS header", .found = "no keyword " + keyword});
}

struct Place {
    LONGLONG header = 0, data = 0, end = 0;
    int n_axis = 0;
};

} // namespace

std::vector<FitsPart> FitsDraft::finish() {
    state_->end_hdu();
    std::vector<Place> places(state_->parts.size());
    int status = 0, type = 0, number = 1;
    for (Place& place : places) {
        fits_movabs_hdu(state_->file, number++, &type, &status);
        fits_get_hduaddrll(state_->file, &place.header, &place.data, &place.end, &status);
        if (type == IMAGE_HDU) { fits_get_img_dim(state_->file, &place.n_axis, &status); }
    }
    state_->check(status, "describing it");
    fits_close_file(state_->file, &status);
    state_->file = nullptr;
    state_->check(status, "describing it");
    const char* bytes = static_cast<const char*>(state_->memory);
    for (std::size_t i = 0; i < places.size(); ++i) {
        FitsPart& part = state_->parts[i];
        part.header.assign(bytes + places[i].header, bytes + places[i].data);
        part.table.assign(bytes + places[i].data, bytes + places[i].end);
        if (part.is_image) { set_planes(part.header, places[i].n_axis, part.rows); }
    }
    return std::move(state_->parts);
}

} // namespace tessera::io
