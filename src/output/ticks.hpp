#pragma once

#include <string>
#include <vector>

namespace tessera {

struct Range {
    double low = 0, high = 1;
    double span() const { return high - low; }
};

/// Marks of an axis: `value[i]` is written as `label[i]`, to be read as label · 10^exponent.
struct Ticks {
    std::vector<double> value;
    std::vector<std::string> label;
    int exponent = 0;
};

/// Ticks at multiples of 1, 2 or 5 times a power of ten inside the range, the closest spacing that gives at most `n_max`
/// (>= 2) of them. Values above 10^5 or below 10^-3 share a factor 10^exponent.
/// An empty or not finite range, or one narrower than 1e-9 of its values, gives no ticks.
Ticks nice_ticks(const Range& range, int n_max);

/// The range with a margin of `fraction` of its span on both sides; one without span or not finite becomes one that has.
Range padded(const Range& range, double fraction);

/// The number with a true minus sign and `decimals` digits after the point.
std::string number_text(double value, int decimals);

/// "10⁻²⁰"
std::string power_of_ten(int exponent);

/// A unit as a person writes it: "1e-20 erg/s/cm2/Angstrom" becomes "10⁻²⁰ erg s⁻¹ cm⁻² Å⁻¹", "Lsun/Angstrom" "L☉ Å⁻¹".
/// Equal factors are merged ("Lsun/Angstrom Angstrom" is L☉); words that are not known stay as they are.
std::string readable_unit(const std::string& unit);

} // namespace tessera
