#include "tessera/instrument/telescope.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "instrument/embedded_telescopes.hpp"
#include "tessera/core/error.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

/// The keys of a telescope's file; those without a value must be there.
struct TelescopeFile {
    std::optional<std::string> name;
    std::optional<double> field_of_view, spaxel_size, wavelength_step, lsf_fwhm;
    std::optional<std::array<double, 2>> wavelength_range;
    Sampling sampling = Sampling::linear;
    Medium medium = Medium::unknown;
    Aperture aperture = Aperture::square;

    void describe(OptionTable& key) {
        key("name", name, unit::none, "name of the telescope");
        key("field_of_view", field_of_view, unit::arcsec, "edge length of the field", above(0));
        key("spaxel_size", spaxel_size, unit::arcsec, "edge length of a spaxel", above(0));
        key("wavelength_range", wavelength_range, unit::angstrom, "first pixel's centre and exclusive end", above(0));
        key("wavelength_step", wavelength_step, unit::angstrom,
            "step between pixels; logarithmic: in log10(wavelength)", above(0));
        key("sampling", sampling, unit::none, "equal steps in wavelength or in its logarithm");
        key("medium", medium, unit::none, "medium in which the wavelengths are measured");
        key("aperture", aperture, unit::none, "shape of the field inside its square");
        key("lsf_fwhm", lsf_fwhm, unit::angstrom, "full width at half maximum of the line-spread function",
            at_least(0));
    }
};

template <class T>
T required(const std::optional<T>& field, const char* key, const std::string& where) {
    if (field) { return *field; }
    throw Error({.kind = Kind::config,
                 .where = where,
                 .found = fmt::format("no key '{}'", key),
                 .expected = "field_of_view, spaxel_size, wavelength_range, wavelength_step and lsf_fwhm",
                 .cure = "Take a file of configs/telescopes as a pattern"});
}

Telescope parse_telescope(const Value& tree, const std::string& name, const std::string& where) {
    TelescopeFile file;
    OptionTable table;
    file.describe(table);
    table.set_all(tree, where);
    Telescope telescope;
    telescope.name = file.name.value_or(name);
    telescope.field_of_view = required(file.field_of_view, "field_of_view", where);
    telescope.spaxel_size = required(file.spaxel_size, "spaxel_size", where);
    telescope.wavelength_range = required(file.wavelength_range, "wavelength_range", where);
    telescope.wavelength_step = required(file.wavelength_step, "wavelength_step", where);
    telescope.lsf_fwhm = required(file.lsf_fwhm, "lsf_fwhm", where);
    telescope.sampling = file.sampling;
    telescope.medium = file.medium;
    telescope.aperture = file.aperture;
    return telescope;
}

bool is_path(const std::string& name) {
    return name.find('/') != std::string::npos || name.ends_with(".yaml") || name.ends_with(".yml");
}

[[noreturn]] void throw_unknown(const std::string& name) {
    auto names = telescope_names();
    const std::string nearest = nearest_name(name, names);
    throw Error({.kind = Kind::config,
                 .where = "telescope.name",
                 .found = fmt::format("the unknown telescope '{}'", name),
                 .expected = fmt::format("one of {}, or the path of a YAML file", fmt::join(names, ", ")),
                 .cure = fmt::format("Did you mean '{}'?", nearest)});
}

Telescope find_telescope(const std::string& name, const std::string& config_folder) {
    if (is_path(name)) {
        const fs::path path = fs::path(name).is_absolute() ? fs::path(name) : fs::path(config_folder) / name;
        Telescope telescope = parse_telescope(read_yaml(path.string()), path.stem().string(), path.string());
        telescope.source = path.string();
        return telescope;
    }
    for (const EmbeddedTelescope& known : embedded_telescopes()) {
        if (known.name == name) {
            const std::string where = fmt::format("configs/telescopes/{}.yaml", name);
            Telescope telescope = parse_telescope(parse_yaml(std::string(known.text), where), name, where);
            telescope.source = "built in";
            return telescope;
        }
    }
    throw_unknown(name);
}

void override_with(const TelescopeOptions& options, Telescope& telescope) {
    telescope.field_of_view = options.field_of_view.value_or(telescope.field_of_view);
    telescope.spaxel_size = options.spaxel_size.value_or(telescope.spaxel_size);
    telescope.wavelength_range = options.wavelength_range.value_or(telescope.wavelength_range);
    telescope.wavelength_step = options.wavelength_step.value_or(telescope.wavelength_step);
    telescope.sampling = options.sampling.value_or(telescope.sampling);
    telescope.aperture = options.aperture.value_or(telescope.aperture);
    telescope.lsf_fwhm = options.lsf_fwhm.value_or(telescope.lsf_fwhm);
}

void expect_positive(const std::string& where, double value, const char* unit_name) {
    if (std::isfinite(value) && value > 0) { return; }
    throw Error({.kind = Kind::config,
                 .where = where,
                 .found = fmt::format("{} {}", value, unit_name),
                 .expected = "a positive number",
                 .cure = "Correct the value, or leave the key out for the telescope's own"});
}

