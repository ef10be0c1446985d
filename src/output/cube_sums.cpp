// Cubes read back, a few planes at a time.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include <fmt/format.h>

#include "core/cpu_clones.hpp"
#include "output/cube_header.hpp"
#include "tessera/core/error.hpp"
#include "tessera/cube/grid.hpp"
#include "tessera/io/fits.hpp"
#include "tessera/io/hdf5.hpp"
#include "tessera/output/cube_file.hpp"
#include "tessera/output/cube_measures.hpp"

namespace tessera {

namespace {

constexpr double arcsec = 3600; // in a degree
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Edges half-way between the centres; in the logarithm where the steps grow with the wavelength, as the writer's grids have them.
std::vector<double> edges_of(const std::vector<double>& centres) {
    const std::size_t n = centres.size();
    if (n < 2) { return n == 0 ? std::vector<double>{} : std::vector<double>{centres[0] - 0.5, centres[0] + 0.5}; }
    const double first = centres[1] / centres[0], last = centres[n - 1] / centres[n - 2];
    const bool logarithmic = n > 2 && std::abs(first - last) < 1e-9 * first;
    const auto between = [&](double a, double b) { return logarithmic ? std::sqrt(a * b) : 0.5 * (a + b); };
    const auto beyond = [&](double a, double b) { return logarithmic ? a * std::sqrt(a / b) : a + 0.5 * (a - b); };
    std::vector<double> edges{beyond(centres[0], centres[1])};
    for (std::size_t i = 0; i + 1 < n; ++i) { edges.push_back(between(centres[i], centres[i + 1])); }
    edges.push_back(beyond(centres[n - 1], centres[n - 2]));
    return edges;
}

/// Adds a plane to an image, `width` times, and nothing outside the aperture. @return  its sum, of every eighth value first
TESSERA_CPU_CLONES
double add_plane(const float* plane, const float* inside, std::size_t n, double width, double* image) {
    constexpr std::size_t lanes = 8;
    double sum[lanes] = {};
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (std::size_t k = 0; k < lanes; ++k) {
            const double value = inside[i + k] != 0 ? plane[i + k] : 0.0F; // which may be NaN there
            image[i + k] += width * value;
            sum[k] += value;
        }
    }
    for (; i < n; ++i) {
        const double value = inside[i] != 0 ? plane[i] : 0.0F;
        image[i] += width * value;
        sum[0] += value;
    }
    return std::accumulate(sum, sum + lanes, 0.0);
}

/// Adds planes to the sums. `flux` and `variance` may be NaN outside the aperture.
class Adder {
public:
    Adder(CubeSums& sums, const std::vector<std::uint8_t>& outside) : sums_(sums) {
        const auto n = static_cast<std::size_t>(sums.n_y * sums.n_x);
        sums.white_light.assign(n, 0.0);
        sums.spectrum.clear();
        flux_.assign(n, 0.0);
        variance_.assign(n, 0.0);
        inside_.assign(n, 1.0F);
        for (std::size_t i = 0; i < outside.size(); ++i) { inside_[i] = outside[i] != 0 ? 0.0F : 1.0F; }
    }
    /// @param variance  of the same planes; empty where no plane has any
    void add(std::span<const float> flux, std::span<const float> variance) {
        const std::size_t n = flux_.size();
        for (std::size_t at = 0; at + n <= flux.size(); at += n) {
            const std::size_t w = sums_.spectrum.size();
            const double width = sums_.edges[w + 1] - sums_.edges[w];
            sums_.spectrum.push_back(add_plane(&flux[at], inside_.data(), n, width, sums_.white_light.data()));
            if (variance.empty()) { continue; }
            add_plane(&flux[at], inside_.data(), n, 1, flux_.data());
            add_plane(&variance[at], inside_.data(), n, 1, variance_.data());
        }
    }
    void finish() {
        const auto n_wave = static_cast<double>(sums_.spectrum.size());
        const bool noisy = std::any_of(variance_.begin(), variance_.end(), [](double v) { return v > 0; });
        if (noisy) { sums_.signal_to_noise.assign(flux_.size(), nan); }
        for (std::size_t i = 0; i < flux_.size(); ++i) {
            if (noisy && variance_[i] > 0) { sums_.signal_to_noise[i] = flux_[i] / std::sqrt(variance_[i] * n_wave); }
            if (inside_[i] == 0) { sums_.white_light[i] = nan; }
        }
    }

private:
    CubeSums& sums_;
    std::vector<double> flux_, variance_; ///< [y, x] sums over wavelength
    std::vector<float> inside_;           ///< [y, x] 1 in the aperture, else 0
};

double unit_of(const std::string& text) { return text.find("erg") != std::string::npos ? 1e-20 : 0; }

void expect(bool right, const std::string& path, const std::string& what) {
    if (right) { return; }
    throw Error({.kind = Kind::data, .where = path, .found = what, .expected = "a cube that this program made"});
}

CubeSums read_hdf5(const std::string& path) {
    const io::Hdf5Group file = io::Hdf5File::open(path);
    const io::Hdf5Dataset flux = file.dataset("flux"), variance = file.dataset("variance");
    expect(flux.shape().size() == 3 && variance.shape() == flux.shape(), path, "flux and variance of other shapes");
    CubeSums out;
    out.n_y = flux.shape()[1];
    out.n_x = flux.shape()[2];
    out.spaxel_size = std::abs(flux.find_number("CD1_1").value_or(nan)) * arcsec;
    out.flux_unit = unit_of(flux.find_text("unit").value_or(""));
    out.edges = edges_of(file.dataset("wavelength").read_all<double>());
    expect(std::ssize(out.edges) == flux.n_row() + 1, path, "as many wavelengths as planes");
    std::vector<std::uint8_t> outside;
    for (const auto bits : file.dataset("mask").read_rows<std::int32_t>(0, 1)) {
        outside.push_back((bits & static_cast<int>(MaskBit::outside_aperture)) != 0 ? 1 : 0);
    }
    const std::int64_t n_wave = flux.n_row(), n_plane = flux.row_length();
    const std::int64_t block = std::max<std::int64_t>(1, (std::int64_t{1} << 20) / std::max<std::int64_t>(1, n_plane));
    Adder adder(out, outside);
    std::vector<float> values, noise;
    const bool noisy = variance.takes_room();
    for (std::int64_t first = 0; first < n_wave; first += block) {
        const std::int64_t n = std::min(block, n_wave - first);
        values.resize(static_cast<std::size_t>(n * n_plane));
        flux.read_rows<float>(first, n, values);
        if (noisy) {
            noise.resize(values.size());
            variance.read_rows<float>(first, n, noise);
        }
        adder.add(values, noise);
    }
    adder.finish();
    const io::Hdf5Group maps = file.group("maps");
    out.light = maps.dataset("OBS_FLUX").read_all<double>();
    out.velocity = maps.dataset("OBS_VEL").read_all<double>();
    out.dispersion = maps.dataset("OBS_SIGMA").read_all<double>();
    return out;
}

std::vector<double> fits_wavelengths(const io::FitsReader& file, int data, std::int64_t n) {
    if (const auto image = file.find("WAVE")) { return file.read_image<double>(*image); }
    const double start = file.number(data, "CRVAL3"), step = file.number(data, "CD3_3");
    const bool logarithmic = file.find_text(data, "CTYPE3").value_or("").ends_with("-LOG");
    std::vector<double> out;
    for (std::int64_t i = 0; i < n; ++i) {
        const double by = step * static_cast<double>(i);
        out.push_back(logarithmic ? start * std::exp(by / start) : start + by);
    }
    return out;
}

CubeSums read_fits(const std::string& path) {
    const io::FitsReader file(path);
    const int data = file.index("DATA");
    const std::vector<std::int64_t> shape = file.hdus()[static_cast<std::size_t>(data)].shape;
    expect(shape.size() == 3, path, "DATA that is no cube");
    CubeSums out;
    out.n_y = shape[1];
    out.n_x = shape[2];
    out.spaxel_size = std::abs(file.number(data, "CD1_1")) * arcsec;
    out.flux_unit = unit_of(file.find_text(data, "BUNIT").value_or(""));
    out.edges = edges_of(fits_wavelengths(file, data, shape[0]));
    const auto flux = file.read_image<float>(data);
    const auto variance = file.read_image<float>(file.index("STAT"));
    std::vector<std::uint8_t> outside(static_cast<std::size_t>(out.n_y * out.n_x));
    for (std::size_t i = 0; i < outside.size(); ++i) { outside[i] = std::isnan(flux[i]) ? 1 : 0; }
    Adder adder(out, outside);
    adder.add(flux, variance);
    adder.finish();
    out.light = file.read_image<double>(file.index("OBS_FLUX"));
    out.velocity = file.read_image<double>(file.index("OBS_VEL"));
    out.dispersion = file.read_image<double>(file.index("OBS_SIGMA"));
    return out;
}

} // namespace

