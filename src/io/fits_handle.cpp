#include "io/fits_handle.hpp"

#include <fmt/format.h>

namespace tessera::io {

std::string fits_message(int status) {
    char text[FLEN_STATUS] = "";
    fits_get_errstatus(status, text);
    char detail[FLEN_ERRMSG] = "";
    const bool has_detail = fits_read_errmsg(detail) != 0;
    fits_clear_errmsg();
    return has_detail ? fmt::format("{} ({})", text, detail) : std::string(text);
}

void check_fits(int status, Kind kind, const std::string& where, const std::string& doing) {
    if (status == 0) { return; }
    throw Error({.kind = kind,
                 .where = where,
                 .found = fmt::format("a failure when {}: {}", doing, fits_message(status)),
                 .expected = "the CFITSIO library to succeed",
                 .cure = kind == Kind::resource ? "check the free space and the quota of the disk"
                                                : "the file looks damaged: fetch or make it again"});
}

} // namespace tessera::io
