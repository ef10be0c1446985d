// pPXF's template files (github.com/micappe/ppxf_data): templates [wavelength, age, metallicity] in Lsun/Angstrom per Msun
// formed, lam Angstrom, ages Gyr, metals [M/H], fwhm Angstrom. What the file does not say - which Sun [M/H] means, air or
// vacuum - is known for the published files by their names.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ssp/dialects.hpp"
#include "ssp/npz.hpp"
#include "tessera/core/error.hpp"

namespace tessera::ssp {

namespace {

struct Published {
    const char* part_of_name;
    const char* name;
    Medium medium;
    double solar;       ///< mass fraction at [M/H] = 0
    bool padova_helium; ///< [M/H] counts hydrogen, see padova_mass_fraction
};

// E-MILES: Vazdekis et al. (2016), Padova 2000 tracks, air. GALAXEV: Bruzual & Charlot (2003), Padova 1994, air above 2000
// Angstrom. FSPS 3.2: Conroy et al. (2009), MIST tracks (Choi et al. 2016: protosolar 0.0142), vacuum. XSL: Verro et al.
// (2022), PARSEC tracks (Bressan et al. 2012: 0.0152), air.
constexpr Published published[] = {
    {"emiles", "E-MILES (pPXF)", Medium::air, 0.019, true},
    {"galaxev", "GALAXEV (pPXF)", Medium::air, 0.02, false},
    {"fsps", "FSPS (pPXF)", Medium::vacuum, 0.0142, false},
    {"xsl", "XSL (pPXF)", Medium::air, 0.0152, false},
};

const Published* find_published(const std::string& path) {
    const std::string file = std::filesystem::path(path).filename().string();
    for (const Published& candidate : published) {
        if (file.find(candidate.part_of_name) != std::string::npos) { return &candidate; }
    }
    return nullptr;
}

/// [M/H] = log10((Z/X) / (Z/X)_sun) with Y = 0.23 + 2.25 Z (Girardi et al. 2000, A&AS 141, 371), so X = 0.77 - 3.25 Z:
/// gives their Z = 0.0004, 0.001, 0.004, 0.008, 0.019, 0.03 for -1.71, -1.31, -0.71, -0.40, 0, 0.22.
double padova_mass_fraction(double m_h) {
    constexpr double solar_ratio = 0.019 / (0.77 - 3.25 * 0.019);
    const double ratio = solar_ratio * std::pow(10.0, m_h);
    return 0.77 * ratio / (1 + 3.25 * ratio);
}

/// One number for the optical: the median of fwhm between 3600 and 9300 Angstrom, or everywhere if none lies there.
double optical_fwhm(const NpyArray& fwhm, const std::vector<double>& wavelength) {
    std::vector<double> inside;
    for (std::size_t i = 0; i < std::min(fwhm.values.size(), wavelength.size()); ++i) {
        if (wavelength[i] >= 3600 && wavelength[i] <= 9300) { inside.push_back(fwhm.values[i]); }
    }
    if (inside.empty() || fwhm.values.size() != wavelength.size()) { inside = fwhm.values; }
    std::sort(inside.begin(), inside.end());
    return inside.empty() ? 0 : inside[inside.size() / 2];
}

RawAxis axis_of(const Npz& file, const std::string& name, const char* unit) {
    NpyArray array = file.read(name);
    if (array.shape.size() != 1) {
        throw Error({.kind = Kind::data,
                     .where = array.where,
                     .found = fmt::format("shape [{}]", fmt::join(array.shape, ", ")),
                     .expected = "one dimension",
                     .cure = "write each axis as one list of values"});
    }
    return {std::move(array.values), unit, array.where};
}

std::vector<double> mass_fractions(const Npz& file, const Published* known, const ReadHints& hints) {
    const RawAxis metals = axis_of(file, "metals", "[M/H]");
    if (known != nullptr && known->padova_helium && !hints.solar_metallicity && !hints.metallicity_unit) {
        RawAxis converted = metals;
        for (double& value : converted.values) { value = padova_mass_fraction(value); }
        converted.unit = "mass fraction";
        return metallicities_as_mass_fraction(converted, hints, std::nullopt, std::nullopt);
    }
    return metallicities_as_mass_fraction(metals, hints, std::nullopt,
                                          known != nullptr ? std::optional(known->solar) : std::nullopt);
}

/// [wavelength, age, metallicity] to [metallicity, age, wavelength]
std::vector<float> transposed(const std::vector<double>& templates, std::size_t n_wave, std::size_t n_age,
                              std::size_t n_metal) {
    std::vector<float> out(templates.size());
    for (std::size_t w = 0; w < n_wave; ++w) {
        for (std::size_t a = 0; a < n_age; ++a) {
            for (std::size_t m = 0; m < n_metal; ++m) {
                out[(m * n_age + a) * n_wave + w] = static_cast<float>(templates[(w * n_age + a) * n_metal + m]);
            }
        }
    }
    return out;
}

} // namespace

Library read_ppxf_npz(const std::string& path, const ReadHints& hints) {
    const Npz file(path);
    const Published* known = find_published(path);
    Library library;
    library.source = path;
    library.format = "ppxf";
    library.name = known != nullptr ? known->name : std::filesystem::path(path).stem().string();
    library.medium = known != nullptr ? known->medium : Medium::unknown;
    library.age = ages_in_gyr(axis_of(file, "ages", "Gyr"), hints.age_unit);
    library.metallicity = mass_fractions(file, known, hints);
    library.wavelength = wavelengths_in_angstrom(axis_of(file, "lam", "Angstrom"));
    const NpyArray templates = file.read("templates");
    const std::vector<std::int64_t> expected{library.n_wave(), library.n_age(), library.n_metallicity()};
    if (templates.shape != expected) {
        throw Error(
            {.kind = Kind::data,
             .where = templates.where,
             .found = fmt::format("shape [{}]", fmt::join(templates.shape, ", ")),
             .expected = fmt::format("[lam, ages, metals] = [{}]", fmt::join(expected, ", ")),
             .cure = "this is no pPXF template file, or an old one: fetch it from github.com/micappe/ppxf_data"});
    }
    library.flux =
        transposed(templates.values, library.wavelength.size(), library.age.size(), library.metallicity.size());
    if (file.has("fwhm")) {
        const double fwhm = optical_fwhm(file.read("fwhm"), library.wavelength);
        if (fwhm > 0) { library.resolution_fwhm = fwhm; }
    }
    return library;
}

} // namespace tessera::ssp
