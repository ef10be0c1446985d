#include "tessera/ssp/interpolation.hpp"

#include <algorithm>

namespace tessera::ssp {

namespace {

std::vector<float> single(const std::vector<double>& axis) { return {axis.begin(), axis.end()}; }

} // namespace

Interpolator::Interpolator(const Library& library, Interpolation kind, Outside outside)
    : kind_(kind), outside_(outside), metallicity_(single(library.metallicity)), age_(single(library.age)),
      metallicity_cells_(metallicities()), age_cells_(ages()) {}

CellTable::CellTable(const AxisKnots& axis) {
    if (axis.n < 2 || !(axis.knot[0] >= 0)) { return; }
    first_ = bucket_of(axis.knot[0]);
    const std::uint32_t last = bucket_of(axis.knot[axis.n - 1]);
    for (std::uint32_t bucket = first_; bucket <= last; ++bucket) {
        const float from = std::bit_cast<float>(bucket << bucket_bits);
        cell_.push_back(axis.upper(std::max(from, axis.knot[0])));
    }
}

Placement Interpolator::placement(float metallicity, float age) const {
    const bool metallicity_inside = metallicities().contains(metallicity);
    const bool age_inside = ages().contains(age);
    if (metallicity_inside && age_inside) { return Placement::inside; }
    if (metallicity_inside) { return Placement::age_outside; }
    return age_inside ? Placement::metallicity_outside : Placement::both_outside;
}

} // namespace tessera::ssp
