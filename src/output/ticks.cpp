#include "output/ticks.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace tessera {

namespace {

/// The smallest of 1, 2, 5 times a power of ten that is not below `least`.
double nice_step(double least) {
    const double decade = std::pow(10.0, std::floor(std::log10(least)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor * decade >= least * (1 - 1e-9)) { return factor * decade; }
    }
    return 10 * decade;
}

std::string superscript(int value) {
    static constexpr std::array<std::string_view, 10> digits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    std::string out;
    for (const char c : fmt::format("{}", value)) {
        out += c == '-' ? std::string_view("⁻") : digits[static_cast<std::size_t>(c - '0')];
    }
    return out;
}

} // namespace

std::string number_text(double value, int decimals) {
    std::string text = fmt::format("{:.{}f}", std::abs(value), decimals);
    const bool zero = text.find_first_not_of("0.") == std::string::npos;
    return value < 0 && !zero ? "−" + text : text;
}

std::string power_of_ten(int exponent) { return "10" + superscript(exponent); }

Ticks nice_ticks(const Range& range, int n_max) {
    Ticks ticks;
    const double span = range.span();
    const double largest = std::max(std::abs(range.low), std::abs(range.high));
    // A span of rounding errors holds no numbers worth writing (nor that counting by one could step through).
    if (!std::isfinite(range.low) || !std::isfinite(range.high) || !(span > 1e-9 * largest)) { return ticks; }
    // A slack of 1e-9 of a step keeps a tick on an end of the range that rounding moved.
    const auto first = [&range](double step) { return std::ceil(range.low / step - 1e-9); };
    const auto last = [&range](double step) { return std::floor(range.high / step + 1e-9); };
    double step = nice_step(span / (std::max(n_max, 2) + 1)); // n ticks lie on less than n + 1 steps
    while (last(step) - first(step) + 1 > n_max) { step = nice_step(step * 1.5); }

    const int magnitude = static_cast<int>(std::floor(std::log10(largest) + 1e-9));
    if (magnitude >= 5 || magnitude < -3) { ticks.exponent = magnitude; }
    const double scale = std::pow(10.0, ticks.exponent);
    const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step / scale) + 1e-9)));
    for (double i = first(step); i <= last(step); i += 1) {
        ticks.value.push_back(i * step);
        ticks.label.push_back(number_text(i * step / scale, decimals));
    }
    return ticks;
}

Range padded(const Range& range, double fraction) {
    if (!std::isfinite(range.low) || !std::isfinite(range.high)) { return {0, 1}; }
    if (range.span() > 0) { return {range.low - fraction * range.span(), range.high + fraction * range.span()}; }
    const double around = range.low == 0 ? 1 : std::abs(range.low);
    return {range.low - around, range.low + around};
}

namespace {

struct Factor {
    std::string base;
    int power = 1;
};

std::string base_text(const std::string& word) {
    static const std::array<std::pair<std::string_view, std::string_view>, 6> known{
        std::pair{"Angstrom", "Å"}, {"angstrom", "Å"}, {"Ang", "Å"}, {"Lsun", "L☉"}, {"Msun", "M☉"}, {"um", "µm"}};
    for (const auto& [name, text] : known) {
        if (word == name) { return std::string(text); }
    }
    return word;
}

/// "cm2", "cm-2", "cm**2", "cm^-2" -> cm and the power; "1e-20" and "10**-20" -> 10 and -20.
Factor parse_factor(std::string word, bool divided) {
    std::erase_if(word, [](char c) { return c == '(' || c == ')'; });
    if (word.starts_with("1e") || word.starts_with("1E")) { word = "10^" + word.substr(2); }
    std::size_t split = word.find_first_of("*^");
    std::size_t power = word.find_first_not_of("*^", split == std::string::npos ? word.size() : split);
    if (split == std::string::npos) { // letters, then a power glued to them
        split = word.find_first_of("-+0123456789");
        power = split;
    }
    Factor factor{.base = word.substr(0, split)};
    if (power != std::string::npos && split != 0 && split != std::string::npos) {
        factor.power = std::atoi(word.c_str() + power);
    } else {
        factor.base = word;
    }
    if (divided) { factor.power = -factor.power; }
    return factor;
}

} // namespace

std::string readable_unit(const std::string& unit) {
    std::vector<Factor> factors;
    std::string word;
    bool divided = false;
    const auto finish = [&] {
        if (!word.empty() && word != "1") {
            const Factor factor = parse_factor(word, divided);
            const auto same =
                std::find_if(factors.begin(), factors.end(), [&](const Factor& f) { return f.base == factor.base; });
            if (same == factors.end()) {
                factors.push_back(factor);
            } else {
                same->power += factor.power; // erg/s/Angstrom times Angstrom
            }
        }
        word.clear();
    };
    for (std::size_t i = 0; i < unit.size(); ++i) {
        const char c = unit[i];
        const bool power = c == '*' && (unit.substr(i, 2) == "**" || (i > 0 && unit[i - 1] == '*'));
        if (c == ' ' || c == '/' || (c == '*' && !power)) {
            finish();
            divided = c == '/';
        } else {
            word += c;
        }
    }
    finish();
    std::string out;
    for (const Factor& factor : factors) {
        if (factor.power == 0) { continue; }
        out += (out.empty() ? "" : " ") + base_text(factor.base);
        if (factor.power != 1) { out += superscript(factor.power); }
    }
    return out;
}

} // namespace tessera
