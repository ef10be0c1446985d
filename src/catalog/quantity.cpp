#include "catalog/quantity.hpp"

#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"

namespace tessera::catalog {

namespace {

constexpr double year = constants::gigayear / 1e9; // s

const std::array units{
    std::pair{"Msun", Unit{{1, 0, 0, 0}, 1}},
    std::pair{"pc", Unit{{0, 1, 0, 0}, 1e-3}},
    std::pair{"kpc", Unit{{0, 1, 0, 0}, 1}},
    std::pair{"Mpc", Unit{{0, 1, 0, 0}, 1e3}},
    std::pair{"km", Unit{{0, 1, 0, 0}, 1e5 / constants::kpc}},
    std::pair{"s", Unit{{0, 0, 1, 0}, 1e-9 / year}},
    std::pair{"yr", Unit{{0, 0, 1, 0}, 1e-9}},
    std::pair{"Myr", Unit{{0, 0, 1, 0}, 1e-3}},
    std::pair{"Gyr", Unit{{0, 0, 1, 0}, 1}},
    std::pair{"mag", Unit{{0, 0, 0, 1}, 1}},
};

} // namespace

std::optional<Unit> find_unit(const std::string& word) {
    for (const auto& [name, unit] : units) {
        if (word == name) { return unit; }
    }
    return std::nullopt;
}

std::vector<std::string> known_units() {
    std::vector<std::string> all;
    for (const auto& [name, unit] : units) { all.emplace_back(name); }
    return all;
}

Unit combine(const Unit& a, const Unit& b, int factor) {
    Unit out{a.dimension, factor > 0 ? a.size * b.size : a.size / b.size};
    for (std::size_t i = 0; i < out.dimension.size(); ++i) { out.dimension[i] += factor * b.dimension[i]; }
    return out;
}

Unit power(const Unit& unit, int exponent) {
    Unit out{unit.dimension, std::pow(unit.size, exponent)};
    for (int& x : out.dimension) { x *= exponent; }
    return out;
}

Unit unit_of(const std::string& text) {
    Unit out;
    int factor = 1;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t slash = std::min(text.find('/', at), text.size());
        const auto unit = find_unit(text.substr(at, slash - at));
        if (!unit) { throw Error({.where = "unit_of", .found = fmt::format("the unit '{}'", text)}); }
        out = combine(out, *unit, factor);
        factor = -1;
        at = slash + 1;
    }
    return out;
}

std::string text_of(const Dimension& dimension) {
    if (dimension == pure_number) { return "a pure number"; }
    if (dimension == Dimension{1, 0, -1, 0}) { return "Msun/yr"; }
    if (dimension == Dimension{0, 1, -1, 0}) { return "km/s"; }
    constexpr std::array names{"Msun", "kpc", "Gyr", "mag"};
    std::string above, below;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const int exponent = std::abs(dimension[i]);
        if (exponent == 0) { continue; }
        std::string& text = dimension[i] > 0 ? above : below;
        text += (dimension[i] > 0 ? (text.empty() ? "" : " ") : "/") + std::string(names[i]);
        if (exponent > 1) { text += fmt::format("^{}", exponent); }
    }
    return (above.empty() ? "1" : above) + below;
}

} // namespace tessera::catalog
