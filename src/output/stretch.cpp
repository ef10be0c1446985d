#include "output/stretch.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include <fmt/format.h>

namespace tessera {

std::vector<double> finite_sorted(const std::vector<float>& values) {
    std::vector<double> sorted;
    for (const float value : values) {
        if (std::isfinite(value)) { sorted.push_back(value); }
    }
    std::sort(sorted.begin(), sorted.end());
    return sorted;
}

double percentile(const std::vector<double>& sorted, double fraction) {
    if (sorted.empty()) { return 0; }
    return sorted[static_cast<std::size_t>(std::lround(fraction * static_cast<double>(sorted.size() - 1)))];
}

double largest_usual(const std::vector<float>& values) {
    std::vector<double> sizes = finite_sorted(values);
    for (double& size : sizes) { size = std::abs(size); }
    std::sort(sizes.begin(), sizes.end());
    return percentile(sizes, 0.98);
}

Range usual_range(const std::vector<float>& values) {
    const std::vector<double> sorted = finite_sorted(values);
    if (sorted.empty()) { return {0, 1}; }
    const Range range{percentile(sorted, 0.02), percentile(sorted, 0.98)};
    return range.span() > 0 ? range : padded(range, 0);
}

AsinhStretch::AsinhStretch(const std::vector<float>& image) {
    std::vector<double> lit = finite_sorted(image);
    lit.erase(lit.begin(), std::upper_bound(lit.begin(), lit.end(), 0.0));
    if (lit.empty()) { return; }
    largest_ = lit.back();
    softening_ = std::clamp(percentile(lit, 0.1), largest_ / 3000, largest_ / 30);
}

double AsinhStretch::operator()(double value) const {
    if (!(largest_ > 0) || !(value > 0)) { return 0; }
    return std::min(std::asinh(value / softening_) / std::asinh(largest_ / softening_), 1.0);
}

namespace {
/// 10, 200, 3000, 0.05, 10⁷, 2×10⁷
std::string light_text(int factor, int exponent) {
    if (exponent >= 0 && exponent <= 3) { return number_text(factor * std::pow(10.0, exponent), 0); }
    if (exponent < 0 && exponent >= -2) { return number_text(factor * std::pow(10.0, exponent), -exponent); }
    return factor == 1 ? power_of_ten(exponent) : fmt::format("{}×{}", factor, power_of_ten(exponent));
}
} // namespace

Ticks AsinhStretch::ticks() const {
    Ticks ticks;
    if (!(largest_ > 0)) { return ticks; }
    const auto collect = [&](std::initializer_list<int> factors) {
        ticks.value = {0};
        ticks.label = {"0"};
        for (int exponent = static_cast<int>(std::floor(std::log10(softening_))); exponent <= std::log10(largest_);
             ++exponent) {
            for (const int factor : factors) {
                const double value = factor * std::pow(10.0, exponent);
                if (value > largest_ * (1 + 1e-9) || (*this)(value)-ticks.value.back() < 0.05) { continue; }
                ticks.value.push_back((*this)(value));
                ticks.label.push_back(light_text(factor, exponent));
            }
        }
    };
    collect({1});
    if (ticks.value.size() < 4) { collect({1, 2, 5}); }
    return ticks;
}

} // namespace tessera
