#include "output/colour_map.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/core/constants.hpp"

namespace tessera {

namespace {

struct Oklab {
    double lightness, a, b;
};

Oklab to_oklab(const Oklch& colour) {
    const double angle = colour.hue * constants::pi / 180;
    return {colour.lightness, colour.chroma * std::cos(angle), colour.chroma * std::sin(angle)};
}

double encode(double linear) {
    const double clipped = std::clamp(linear, 0.0, 1.0);
    return clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * std::pow(clipped, 1 / 2.4) - 0.055;
}

Colour to_srgb(const Oklab& colour) {
    const auto cube = [](double v) { return v * v * v; };
    const double l = cube(colour.lightness + 0.3963377774 * colour.a + 0.2158037573 * colour.b);
    const double m = cube(colour.lightness - 0.1055613458 * colour.a - 0.0638541728 * colour.b);
    const double s = cube(colour.lightness - 0.0894841775 * colour.a - 1.2914855480 * colour.b);
    return {encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
            encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
            encode(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s), 1.0};
}

} // namespace

Colour to_srgb(const Oklch& colour) { return to_srgb(to_oklab(colour)); }

ColourMap::ColourMap(std::span<const Oklch> anchors) : table_{} {
    for (std::size_t i = 0; i < table_.size(); ++i) {
        const double place =
            static_cast<double>(i) / static_cast<double>(table_.size() - 1) * static_cast<double>(anchors.size() - 1);
        const std::size_t cell = std::min(static_cast<std::size_t>(place), anchors.size() - 2);
        const double t = place - static_cast<double>(cell);
        const Oklab from = to_oklab(anchors[cell]), to = to_oklab(anchors[cell + 1]);
        table_[i] = to_srgb(Oklab{from.lightness + t * (to.lightness - from.lightness), from.a + t * (to.a - from.a),
                                  from.b + t * (to.b - from.b)});
    }
}

Colour ColourMap::at(double fraction) const {
    const double place = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(table_.size() - 1);
    return table_[static_cast<std::size_t>(std::lround(std::isfinite(place) ? place : 0.0))];
}

const ColourMap& light_map() {
    static const std::array<Oklch, 7> anchors{{{0.13, 0.02, 280},
                                               {0.27, 0.11, 285},
                                               {0.41, 0.16, 318},
                                               {0.55, 0.18, 0},
                                               {0.69, 0.16, 40},
                                               {0.83, 0.13, 78},
                                               {0.97, 0.05, 100}}};
    static const ColourMap map(anchors);
    return map;
}

const ColourMap& diverging_map() {
    static const std::array<Oklch, 7> anchors{{{0.38, 0.14, 264},
                                               {0.58, 0.14, 255},
                                               {0.78, 0.09, 242},
                                               {0.97, 0.0, 0},
                                               {0.78, 0.11, 50},
                                               {0.58, 0.17, 32},
                                               {0.38, 0.14, 24}}};
    static const ColourMap map(anchors);
    return map;
}

const ColourMap& scalar_map() {
    static const std::array<Oklch, 5> anchors{
        {{0.27, 0.09, 275}, {0.44, 0.11, 245}, {0.61, 0.10, 200}, {0.78, 0.14, 155}, {0.95, 0.12, 110}}};
    static const ColourMap map(anchors);
    return map;
}

} // namespace tessera
