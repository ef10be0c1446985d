// Cubes read back, a few planes at a time.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include <fmt/format.h>

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

/// Adds planes to the sums. `flux` and `variance` may be NaN outside the aperture.
class Adder {
public:
    Adder(CubeSums& sums, const std::vector<std::uint8_t>& outside) : sums_(sums), outside_(outside) {
        const auto n = static_cast<std::size_t>(sums.n_y * sums.n_x);
        sums.white_light.assign(n, 0.0);
        sums.spectrum.clear();
        flux_.assign(n, 0.0);
        variance_.assign(n, 0.0);
        inside_.assign(n, 0.0);
        none_.assign(n, 0);
    }
    void add(std::span<const float> flux, std::span<const float> variance) {
        const std::size_t n = flux_.size();
        for (std::size_t at = 0; at + n <= flux.size(); at += n) {
            const std::size_t w = sums_.spectrum.size();
            const double width = sums_.edges[w + 1] - sums_.edges[w];
            // Without branches and one sum for all, this runs at the speed of the memory.
            const std::uint8_t* const out = outside_.empty() ? none_.data() : outside_.data();
            const float* const from = flux.data() + at;
            double* const white = sums_.white_light.data();
            for (std::size_t i = 0; i < n; ++i) {
                const double value = out[i] != 0 ? 0.0F : from[i];
                flux_[i] += value;
                white[i] += width * value;
                inside_[i] = value;
            }
            for (std::size_t i = 0; !variance.empty() && i < n; ++i) {
                variance_[i] += out[i] != 0 ? 0.0F : variance[at + i];
            }
            constexpr std::size_t lanes = 8;
            std::array<double, lanes> plane{};
            for (std::size_t i = 0; i < n / lanes * lanes; i += lanes) {
                for (std::size_t k = 0; k < lanes; ++k) { plane[k] += inside_[i + k]; }
            }
            for (std::size_t i = n / lanes * lanes; i < n; ++i) { plane[0] += inside_[i]; }
            sums_.spectrum.push_back(std::accumulate(plane.begin(), plane.end(), 0.0));
        }
    }
    void finish() {
        const auto n_wave = static_cast<double>(sums_.spectrum.size());
        const bool noisy = std::any_of(variance_.begin(), variance_.end(), [](double v) { return v > 0; });
        if (noisy) { sums_.signal_to_noise.assign(flux_.size(), nan); }
        for (std::size_t i = 0; i < flux_.size(); ++i) {
            if (noisy && variance_[i] > 0) { sums_.signal_to_noise[i] = flux_[i] / std::sqrt(variance_[i] * n_wave); }
            if (!outside_.empty() && outside_[i] != 0) { sums_.white_light[i] = nan; }
        }
    }

private:
    CubeSums& sums_;
    const std::vector<std::uint8_t>& outside_;
    std::vector<double> flux_, variance_; ///< [y, x] sums over wavelength
    std::vector<double> inside_;          ///< [y, x] a plane, 0 outside the aperture
    std::vector<std::uint8_t> none_;      ///< [y, x] nothing is outside
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
    for (std::int64_t first = 0; first < n_wave; first += block) {
        const std::int64_t n = std::min(block, n_wave - first);
        values.resize(static_cast<std::size_t>(n * n_plane));
        flux.read_rows<float>(first, n, values);
        const bool was_zero = first > 0 && std::all_of(noise.begin(), noise.end(), [](float v) { return v == 0; });
        if (!was_zero) {
            noise.resize(values.size());
            variance.read_rows<float>(first, n, noise);
        }
        adder.add(values, was_zero ? std::span<const float>() : std::span<const float>(noise));
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

CubeSums read_cube_sums(const std::string& path) { return is_fits(path) ? read_fits(path) : read_hdf5(path); }

} // namespace tessera
