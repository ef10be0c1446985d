// DSPS's template file: ssp_lgmet log10(mass fraction), ssp_lg_age_gyr log10(age/Gyr) (ssp_lg_age in older files), ssp_wave
// Angstrom, ssp_flux [metallicity, age, wavelength] Lsun/Hz/Msun. The names carry the units. Spectra come from FSPS, which
// gives vacuum wavelengths.
#include "ssp/dialects.hpp"
#include "ssp/hdf5_axes.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::ssp {

Library read_dsps_hdf5(const std::string& path, const ReadHints& hints, StoredFlux& stored) {
    const io::Hdf5Group file = io::Hdf5File::open(path);
    Library library;
    library.source = path;
    library.format = "dsps";
    library.name = file.find_text("name").value_or(stem_of(path));
    library.imf = file.find_text("imf").value_or("");
    library.medium = Medium::vacuum;

    const io::Hdf5Dataset flux = numbers(file, "ssp_flux");
    RawAxis age =
        read_axis(file, !file.has("ssp_lg_age_gyr") && file.has("ssp_lg_age") ? "ssp_lg_age" : "ssp_lg_age_gyr");
    if (!age.unit) { age.unit = "log10(Gyr)"; }
    RawAxis metallicity = read_axis(file, "ssp_lgmet");
    library.age = ages_in_gyr(age, hints.age_unit);
    library.metallicity =
        metallicities_as_mass_fraction(metallicity, hints, MetallicityUnit::log10_mass_fraction, std::nullopt);
    library.wavelength = wavelengths_in_angstrom(read_axis(file, "ssp_wave"));
    check_shape(flux, library);
    stored = {path, "ssp_flux", FluxUnit::lsun_per_hz};
    return library;
}

} // namespace tessera::ssp
