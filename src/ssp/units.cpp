#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ssp/dialects.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"

namespace tessera::ssp {

namespace {

/// Lower case without blanks and underscores, so that "log10 (Age / Gyr)" and "log10(age/gyr)" are one.
std::string plain(const std::string& unit) {
    std::string out;
    for (const char c : unit) {
        if (c == ' ' || c == '_' || c == '\0') { continue; }
        out += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return out;
}

template <class Unit, std::size_t N>
std::optional<Unit> find_unit(const std::string& unit, const std::array<std::pair<const char*, Unit>, N>& words) {
    const std::string text = plain(unit);
    for (const auto& [word_of_unit, value] : words) {
        if (text == word_of_unit) { return value; }
    }
    return std::nullopt;
}

constexpr std::array age_words{
    std::pair{"gyr", AgeUnit::gyr},
    std::pair{"myr", AgeUnit::myr},
    std::pair{"yr", AgeUnit::yr},
    std::pair{"year", AgeUnit::yr},
    std::pair{"years", AgeUnit::yr},
    std::pair{"log10(gyr)", AgeUnit::log10_gyr},
    std::pair{"log(gyr)", AgeUnit::log10_gyr},
    std::pair{"log10(age/gyr)", AgeUnit::log10_gyr},
    std::pair{"dex(gyr)", AgeUnit::log10_gyr},
    std::pair{"log10(yr)", AgeUnit::log10_yr},
    std::pair{"log(yr)", AgeUnit::log10_yr},
    std::pair{"log10(age/yr)", AgeUnit::log10_yr},
    std::pair{"dex(yr)", AgeUnit::log10_yr},
};

constexpr std::array metallicity_words{
    std::pair{"z", MetallicityUnit::mass_fraction},
    std::pair{"1", MetallicityUnit::mass_fraction},
    std::pair{"massfraction", MetallicityUnit::mass_fraction},
    std::pair{"dimensionless", MetallicityUnit::mass_fraction},
    std::pair{"log10(z)", MetallicityUnit::log10_mass_fraction},
    std::pair{"log(z)", MetallicityUnit::log10_mass_fraction},
    std::pair{"log10(massfraction)", MetallicityUnit::log10_mass_fraction},
    std::pair{"zsun", MetallicityUnit::solar},
    std::pair{"z/zsun", MetallicityUnit::solar},
    std::pair{"solar", MetallicityUnit::solar},
    std::pair{"log10(zsun)", MetallicityUnit::log10_solar},
    std::pair{"log10(z/zsun)", MetallicityUnit::log10_solar},
    std::pair{"log(z/zsun)", MetallicityUnit::log10_solar},
    std::pair{"[m/h]", MetallicityUnit::log10_solar},
    std::pair{"[z/h]", MetallicityUnit::log10_solar},
};

double gyr_of(double value, AgeUnit unit) {
    switch (unit) {
    case AgeUnit::gyr: return value;
    case AgeUnit::myr: return value * 1e-3;
    case AgeUnit::yr: return value * 1e-9;
    case AgeUnit::log10_gyr: return std::pow(10.0, value);
    case AgeUnit::log10_yr: return std::pow(10.0, value - 9);
    }
    return value;
}

/// Populations older than 25 Gyr are in no library (BC03 goes to 20), and none ends before 1 Myr.
bool plausible_ages(const std::vector<double>& values, AgeUnit unit) {
    for (const double value : values) {
        if (!(gyr_of(value, unit) >= 0)) { return false; }
    }
    const double oldest = gyr_of(*std::max_element(values.begin(), values.end()), unit);
    return oldest <= 25 && oldest >= 1e-3;
}

/// RUBIX's own BC03 file holds log10(age/yr) 0, 5.1 … 10.3 which its configuration calls Gyr: taken as Gyr, a grid without
/// any population between birth and 4.5 Gyr, which no library has.
bool looks_like_log10_yr(const std::vector<double>& values) {
    return values.size() >= 8 && values[1] >= 4.5 && values.back() >= 7 && values.back() <= 10.5;
}

/// "values 0, 5.1, 5.15 … 10.3"
std::string sample(const std::vector<double>& values) {
    if (values.empty()) { return "no values"; }
    std::string out = fmt::format("values {:.6g}", values.front());
    for (std::size_t i = 1; i + 1 < values.size() && i < 3; ++i) { out += fmt::format(", {:.6g}", values[i]); }
    if (values.size() > 1) { out += fmt::format("{} {:.6g}", values.size() > 4 ? " …" : ",", values.back()); }
    return out;
}

/// The units in which these ages would be those of a library.
std::vector<std::string> guess_age_units(const std::vector<double>& values) {
    std::vector<std::string> out;
    const bool logarithms = looks_like_log10_yr(values);
    for (const auto& [unit, name] : EnumWords<AgeUnit>::words) {
        if (plausible_ages(values, unit) && (!logarithms || unit == AgeUnit::log10_yr)) { out.emplace_back(name); }
    }
    return out;
}

/// ", which look like Gyr or log10(Gyr)"
std::string looks_like(const std::vector<std::string>& guess) {
    return guess.empty() ? "" : fmt::format(", which look like {}", fmt::join(guess, " or "));
}

std::string age_cure(const std::vector<std::string>& guess) {
    return fmt::format("say what they are: convert the file with `tessera ssp convert --age-unit {}`",
                       guess.size() == 1 ? "'" + guess.front() + "'" : "UNIT");
}

const char* const metallicity_cure =
    "say what they are: convert the file with `tessera ssp convert --metallicity-unit`";

[[noreturn]] void refuse_axis(const RawAxis& axis, const std::string& found, const std::string& expected,
                              const std::string& cure) {
    throw Error({.kind = Kind::data, .where = axis.where, .found = found, .expected = expected, .cure = cure});
}

} // namespace

std::vector<double> ages_in_gyr(const RawAxis& axis, std::optional<AgeUnit> hint) {
    if (axis.values.empty()) {
        refuse_axis(axis, "no ages", "at least one", "the file is empty: fetch or write it again");
    }
    const std::vector<std::string> guess = guess_age_units(axis.values);
    std::optional<AgeUnit> unit = hint;
    if (!unit && axis.unit) { unit = find_unit(*axis.unit, age_words); }
    if (!unit) {
        const std::string found = axis.unit ? fmt::format("the unit '{}'", *axis.unit) : std::string("no unit");
        refuse_axis(axis, fmt::format("{} with {}{}", found, sample(axis.values), looks_like(guess)),
                    "an attribute `unit` of Gyr, Myr, yr, log10(Gyr) or log10(yr)", age_cure(guess));
    }
    const bool suspicious = !hint && *unit == AgeUnit::gyr && looks_like_log10_yr(axis.values);
    if (suspicious || !plausible_ages(axis.values, *unit)) {
        refuse_axis(axis, fmt::format("{}{}", sample(axis.values), looks_like(guess)),
                    fmt::format("ages in {}, up to 25 Gyr at most and beyond 1 Myr, none negative", word(*unit)),
                    age_cure(guess));
    }
    std::vector<double> out = axis.values;
    for (double& value : out) { value = gyr_of(value, *unit); }
    return out;
}

std::vector<double> metallicities_as_mass_fraction(const RawAxis& axis, const ReadHints& hints,
                                                   std::optional<MetallicityUnit> fallback,
                                                   std::optional<double> solar) {
    if (axis.values.empty()) {
        refuse_axis(axis, "no metallicities", "at least one", "the file is empty: fetch or write it again");
    }
    std::optional<MetallicityUnit> unit = hints.metallicity_unit;
    if (!unit && axis.unit) {
        std::string text = plain(*axis.unit);
        // "mass fraction (Zsun=0.02)" is still a mass fraction
        if (text.starts_with("massfraction(")) { text = "massfraction"; }
        unit = find_unit(text, metallicity_words);
        if (!unit) {
            refuse_axis(axis, fmt::format("the unit '{}' with {}", *axis.unit, sample(axis.values)),
                        "mass fraction, log10(Z), Z/Zsun or log10(Z/Zsun)", metallicity_cure);
        }
    }
    if (!unit) { unit = fallback; }
    if (!unit) {
        refuse_axis(axis, "no unit with " + sample(axis.values), "mass fraction, log10(Z), Z/Zsun or log10(Z/Zsun)",
                    metallicity_cure);
    }
    if (hints.solar_metallicity) { solar = hints.solar_metallicity; }
    const bool relative = *unit == MetallicityUnit::solar || *unit == MetallicityUnit::log10_solar;
    if (relative && !solar) {
        refuse_axis(axis, fmt::format("metallicities relative to the Sun ({})", word(*unit)),
                    "the mass fraction that the Sun stands for",
                    "give it, e.g. `tessera ssp convert --solar-metallicity 0.02`");
    }
    const bool logarithmic = *unit == MetallicityUnit::log10_mass_fraction || *unit == MetallicityUnit::log10_solar;
    std::vector<double> out = axis.values;
    for (double& value : out) { value = (logarithmic ? std::pow(10.0, value) : value) * (relative ? *solar : 1.0); }
    const auto [least, most] = std::minmax_element(out.begin(), out.end());
    // The most metal-rich libraries reach Z = 0.1; above 0.3 the number is no mass fraction of stars.
    if (!(*least >= 0) || !(*most <= 0.3)) {
        const char* looks = axis.values.front() < 0 ? "which look like logarithms" : "which look like solar units";
        refuse_axis(axis, fmt::format("{}, {}", sample(axis.values), looks),
                    fmt::format("metallicities as {}, between 0 and 0.3 as mass fractions", word(*unit)),
                    metallicity_cure);
    }
    return out;
}

std::vector<double> wavelengths_in_angstrom(const RawAxis& axis) {
    if (axis.values.empty()) {
        refuse_axis(axis, "no wavelengths", "at least two", "the file is empty: fetch or write it again");
    }
    const std::string unit = plain(axis.unit.value_or("Angstrom"));
    double factor = 0;
    if (unit == "angstrom" || unit == "angstroms" || unit == "aa" || unit == "a" || unit == "å") { factor = 1; }
    if (unit == "nm" || unit == "nanometer" || unit == "nanometre") { factor = 10; }
    if (unit == "um" || unit == "micron" || unit == "microns" || unit == "micrometer" || unit == "micrometre") {
        factor = 1e4;
    }
    if (factor == 0) {
        refuse_axis(axis, fmt::format("the unit '{}'", *axis.unit), "Angstrom, nm or micron",
                    "correct the attribute `unit`");
    }
    std::vector<double> out = axis.values;
    for (double& value : out) { value *= factor; }
    const double longest = *std::max_element(out.begin(), out.end());
    if (longest < 100) {
        refuse_axis(axis, fmt::format("{}, which look like logarithms or micrometres", sample(axis.values)),
                    fmt::format("wavelengths in {}", axis.unit.value_or("Angstrom")),
                    "correct the attribute `unit`, or the values");
    }
    return out;
}

FluxUnit flux_unit_of(const std::optional<std::string>& unit, const std::string& where) {
    if (!unit) { return FluxUnit::lsun_per_angstrom; }
    std::string text = plain(*unit);
    for (const char* tail : {"permsunformed", "permsun", "/msunformed", "/msun", "msun-1"}) {
        if (const auto at = text.find(tail); at != std::string::npos) { text.erase(at, std::string(tail).size()); }
    }
    for (const char* name : {"lsun/angstrom", "lsun/aa", "lsun/a", "lsunangstrom-1", "sollum/angstrom"}) {
        if (text == name) { return FluxUnit::lsun_per_angstrom; }
    }
    if (text == "lsun/hz" || text == "lsunhz-1" || text == "sollum/hz") { return FluxUnit::lsun_per_hz; }
    if (text == "erg/s/angstrom" || text == "erg/s/aa" || text == "erg/s/a") {
        return FluxUnit::erg_per_s_per_angstrom;
    }
    throw Error({.kind = Kind::data,
                 .where = where,
                 .found = fmt::format("the unit '{}'", *unit),
                 .expected = "Lsun/Angstrom, Lsun/Hz or erg/s/Angstrom, each per Msun formed",
                 .cure = "convert the spectra, or correct the attribute `unit`"});
}

std::vector<float> flux_in_lsun_per_angstrom(FluxUnit unit, std::span<const double> wavelength,
                                             std::span<const double> flux) {
    const std::size_t n_wave = wavelength.size();
    std::vector<double> factor(n_wave,
                               unit == FluxUnit::erg_per_s_per_angstrom ? 1 / constants::solar_luminosity : 1.0);
    if (unit == FluxUnit::lsun_per_hz) {
        // L_lambda = L_nu c / lambda^2, c in Angstrom/s = 1e13 times km/s
        for (std::size_t i = 0; i < n_wave; ++i) {
            factor[i] = constants::speed_of_light * 1e13 / (wavelength[i] * wavelength[i]);
        }
    }
    std::vector<float> out(flux.size());
    for (std::size_t i = 0; i < flux.size(); ++i) { out[i] = static_cast<float>(flux[i] * factor[i % n_wave]); }
    return out;
}

Medium medium_of(const std::string& text, const std::string& where) {
    const std::string word_of_medium = plain(text);
    if (word_of_medium == "air") { return Medium::air; }
    if (word_of_medium == "vacuum") { return Medium::vacuum; }
    if (word_of_medium == "unknown") { return Medium::unknown; }
    throw Error({.kind = Kind::data,
                 .where = where,
                 .found = fmt::format("the medium '{}'", text),
                 .expected = "air or vacuum",
                 .cure = "correct the attribute `medium`"});
}

const char* name_of(Medium medium) {
    switch (medium) {
    case Medium::unknown: return "unknown";
    case Medium::air: return "air";
    case Medium::vacuum: return "vacuum";
    }
    return "unknown";
}

} // namespace tessera::ssp