CubeSums sums_of(const CubeProduct& product) {
    CubeSums out;
    out.n_y = product.grid.n_y;
    out.n_x = product.grid.n_x;
    if (product.flux.n_wave() != product.wavelength.size() || product.flux.n_y() != out.n_y ||
        product.flux.n_x() != out.n_x) {
        throw Error({.where = "the sums of a cube",
                     .found = fmt::format("{} planes of {} x {}", product.flux.n_wave(), product.flux.n_y(),
                                          product.flux.n_x()),
                     .expected = fmt::format("{} of {} x {}", product.wavelength.size(), out.n_y, out.n_x)});
    }
    for (const Card& card : celestial_cards(product)) {
        if (card.name == "CD1_1" && card.value.number(out.spaxel_size)) { out.spaxel_size = std::abs(out.spaxel_size); }
    }
    out.spaxel_size *= arcsec;
    out.flux_unit = unit_of(product.flux_unit);
    out.edges = edges_of(product.wavelength.centres);
    std::vector<std::uint8_t> outside;
    for (const std::uint8_t bits : product.spaxel_mask) {
        outside.push_back((bits & static_cast<int>(MaskBit::outside_aperture)) != 0 ? 1 : 0);
    }
    Adder adder(out, outside);
    adder.add(product.flux.data(), product.variance.data());
    adder.finish();
    for (const auto& [name, map] :
         {std::pair{"OBS_FLUX", &out.light}, {"OBS_VEL", &out.velocity}, {"OBS_SIGMA", &out.dispersion}}) {
        for (const CubeMap& one : product.maps) {
            if (one.name == name) { *map = one.values; }
        }
    }
    return out;
}

CubeSums read_cube_sums(const std::string& path) { return is_fits(path) ? read_fits(path) : read_hdf5(path); }

} // namespace tessera
