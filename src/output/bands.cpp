#include "tessera/output/bands.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include <fmt/format.h>

#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/options.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& where, const std::string& found, const std::string& expected) {
    throw Error({.kind = Kind::config, .where = where, .found = found, .expected = expected});
}

bool is_curve(const Band& band) {
    const bool sensible = std::all_of(band.transmission.begin(), band.transmission.end(),
                                      [](double t) { return std::isfinite(t) && t >= 0; });
    const double most =
        band.transmission.empty() ? 0 : *std::max_element(band.transmission.begin(), band.transmission.end());
    // Two points at one wavelength are a step.
    return band.wavelength.size() >= 2 && band.wavelength.front() > 0 &&
           band.wavelength.front() < band.wavelength.back() &&
           std::is_sorted(band.wavelength.begin(), band.wavelength.end()) && sensible && most > 0;
}

void check(const Band& band, const std::string& where) {
    if (is_curve(band)) { return; }
    refuse(where, fmt::format("{} points that are no transmission curve", band.wavelength.size()),
           "wavelengths in Angstrom that ascend, and transmissions from 0 on, some above it");
}

Band read_text(const std::string& path) {
    std::ifstream file(path);
    Band band{.name = fs::path(path).stem().string(), .wavelength = {}, .transmission = {}};
    std::int64_t number = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        std::istringstream words(line.substr(0, line.find('#')));
        double wavelength = 0, transmission = 0;
        std::string more;
        if (!(words >> wavelength)) {
            words.clear();
            if (words >> more) { refuse(fmt::format("{}, line {}", path, number), line, "two numbers"); }
            continue;
        }
        if (!(words >> transmission) || words >> more) {
            refuse(fmt::format("{}, line {}", path, number), line, "two numbers");
        }
        band.wavelength.push_back(wavelength);
        band.transmission.push_back(transmission);
    }
    return band;
}

/// Nothing where the member is no curve.
std::vector<Band> read_member(const io::Hdf5Group& file, const std::string& name) {
    Band band{.name = name, .wavelength = {}, .transmission = {}};
    if (file.has_group(name)) {
        const io::Hdf5Group group = file.group(name);
        if (!group.has_dataset("wave") || !group.has_dataset("transmission")) { return {}; }
        band.wavelength = group.dataset("wave").read_all<double>();
        band.transmission = group.dataset("transmission").read_all<double>();
        if (band.transmission.size() != band.wavelength.size()) { return {}; }
        return {band};
    }
    if (!file.has_dataset(name)) { return {}; }
    const io::Hdf5Dataset dataset = file.dataset(name);
    if (dataset.shape().size() != 2 || dataset.row_length() != 2) { return {}; }
    const auto values = dataset.read_all<double>();
    for (std::size_t i = 0; i + 1 < values.size(); i += 2) {
        band.wavelength.push_back(values[i]);
        band.transmission.push_back(values[i + 1]);
    }
    return {band};
}

std::vector<Band> read_hdf5(const std::string& path, const std::string& only) {
    const io::Hdf5Group file = io::Hdf5File::open(path);
    std::vector<Band> out;
    for (const std::string& name : only.empty() ? file.names() : std::vector<std::string>{only}) {
        for (Band& band : read_member(file, name)) {
            if (only.empty() && !is_curve(band)) {
                log::warning(
                    fmt::format("{}: {} is no transmission curve of ascending wavelengths: left out", path, name));
                continue;
            }
            out.push_back(std::move(band));
        }
    }
    if (out.empty()) {
        const std::string nearest = only.empty() ? "" : nearest_name(only, file.names());
        throw Error(
            {.kind = Kind::config,
             .where = "catalog.bands",
             .found = only.empty() ? path + " without a transmission curve" : fmt::format("no '{}' in {}", only, path),
             .expected = "datasets of two columns, or groups with wave and transmission",
             .cure = nearest.empty() ? "" : fmt::format("Did you mean '{}'?", nearest)});
    }
    return out;
}

} // namespace

std::vector<Band> top_hat_bands() {
    std::vector<Band> out;
    for (const double first : {4000.0, 5500.0, 7000.0}) {
        out.push_back({fmt::format("tophat_{:g}_{:g}", first, first + 1500), {first, first + 1500}, {1, 1}});
    }
    return out;
}

std::vector<Band> read_bands(const std::string& source) {
    if (source == "tophat") { return top_hat_bands(); }
    std::error_code ignored;
    std::string path = source, only;
    if (!fs::exists(path, ignored)) {
        const std::size_t colon = source.rfind(':');
        if (colon != std::string::npos) {
            path = source.substr(0, colon);
            only = source.substr(colon + 1);
        }
    }
    if (!fs::is_regular_file(path, ignored)) {
        refuse("catalog.bands", fmt::format("no file '{}'", path), "tophat, a text file, or an HDF5 file of curves");
    }
    const std::string ending = fs::path(path).extension().string();
    std::vector<Band> out;
    if (ending == ".h5" || ending == ".hdf5") {
        out = read_hdf5(path, only);
    } else {
        out.push_back(read_text(path));
    }
    for (const Band& band : out) { check(band, path + ": " + band.name); }
    return out;
}

std::vector<double> band_weights(const Band& band, std::span<const double> edges) {
    const std::vector<double>&x = band.wavelength, &t = band.transmission;
    if (edges.size() < 2) { return {}; }
    const double faint = 1e-3 * *std::max_element(t.begin(), t.end());
    for (std::size_t i = 0; i + 1 < x.size(); ++i) { // is any of it seen beside the pixels?
        const auto beside = [&](double low, double high) {
            if (!(low < high)) { return false; }
            const double slope = (t[i + 1] - t[i]) / (x[i + 1] - x[i]);
            return std::max(t[i] + slope * (low - x[i]), t[i] + slope * (high - x[i])) > faint;
        };
        if (beside(x[i], std::min(x[i + 1], edges.front())) || beside(std::max(x[i], edges.back()), x[i + 1])) {
            return {};
        }
    }

    std::vector<double> weights(edges.size() - 1, 0.0);
    double per_wavelength = 0; // ∫ T / lambda
    for (std::size_t i = 0; i + 1 < x.size(); ++i) {
        if (x[i] == x[i + 1]) { continue; } // a step
        const double slope = (t[i + 1] - t[i]) / (x[i + 1] - x[i]);
        per_wavelength += (t[i] - slope * x[i]) * std::log(x[i + 1] / x[i]) + slope * (x[i + 1] - x[i]);
        const auto moment = [&](double at) { return (t[i] + slope * (at - x[i])) * at; }; // T lambda, a parabola
        auto pixel = std::upper_bound(edges.begin(), edges.end(), x[i]) - edges.begin();
        for (auto k = std::max<std::ptrdiff_t>(pixel - 1, 0); k < std::ssize(weights); ++k) {
            const auto at = static_cast<std::size_t>(k);
            const double low = std::max(x[i], edges[at]), high = std::min(x[i + 1], edges[at + 1]);
            if (edges[at] >= x[i + 1]) { break; }
            if (low < high) { // Simpson's rule is exact for it
                weights[at] += (high - low) / 6 * (moment(low) + 4 * moment(0.5 * (low + high)) + moment(high));
            }
        }
    }
    constexpr double speed = constants::speed_of_light * 1e13; // km/s in Angstrom/s
    for (double& weight : weights) { weight /= speed * per_wavelength; }
    return weights;
}

double ab_magnitude(double flux_density) {
    return flux_density > 0 ? -2.5 * std::log10(flux_density) - 48.60 : std::numeric_limits<double>::quiet_NaN();
}

} // namespace tessera
