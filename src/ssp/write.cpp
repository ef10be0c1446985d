// The plain layout: docs/ssp.md.
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "ssp/dialects.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::ssp {

namespace {

template <class T>
io::Hdf5Dataset put(io::Hdf5Group& file, const std::string& name, io::NumberType type,
                    const std::vector<std::int64_t>& shape, const std::vector<T>& values, const std::string& unit,
                    const std::string& description) {
    io::Hdf5Dataset dataset = file.create_dataset(name, type, shape);
    dataset.write_all<T>(values);
    dataset.set("unit", unit);
    dataset.set("description", description);
    return dataset;
}

void fill(io::Hdf5Group& file, const Library& library) {
    file.set("format", std::string("tessera-ssp"));
    file.set("version", std::int64_t{2});
    file.set("name", library.name);
    file.set("origin", library.source);
    file.set("origin_format", library.format);
    file.set("medium", std::string(name_of(library.medium)));
    if (!library.imf.empty()) { file.set("imf", library.imf); }
    if (library.resolution_fwhm) { file.set("resolution_fwhm", *library.resolution_fwhm); } // Angstrom
    file.set("checksum", fmt::format("{:016x}", checksum_of(library)));
    const auto float64 = io::NumberType::float64;
    put(file, "metallicity", float64, {library.n_metallicity()}, library.metallicity, "mass fraction",
        "metallicity, ascending");
    put(file, "age", float64, {library.n_age()}, library.age, "Gyr", "age, ascending");
    put(file, "wavelength", float64, {library.n_wave()}, library.wavelength, "Angstrom",
        "rest-frame wavelength, ascending")
        .set("medium", std::string(name_of(library.medium)));
    put(file, "flux", io::NumberType::float32, {library.n_metallicity(), library.n_age(), library.n_wave()},
        library.flux, "Lsun/Angstrom/Msun", "luminosity per Angstrom and per solar mass formed")
        .set("axes", std::string("metallicity, age, wavelength"));
    io::Hdf5File::flush(file);
}

} // namespace

void write_library(const Library& library, const std::string& path) {
    // Aside, then renamed: a file that exists is complete.
    const std::string aside = path + ".partial";
    std::error_code failure;
    try {
        io::Hdf5Group file = io::Hdf5File::create(aside);
        fill(file, library);
    } catch (...) {
        std::filesystem::remove(aside, failure);
        throw;
    }
    std::filesystem::rename(aside, path, failure);
    if (failure) {
        const std::string reason = failure.message();
        std::filesystem::remove(aside, failure);
        throw Error({.kind = Kind::resource,
                     .where = path,
                     .found = reason,
                     .expected = "a place where the file can be written",
                     .cure = "choose another output path"});
    }
}

} // namespace tessera::ssp
