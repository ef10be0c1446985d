// The plain layout: docs/ssp.md.
#include <fmt/format.h>

#include "ssp/dialects.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/io/hdf5.hpp"
#include "tessera/io/write_aside.hpp"

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
    io::Hdf5File::close(file);
}

} // namespace

void write_library(const Library& library, const std::string& path) {
    const auto alone = make_self_communicator();
    io::write_aside(path, *alone, [&](const std::string& temporary) {
        io::Hdf5Group file = io::Hdf5File::create(temporary);
        fill(file, library);
    });
}

} // namespace tessera::ssp
