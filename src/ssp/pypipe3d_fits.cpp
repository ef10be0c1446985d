// The template cubes of pyPipe3D, such as MaStar_CB19: primary image [population, wavelength]; NAMEi
// "spec_ssp_0.0010_z0.0001.spec" holds age and metallicity of row i (age in Gyr unless it ends in Myr; an older form of the
// metallicity, z0037, leaves out the "0."). The spectra are normalised at one wavelength: what the population emits per Msun
// is the row times NORMi, that is divided by 1/NORMi, as RUBIX reads it. A linear axis CRVAL1, CDELT1, CRPIX1.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ssp/dialects.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits.hpp"

namespace tessera::ssp {

namespace {

struct Population {
    double age = 0, metallicity = 0, norm = 0;
};

std::optional<double> number_in(const std::string& text) {
    double value = 0;
    const auto [at, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failure == std::errc() && at == text.data() + text.size() && !text.empty() ? std::optional(value)
                                                                                      : std::nullopt;
}

/// Age [Gyr] and metallicity of "spec_ssp_0.0010_z0.0001.spec"; nullopt if it is not built like this.
std::optional<Population> parse_name(std::string name) {
    const std::string head = "spec_ssp_";
    if (!name.starts_with(head)) { return std::nullopt; }
    name.erase(0, head.size());
    for (const char* tail : {".spec", ".dat"}) {
        if (name.ends_with(tail)) { name.resize(name.size() - std::string(tail).size()); }
    }
    const std::size_t z = name.find("_z");
    if (z == std::string::npos) { return std::nullopt; }
    std::string age = name.substr(0, z), metallicity = name.substr(z + 2);
    double factor = 1;
    if (age.ends_with("Myr")) { factor = 1e-3; }
    if (age.ends_with("Myr") || age.ends_with("Gyr")) { age.resize(age.size() - 3); }
    if (metallicity.find('.') == std::string::npos) { metallicity = "0." + metallicity; }
    const auto age_value = number_in(age), metallicity_value = number_in(metallicity);
    if (!age_value || !metallicity_value) { return std::nullopt; }
    return Population{*age_value * factor, *metallicity_value, 0};
}

Population population_of(const io::FitsReader& file, std::int64_t row) {
    const std::string name_key = fmt::format("NAME{}", row), norm_key = fmt::format("NORM{}", row);
    const std::string name = file.find_text(0, name_key).value_or("");
    std::optional<Population> out = parse_name(name);
    if (!out) {
        throw Error({.kind = Kind::data,
                     .where = file.where(0) + ", keyword " + name_key,
                     .found = name.empty() ? "nothing" : "'" + name + "'",
                     .expected = "a name such as spec_ssp_0.0010_z0.0001.spec (age in Gyr, metallicity)",
                     .cure = "this is no pyPipe3D template file: see docs/ssp.md for the layouts that are read"});
    }
    out->norm = file.number(0, norm_key);
    if (!(out->norm > 0)) {
        throw Error({.kind = Kind::data,
                     .where = file.where(0) + ", keyword " + norm_key,
                     .found = fmt::format("{}", out->norm),
                     .expected = "a normalisation above 0",
                     .cure = "the file is damaged: fetch it again"});
    }
    return *out;
}

std::vector<double> linear_axis(const io::FitsReader& file, std::int64_t n) {
    const double first = file.number(0, "CRVAL1"), step = file.number(0, "CDELT1"),
                 reference = file.find_number(0, "CRPIX1").value_or(1);
    std::vector<double> out;
    for (std::int64_t i = 0; i < n; ++i) { out.push_back(first + (double(i + 1) - reference) * step); }
    return out;
}

std::vector<double> sorted_unique(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return values;
}

std::size_t place(const std::vector<double>& axis, double value) {
    return static_cast<std::size_t>(std::lower_bound(axis.begin(), axis.end(), value) - axis.begin());
}

/// The row of every node [metallicity, age]; each once.
std::vector<std::size_t> rows_of_grid(const io::FitsReader& file, const std::vector<Population>& populations,
                                      const std::vector<double>& metallicity, const std::vector<double>& age) {
    const std::size_t none = populations.size();
    std::vector<std::size_t> rows(metallicity.size() * age.size(), none);
    for (std::size_t row = 0; row < populations.size(); ++row) {
        std::size_t& at =
            rows[place(metallicity, populations[row].metallicity) * age.size() + place(age, populations[row].age)];
        if (at != none) {
            throw Error({.kind = Kind::data,
                         .where = fmt::format("{}, keyword NAME{}", file.where(0), row),
                         .found = fmt::format("the age and metallicity of NAME{}", at),
                         .expected = "every population once",
                         .cure = "remove one of the two spectra"});
        }
        at = row;
    }
    const auto gap = std::find(rows.begin(), rows.end(), none);
    if (gap != rows.end()) {
        const auto node = static_cast<std::size_t>(gap - rows.begin());
        throw Error(
            {.kind = Kind::data,
             .where = file.where(0),
             .found = fmt::format("{} populations, none of {} Gyr with Z = {}", populations.size(),
                                  age[node % age.size()], metallicity[node / age.size()]),
             .expected = fmt::format("a full grid of {} ages and {} metallicities", age.size(), metallicity.size()),
             .cure = "keep the populations that form a full grid"});
    }
    return rows;
}

} // namespace

Library read_pypipe3d_fits(const std::string& path, const ReadHints& hints) {
    const io::FitsReader file(path);
    const std::vector<std::int64_t> shape = file.hdus().front().shape;
    if (shape.size() != 2) {
        throw Error({.kind = Kind::data,
                     .where = file.where(0),
                     .found = fmt::format("shape [{}]", fmt::join(shape, ", ")),
                     .expected = "an image [population, wavelength]",
                     .cure = "this is no pyPipe3D template file"});
    }
    std::vector<Population> populations;
    RawAxis age{{}, "Gyr", file.where(0) + ", keywords NAMEi"}, metallicity{{}, "Z", age.where};
    for (std::int64_t row = 0; row < shape[0]; ++row) {
        populations.push_back(population_of(file, row));
        age.values.push_back(populations.back().age);
        metallicity.values.push_back(populations.back().metallicity);
    }
    age.values = sorted_unique(age.values);
    metallicity.values = sorted_unique(metallicity.values);

    Library library;
    library.source = path;
    library.format = "pypipe3d";
    library.name = std::filesystem::path(path).stem().string();
    library.medium = hints.medium.value_or(Medium::unknown);
    library.age = ages_in_gyr(age, hints.age_unit);
    library.metallicity = metallicities_as_mass_fraction(metallicity, hints, std::nullopt, std::nullopt);
    library.wavelength = wavelengths_in_angstrom(
        {linear_axis(file, shape[1]), file.find_text(0, "CUNIT1"), file.where(0) + ", CRVAL1 and CDELT1"});
    const std::vector<double> image = file.read_image<double>(0);
    const std::size_t n_wave = library.wavelength.size();
    library.flux.reserve(image.size());
    for (const std::size_t row : rows_of_grid(file, populations, metallicity.values, age.values)) {
        for (std::size_t i = 0; i < n_wave; ++i) {
            library.flux.push_back(static_cast<float>(image[row * n_wave + i] * populations[row].norm));
        }
    }
    return library;
}

} // namespace tessera::ssp
