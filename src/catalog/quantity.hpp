#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace tessera::catalog {

/// Powers of the base units: Msun, kpc, Gyr, mag.
using Dimension = std::array<int, 4>;

inline constexpr Dimension pure_number{};

/// A unit: what it measures, and its size in base units.
struct Unit {
    Dimension dimension{};
    double size = 1;
};

/// "Msun", "kpc", "km", "yr", …; nullopt for any other word.
std::optional<Unit> find_unit(const std::string& word);

/// Every unit that find_unit knows, for messages.
std::vector<std::string> known_units();

/// "Msun/yr", "km/s", "" of our own tables. @throws Error(Kind::internal)  a word that find_unit does not know
Unit unit_of(const std::string& text);

/// The dimension in the units that people use for it: "Msun/yr", "km/s", "kpc^2", "a pure number".
std::string text_of(const Dimension& dimension);

/// `factor` = +1: of a product, -1: of a quotient.
Unit combine(const Unit& a, const Unit& b, int factor);
Unit power(const Unit& unit, int exponent);

} // namespace tessera::catalog