/// Spaxels along an edge. 5.0 / 0.2 is 24.999… in binary and 25 to everybody else.
std::int64_t count_spaxels(const Telescope& t) {
    constexpr double rounding = 1e-9;
    const double n = std::floor(t.field_of_view / t.spaxel_size * (1 + rounding) + rounding);
    if (n < 1) {
        throw Error(
            {.kind = Kind::config,
             .where = "telescope.field_of_view",
             .found = fmt::format("{} arcsec with spaxels of {} arcsec: no spaxel", t.field_of_view, t.spaxel_size),
             .expected = "a field of one spaxel at least",
             .cure = "Enlarge telescope.field_of_view or make telescope.spaxel_size smaller"});
    }
    constexpr double most =
        2147483648.0; // 2^31 spaxels: offsets within a plane stay in 32 bits for FITS and FFT libraries
    if (n * n > most) {
        throw Error({.kind = Kind::config,
                     .where = "telescope.spaxel_size",
                     .found = fmt::format("{} arcsec in a field of {} arcsec: {:.0f} x {:.0f} spaxels", t.spaxel_size,
                                          t.field_of_view, n, n),
                     .expected = "at most 2^31 spaxels in a plane",
                     .cure = "Make telescope.field_of_view smaller or the spaxels larger"});
    }
    return static_cast<std::int64_t>(n);
}

void check_wavelengths(const Telescope& t) {
    const auto [first, last] = t.wavelength_range;
    expect_positive("telescope.wavelength_range", first, "Angstrom");
    expect_positive("telescope.wavelength_step", t.wavelength_step,
                    t.sampling == Sampling::linear ? "Angstrom" : "dex");
    const double length = t.sampling == Sampling::linear ? last - first : std::log10(last / first);
    if (!(last > first)) {
        throw Error({.kind = Kind::config,
                     .where = "telescope.wavelength_range",
                     .found = fmt::format("[{}, {}] Angstrom", first, last),
                     .expected = "the shorter wavelength first, then a longer one",
                     .cure = "Exchange or correct the two numbers"});
    }
    if (t.wavelength_step > length) {
        throw Error({.kind = Kind::config,
                     .where = "telescope.wavelength_step",
                     .found = fmt::format("{} {} in a range of [{}, {}] Angstrom", t.wavelength_step,
                                          t.sampling == Sampling::linear ? "Angstrom" : "dex", first, last),
                     .expected = fmt::format("at most the length of the range, {:.6g}", length),
                     .cure = t.sampling == Sampling::linear
                                 ? "Correct telescope.wavelength_step"
                                 : "Under logarithmic sampling the step is in log10(wavelength), e.g. 1e-4"});
    }
    if (length / t.wavelength_step > 1e8) {
        throw Error({.kind = Kind::config,
                     .where = "telescope.wavelength_step",
                     .found = fmt::format("{}: {:.0f} pixels", t.wavelength_step, length / t.wavelength_step),
                     .expected = "at most 1e8 pixels",
                     .cure = "Make the step larger or the range shorter"});
    }
}

} // namespace

WavelengthGrid Telescope::wavelengths() const {
    WavelengthGrid grid =
        sampling == Sampling::linear
            ? make_linear_wavelengths(wavelength_range[0], wavelength_range[1], wavelength_step)
            : make_logarithmic_wavelengths(wavelength_range[0], wavelength_range[1], wavelength_step * std::log(10.0));
    grid.medium = medium;
    return grid;
}

Telescope load_telescope(const TelescopeOptions& options, const std::string& config_folder) {
    Telescope telescope = find_telescope(options.name, config_folder);
    override_with(options, telescope);
    expect_positive("telescope.field_of_view", telescope.field_of_view, "arcsec");
    expect_positive("telescope.spaxel_size", telescope.spaxel_size, "arcsec");
    telescope.n_x = telescope.n_y = count_spaxels(telescope);
    check_wavelengths(telescope);
    if (!(telescope.lsf_fwhm >= 0) || !std::isfinite(telescope.lsf_fwhm)) {
        throw Error({.kind = Kind::config,
                     .where = "telescope.lsf_fwhm",
                     .found = fmt::format("{} Angstrom", telescope.lsf_fwhm),
                     .expected = "0 or a positive number",
                     .cure = "Correct the value, or leave the key out for the telescope's own"});
    }
    return telescope;
}

std::vector<std::string> telescope_names() {
    std::vector<std::string> names;
    for (const EmbeddedTelescope& known : embedded_telescopes()) { names.emplace_back(known.name); }
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::uint8_t> aperture_mask(const Telescope& telescope) {
    const double n = static_cast<double>(telescope.n_x);
    const double centre = (n - 1) / 2; // of indices from 0
    const double quarter = n / 4;      // half the side of the hexagon
    const double half_height = n * std::sqrt(3.0) / 4;
    const auto inside = [&](double dx, double dy) {
        switch (telescope.aperture) {
        case Aperture::square: return true;
        case Aperture::circular: return std::hypot(dx, dy) <= n / 2;
        case Aperture::hexagonal:
            return 2 * quarter * half_height - quarter * std::abs(dy) - half_height * std::abs(dx) >= 0 &&
                   std::abs(dx) < n / 2 && std::abs(dy) < half_height;
        }
        return false;
    };
    std::vector<std::uint8_t> mask;
    mask.reserve(static_cast<std::size_t>(telescope.n_y * telescope.n_x));
    for (std::int64_t y = 0; y < telescope.n_y; ++y) {
        for (std::int64_t x = 0; x < telescope.n_x; ++x) {
            mask.push_back(inside(static_cast<double>(x) - centre, static_cast<double>(y) - centre) ? 1 : 0);
        }
    }
    return mask;
}

} // namespace tessera
