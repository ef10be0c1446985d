#include "tessera/pipeline/config.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "tessera/core/error.hpp"
#include "tessera/device/accelerator.hpp"
#include "tessera/view/rotation.hpp"

namespace fs = std::filesystem;

namespace tessera {

std::string Config::resolve(const std::string& path) const {
    return fs::path(path).is_absolute() ? path : (fs::path(folder) / path).lexically_normal().string();
}

namespace {

/// What RUBIX does and others would not expect; docs/rubix.md lists it. What has no key of its own (float32 bin edges, no
/// margin, mirror matrices accepted) hangs on the preset itself.
void apply(Preset preset, Config& config) {
    switch (preset) {
    case Preset::none: return;
    case Preset::rubix:
        config.ssp.outside = ssp::Outside::zero;
        config.synthesis.method = Method::exact;
        config.synthesis.interpolation = ssp::Interpolation::cubic;
        config.synthesis.resampling = Resampling::rubix;
        config.synthesis.doppler = Doppler::exponential;
        config.lsf.taps = 25;
        config.output.flux_unit = FluxUnit::luminosity;
        return;
    }
}

struct Setting {
    std::string key;
    Value value;
};

Setting parse_setting(const std::string& text) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
        throw Error({.kind = Kind::config,
                     .where = "--set",
                     .found = text,
                     .expected = "key=value, such as --set galaxy.redshift=0.1",
                     .cure = "`tessera config describe` lists every key"});
    }
    return {text.substr(0, equals), parse_yaml(text.substr(equals + 1), "--set " + text.substr(0, equals))};
}

bool has_extension(const std::string& path, std::initializer_list<const char*> allowed) {
    const std::string extension = fs::path(path).extension().string();
    for (const char* candidate : allowed) {
        if (extension == candidate) { return true; }
    }
    return false;
}

void check_extension(const char* key, const std::string& path, std::initializer_list<const char*> allowed) {
    if (has_extension(path, allowed)) { return; }
    std::string list;
    for (const char* extension : allowed) { list += (list.empty() ? "" : ", ") + std::string(extension); }
    throw Error({.kind = Kind::config,
                 .where = key,
                 .found = path,
                 .expected = "a name ending in " + list,
                 .cure = "The ending picks the format"});
}

} // namespace

namespace {

/// Sections that belong to commands other than `cube`, so that one file serves them all. Those that the table knows are read.
std::vector<std::string> sections_of_others(const OptionTable& table) {
    std::vector<std::string> others;
    for (const char* section : {"scaling", "catalog"}) {
        const auto begins = [&](const Option& option) { return option.name.rfind(section + std::string("."), 0) == 0; };
        const auto& options = table.options();
        if (std::none_of(options.begin(), options.end(), begins)) { others.emplace_back(section); }
    }
    return others;
}

} // namespace

Config read_config(const std::string& path, const std::vector<std::string>& settings) {
    Config config;
    OptionTable table = option_table(config);
    read_config(path, settings, config, table);
    check_depth(config);
    return config;
}

void read_config(const std::string& path, const std::vector<std::string>& settings, Config& config,
                 OptionTable& table) {
    Value file;
    if (!path.empty()) {
        file = read_yaml(path);
        const fs::path parent = fs::path(path).parent_path();
        config.folder = parent.empty() ? "." : parent.string();
    }
    std::vector<Setting> parsed;
    for (const std::string& text : settings) { parsed.push_back(parse_setting(text)); }
    // The preset goes first, wherever it is named: the other keys win over it.
    if (const Value* preset = file.find("preset")) { table.set("preset", *preset, path); }
    for (const Setting& setting : parsed) {
        if (setting.key == "preset") { table.set("preset", setting.value, "--set"); }
    }
    apply(config.preset, config);
    std::vector<std::string> skip = sections_of_others(table);
    skip.emplace_back("preset");
    table.set_all(file, path, skip);
    for (const Setting& setting : parsed) { table.set(setting.key, setting.value, "--set"); }
    check_config(config);
}

void check_depth(const Config& config) {
    if (!config.simulation.depth || config.simulation.subhalo) { return; }
    throw Error({.kind = Kind::config,
                 .where = "simulation.depth",
                 .found = fmt::format("{:g} kpc, without simulation.subhalo", *config.simulation.depth),
                 .expected = "a subhalo of a snapshot, for the stars about it",
                 .cure = "Set simulation.subhalo, or simulation.depth: null"});
}

void check_config(const Config& config) {
    check_extension("output.path", config.output.path, {".h5", ".hdf5", ".fits"});
    if (config.output.fits) { check_extension("output.fits", *config.output.fits, {".fits"}); }
    if (config.output.quicklook) {
        check_extension("output.quicklook", *config.output.quicklook, {".png", ".svg", ".pdf"});
    }
    device::check_device_name(config.parallel.device);
    static_cast<void>(Cosmology(config.cosmology));
    const Telescope telescope = load_telescope(config.telescope, config.folder);
    const Kernel2D psf = make_psf(config.psf, telescope.spaxel_size);
    static_cast<void>(psf);
    check_rotation(config.view.rotation, config.preset == Preset::rubix);
    const Method method = config.synthesis.method;
    if (config.synthesis.resampling == Resampling::rubix &&
        (method == Method::binned || method == Method::compressed)) {
        throw Error(
            {.kind = Kind::config,
             .where = "synthesis.method",
             .found = fmt::format("{} with synthesis.resampling: rubix", word(method)),
             .expected =
                 "exact or auto: that resampling scales every star by itself, so stars cannot be added up first",
             .cure = "Set synthesis.resampling: conserving, or synthesis.method: exact"});
    }
    if (config.noise.kind == NoiseKind::exposure && config.output.flux_unit != FluxUnit::flux) {
        throw Error({.kind = Kind::config,
                     .where = "noise.kind",
                     .found = "exposure with output.flux_unit: Lsun/Angstrom",
                     .expected = "a flux at Earth, whose photons can be counted",
                     .cure = "Set output.flux_unit: 1e-20 erg/s/cm2/Angstrom"});
    }
}

} // namespace tessera
