#include "tessera/output/cube_measures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tessera {

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// Distance of a place in spaxels from the field's centre, spaxels.
double distance(const CubeSums& sums, double y, double x) {
    return std::hypot(y - 0.5 * static_cast<double>(sums.n_y), x - 0.5 * static_cast<double>(sums.n_x));
}

/// Of the circle that holds half of the light, which is spread evenly over each spaxel; spaxels.
double half_light_radius(const CubeSums& sums) {
    constexpr double bins = 64; // a spaxel
    const double reach = std::hypot(static_cast<double>(sums.n_y), static_cast<double>(sums.n_x));
    std::vector<double> light(static_cast<std::size_t>(bins * reach) + 2, 0.0); // [bin of radius]
    double total = 0;
    for (std::int64_t y = 0; y < sums.n_y; ++y) {
        for (std::int64_t x = 0; x < sums.n_x; ++x) {
            const double here = sums.white_light[static_cast<std::size_t>(y * sums.n_x + x)];
            if (!std::isfinite(here) || here == 0) { continue; }
            total += here;
            // Of a spaxel's side: finer where circles are small.
            const int parts = distance(sums, static_cast<double>(y) + 0.5, static_cast<double>(x) + 0.5) < 4 ? 32 : 6;
            for (int part = 0; part < parts * parts; ++part) {
                const int row = part / parts, column = part % parts;
                const double r = distance(sums, static_cast<double>(y) + (row + 0.5) / parts,
                                          static_cast<double>(x) + (column + 0.5) / parts);
                light[static_cast<std::size_t>(bins * r)] += here / (parts * parts);
            }
        }
    }
    if (!(total > 0)) { return none; }
    double inside = 0;
    for (std::size_t bin = 0; bin < light.size(); ++bin) {
        if (inside + light[bin] >= 0.5 * total) {
            const double fraction = light[bin] > 0 ? (0.5 * total - inside) / light[bin] : 0;
            return (static_cast<double>(bin) + fraction) / bins;
        }
        inside += light[bin];
    }
    return none;
}

/// Calls `with(spaxel, radius)` for the spaxels whose centres are within `radius`, all in spaxels.
template <class With>
void within(const CubeSums& sums, double radius, With&& with) {
    for (std::int64_t y = 0; y < sums.n_y; ++y) {
        for (std::int64_t x = 0; x < sums.n_x; ++x) {
            const double r = distance(sums, static_cast<double>(y) + 0.5, static_cast<double>(x) + 0.5);
            if (r <= radius) { with(static_cast<std::size_t>(y * sums.n_x + x), r); }
        }
    }
}

double lambda_r(const CubeSums& sums, double radius) {
    double ordered = 0, all = 0;
    within(sums, radius, [&](std::size_t i, double r) {
        const double v = sums.velocity[i], sigma = sums.dispersion[i];
        if (!std::isfinite(v) || !std::isfinite(sigma) || !(sums.light[i] > 0)) { return; }
        ordered += sums.light[i] * r * std::abs(v);
        all += sums.light[i] * r * std::hypot(v, sigma);
    });
    return all > 0 ? ordered / all : none;
}

double median_signal_to_noise(const CubeSums& sums, double radius) {
    std::vector<double> values;
    if (sums.signal_to_noise.empty()) { return none; }
    within(sums, radius, [&](std::size_t i, double) {
        if (std::isfinite(sums.signal_to_noise[i])) { values.push_back(sums.signal_to_noise[i]); }
    });
    if (values.empty()) { return none; }
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

} // namespace

CubeMeasures measure(const CubeSums& sums, const std::vector<Band>& bands) {
    CubeMeasures out;
    double flux = 0;
    for (const double value : sums.white_light) { flux += std::isfinite(value) ? value : 0; }
    out.flux = flux * (sums.flux_unit > 0 ? sums.flux_unit : 1);
    const double radius = half_light_radius(sums); // NaN: no spaxel is within it
    out.half_light_radius = radius * sums.spaxel_size;
    out.lambda_r = lambda_r(sums, radius);
    out.signal_to_noise = median_signal_to_noise(sums, radius);
    for (const Band& band : bands) {
        const std::vector<double> weights = band_weights(band, sums.edges);
        if (weights.empty() || sums.flux_unit == 0) { continue; }
        const double density = std::inner_product(weights.begin(), weights.end(), sums.spectrum.begin(), 0.0);
        out.magnitudes[band.name] = ab_magnitude(density * sums.flux_unit);
    }
    return out;
}

} // namespace tessera
