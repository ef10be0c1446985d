#pragma once

#include <vector>

#include "output/ticks.hpp"

namespace tessera {

/// The finite values, ascending.
std::vector<double> finite_sorted(const std::vector<float>& values);
/// The value below which this fraction of the sorted values lies, 0 when there are none.
double percentile(const std::vector<double>& sorted, double fraction);
/// 98th percentile of |value|: a scale that a few wild spaxels do not set. 0 when there are no values.
double largest_usual(const std::vector<float>& values);
/// 2nd to 98th percentile, made wider where that is nothing.
Range usual_range(const std::vector<float>& values);

/// Brightness of light on a page: value v goes to asinh(v / s) / asinh(max / s), linear for faint light (no light is black,
/// noise around zero stays gentle), logarithmic for bright. s, between max/3000 and max/30, is the image's own faint light.
/// @par Source  Lupton et al. (2004), PASP 116, 133.
class AsinhStretch {
public:
    explicit AsinhStretch(const std::vector<float>& image);
    double operator()(double value) const; ///< 0 to 1
    double softening() const { return softening_; }
    Ticks ticks() const; ///< places 0 to 1 of zero and of powers of ten; empty for an image without light

private:
    double largest_ = 0, softening_ = 1;
};

} // namespace tessera
