#include "tessera/ssp/interpolation.hpp"

#include "ssp/axis_weights.hpp"

namespace tessera::ssp {

namespace {

AxisKnots knots_of(const std::vector<float>& axis) { return {axis.data(), static_cast<std::int32_t>(axis.size())}; }

std::vector<float> single(const std::vector<double>& axis) { return {axis.begin(), axis.end()}; }

} // namespace

Interpolator::Interpolator(const Library& library, Interpolation kind, Outside outside)
    : kind_(kind), outside_(outside), metallicity_(single(library.metallicity)), age_(single(library.age)) {}

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
    const bool linear = kind_ == Interpolation::linear;
    const AxisWeights by_metallicity = linear ? metallicities.linear(metallicity) : metallicities.cubic(metallicity);
    const AxisWeights by_age = linear ? ages.linear(age) : ages.cubic(age);
    for (std::int32_t i = 0; i < by_metallicity.count; ++i) {
        for (std::int32_t j = 0; j < by_age.count; ++j) {
            const auto weight = static_cast<float>(by_metallicity.weight[i] * by_age.weight[j]);
            if (weight == 0) { continue; }
            out.node[out.count] = (by_metallicity.first + i) * ages.n + by_age.first + j;
            out.weight[out.count] = weight;
            ++out.count;
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
