#include "tessera/ssp/interpolation.hpp"

#include <algorithm>

#include "ssp/axis_weights.hpp"

namespace tessera::ssp {

namespace {

AxisKnots knots_of(const std::vector<float>& axis) { return {axis.data(), static_cast<std::int32_t>(axis.size())}; }

std::vector<float> single(const std::vector<double>& axis) { return {axis.begin(), axis.end()}; }

} // namespace

Interpolator::Interpolator(const Library& library, Interpolation kind, Outside outside)
    : kind_(kind), outside_(outside), metallicity_(single(library.metallicity)), age_(single(library.age)),
      metallicity_cells_(knots_of(metallicity_)), age_cells_(knots_of(age_)) {}

CellTable::CellTable(const AxisKnots& axis) {
    if (axis.n < 2 || !(axis.knot[0] >= 0)) { return; }
    first_ = bucket_of(axis.knot[0]);
    const std::uint32_t last = bucket_of(axis.knot[axis.n - 1]);
    for (std::uint32_t bucket = first_; bucket <= last; ++bucket) {
        const float from = std::bit_cast<float>(bucket << bucket_bits);
        cell_.push_back(axis.upper(std::max(from, axis.knot[0])));
    }
}

std::int32_t CellTable::upper(const AxisKnots& axis, float q) const {
    if (cell_.empty()) { return axis.n > 1 ? axis.upper(q) : 1; }
    // A minus zero has the sign bit set, and is the zero that the axis begins with.
    std::int32_t i = cell_[std::max(bucket_of(q + 0.0F), first_) - first_];
    while (i < axis.n - 1 && axis.knot[i] <= q) { ++i; }
    return i;
}

NodeWeights Interpolator::at(float metallicity, float age) const {
    NodeWeights out;
    const AxisKnots metallicities = knots_of(metallicity_), ages = knots_of(age_);
    if (metallicity != metallicity || age != age) { return out; } // NaN
    if (outside_ == Outside::clamp) {
        metallicity = metallicities.clamp(metallicity);
        age = ages.clamp(age);
    } else if (!metallicities.contains(metallicity) || !ages.contains(age)) {
        return out;
    }
    const std::int32_t above_metallicity = metallicity_cells_.upper(metallicities, metallicity);
    const std::int32_t above_age = age_cells_.upper(ages, age);
    const bool linear = kind_ == Interpolation::linear;
    const AxisWeights by_metallicity = linear ? metallicities.linear(metallicity, above_metallicity)
                                              : metallicities.cubic(metallicity, above_metallicity);
    const AxisWeights by_age = linear ? ages.linear(age, above_age) : ages.cubic(age, above_age);
    for (std::int32_t i = 0; i < by_metallicity.count; ++i) {
        for (std::int32_t j = 0; j < by_age.count; ++j) {
            const auto weight = static_cast<float>(by_metallicity.weight[i] * by_age.weight[j]);
            out.node[out.count] = (by_metallicity.first + i) * ages.n + by_age.first + j;
            out.weight[out.count] = weight;
            out.count += weight != 0 ? 1 : 0; // a knot hit exactly: the node beside it has no part
        }
    }
    return out;
}

Placement Interpolator::placement(float metallicity, float age) const {
    const bool metallicity_inside = knots_of(metallicity_).contains(metallicity);
    const bool age_inside = knots_of(age_).contains(age);
    if (metallicity_inside && age_inside) { return Placement::inside; }
    if (metallicity_inside) { return Placement::age_outside; }
    return age_inside ? Placement::metallicity_outside : Placement::both_outside;
}

} // namespace tessera::ssp
