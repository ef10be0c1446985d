#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ssp/dialects.hpp"
#include "tessera/core/constants.hpp"

namespace tessera::ssp {

namespace {

std::string size_text(double bytes) {
    if (bytes >= 1e9) { return fmt::format("{:.2f} GB", bytes * 1e-9); }
    return bytes >= 1e6 ? fmt::format("{:.1f} MB", bytes * 1e-6) : fmt::format("{:.1f} kB", bytes * 1e-3);
}

/// "1 to 20 Angstrom", or "1 Angstrom" when it is the same everywhere.
std::string spacing(const std::vector<double>& wavelength) {
    double least = wavelength[1] - wavelength[0], most = least;
    for (std::size_t i = 1; i + 1 < wavelength.size(); ++i) {
        least = std::min(least, wavelength[i + 1] - wavelength[i]);
        most = std::max(most, wavelength[i + 1] - wavelength[i]);
    }
    if (most - least <= 1e-3 * most) { return fmt::format("{:.4g} Angstrom everywhere", most); }
    return fmt::format("{:.4g} to {:.4g} Angstrom", least, most);
}

/// Spacing at one wavelength, where the library covers it.
std::string spacing_at(const std::vector<double>& wavelength, double where) {
    const auto above = std::upper_bound(wavelength.begin(), wavelength.end(), where);
    if (above == wavelength.begin() || above == wavelength.end()) { return ""; }
    const double step = *above - *(above - 1);
    return fmt::format("; {:.4g} Angstrom ({:.0f} km/s) at {:.0f}", step, step / where * constants::speed_of_light,
                       where);
}

std::string list(const std::vector<double>& values) {
    std::string out;
    for (const double value : values) { out += fmt::format("{}{:.4g}", out.empty() ? "" : ", ", value); }
    return out;
}

} // namespace

std::string summary(const Library& library) {
    std::string out;
    const auto line = [&out](const char* name, const std::string& text) {
        out += fmt::format("{:<12} {}\n", name, text);
    };
    line("name", library.name);
    line("source",
         library.source == library.format ? library.source : fmt::format("{} ({})", library.source, library.format));
    line("metallicity", fmt::format("{} from {:.4g} to {:.4g} (mass fraction){}", library.n_metallicity(),
                                    library.metallicity.front(), library.metallicity.back(),
                                    library.n_metallicity() <= 30 ? ": " + list(library.metallicity) : ""));
    line("age", fmt::format("{} from {:.4g} to {:.4g} Gyr{}", library.n_age(), library.age.front(), library.age.back(),
                            library.n_age() <= 30 ? ": " + list(library.age) : ""));
    line("wavelength",
         fmt::format("{} from {:.6g} to {:.6g} Angstrom, {}", library.n_wave(), library.wavelength.front(),
                     library.wavelength.back(),
                     library.medium == Medium::unknown ? "air or vacuum: not stated" : name_of(library.medium)));
    line("spacing", spacing(library.wavelength) + spacing_at(library.wavelength, 5500));
    line("resolution", library.resolution_fwhm
                           ? fmt::format("{:.4g} Angstrom (full width at half maximum)", *library.resolution_fwhm)
                           : "not stated");
    line("IMF", library.imf.empty() ? "not stated" : library.imf);
    line("flux", fmt::format("Lsun/Angstrom per Msun formed, {:.4g} to {:.4g}",
                             *std::min_element(library.flux.begin(), library.flux.end()),
                             *std::max_element(library.flux.begin(), library.flux.end())));
    line("size", size_text(static_cast<double>(library.flux.size()) * sizeof(float)));
    line("checksum", fmt::format("{:016x}", library.checksum));
    return out;
}

} // namespace tessera::ssp
