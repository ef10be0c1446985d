// The layout that RUBIX reads as an HDF5 template (age, metallicity, wavelength, flux), and our own plain layout, which is
// the same with units, medium, resolution and IMF stated.
#include <fmt/format.h>

#include "ssp/dialects.hpp"
#include "ssp/hdf5_axes.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::ssp {

namespace {

Medium medium_of_file(const io::Hdf5Group& file, const io::Hdf5Dataset& wavelength) {
    if (const auto text = wavelength.find_text("medium")) {
        return medium_of(*text, wavelength.where() + ", attribute medium");
    }
    if (const auto text = file.find_text("medium")) { return medium_of(*text, file.where() + ", attribute medium"); }
    return Medium::unknown;
}

} // namespace

void check_sum(const std::string& path, const Library& library) {
    const io::Hdf5Group file = io::Hdf5File::open(path);
    const auto text = file.find_text("checksum");
    if (!text) { return; }
    const bool first = file.find_number("version").value_or(1) < 2;
    const std::string now = fmt::format("{:016x}", first ? first_checksum_of(library) : library.checksum);
    if (*text != now) {
        throw Error({.kind = Kind::data,
                     .where = file.where() + ", attribute checksum",
                     .found = fmt::format("{}, while the data give {}", *text, now),
                     .expected = "the checksum of the axes and the flux",
                     .cure = "the file was altered after it was written: convert it again, or remove the attribute if "
                             "the change was meant"});
    }
}

Library read_rubix_hdf5(const std::string& path, const ReadHints& hints, StoredFlux& stored) {
    const io::Hdf5Group file = io::Hdf5File::open(path);
    Library library;
    library.source = path;
    const bool plain = file.find_text("format").value_or("") == "tessera-ssp";
    library.format = plain ? "plain" : "rubix";
    library.name = file.find_text("name").value_or(file.find_text("title").value_or(stem_of(path)));
    library.imf = file.find_text("imf").value_or("");
    library.resolution_fwhm = file.find_number("resolution_fwhm");

    const io::Hdf5Dataset flux = numbers(file, "flux");
    library.age = ages_in_gyr(read_axis(file, "age"), hints.age_unit);
    library.metallicity = metallicities_as_mass_fraction(
        read_axis(file, "metallicity"), hints, MetallicityUnit::mass_fraction, file.find_number("solar_metallicity"));
    library.wavelength = wavelengths_in_angstrom(read_axis(file, "wavelength"));
    library.medium = medium_of_file(file, file.dataset("wavelength"));
    check_shape(flux, library);
    stored = {path, "flux", flux_unit_of(unit_of(flux), flux.where())};
    return library;
}

} // namespace tessera::ssp
