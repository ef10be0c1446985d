#include "tessera/ssp/interpolation.hpp"

#include <algorithm>
#include <bit>

#include "core/cpu_clones.hpp"

namespace tessera::ssp {

namespace {

std::vector<float> single(const std::vector<double>& axis) { return {axis.begin(), axis.end()}; }

} // namespace

Interpolator::Interpolator(const Library& library, Interpolation kind, Outside outside)
    : kind_(kind), outside_(outside), metallicity_(single(library.metallicity)), age_(single(library.age)),
      metallicity_cells_(metallicities()), age_cells_(ages()),
      one_step_(metallicity_cells_.one_step(metallicities()) && age_cells_.one_step(ages())) {}

bool CellTable::one_step(const AxisKnots& axis) const {
    for (std::size_t i = 0; i < cell_.size(); ++i) {
        const std::int32_t next = i + 1 < cell_.size() ? cell_[i + 1] : axis.n - 1;
        if (next > cell_[i] + 1) { return false; }
    }
    return !cell_.empty();
}

CellTable::CellTable(const AxisKnots& axis) {
    if (axis.n < 2 || !(axis.knot[0] >= 0)) { return; }
    first_ = bucket_of(axis.knot[0]);
    const std::uint32_t last = bucket_of(axis.knot[axis.n - 1]);
    for (std::uint32_t bucket = first_; bucket <= last; ++bucket) {
        const float from = std::bit_cast<float>(bucket << bucket_bits);
        cell_.push_back(axis.upper(std::max(from, axis.knot[0])));
    }
}

namespace {

/// Cells and places in them along one axis: upper knot, and the fraction t of the way to it. Written for vector registers.
TESSERA_CPU_CLONES
void locate(const AxisKnots axis, const std::int32_t* cells, std::uint32_t first_bucket, const float* values,
            std::int64_t n, std::int32_t* upper, double* fraction) {
    const float lowest = axis.knot[0];
    const float highest = axis.knot[axis.n - 1];
    const std::int32_t last = axis.n - 1;
    for (std::int64_t i = 0; i < n; ++i) {
        const float q =
            std::min(highest, std::max(lowest, values[i])) + 0.0F; // a NaN becomes the lowest; no sign at zero
        const std::uint32_t bucket = std::bit_cast<std::uint32_t>(q) >> CellTable::bucket_bits;
        std::int32_t at = cells[static_cast<std::int32_t>(bucket - first_bucket)];
        at = std::min(at + (axis.knot[at] <= q ? 1 : 0), last);
        upper[i] = at;
        const double low = axis.knot[at - 1];
        fraction[i] = (static_cast<double>(q) - low) / (static_cast<double>(axis.knot[at]) - low);
    }
}

} // namespace

void Interpolator::linear_block(const float* metallicity, const float* age, std::int64_t n, NodeBlock& out) const {
    std::int32_t above_metallicity[NodeBlock::size];
    std::int32_t above_age[NodeBlock::size];
    double by_metallicity[NodeBlock::size];
    double by_age[NodeBlock::size];
    locate(metallicities(), metallicity_cells_.cells(), metallicity_cells_.first(), metallicity, n, above_metallicity,
           by_metallicity);
    locate(ages(), age_cells_.cells(), age_cells_.first(), age, n, above_age, by_age);
    const auto n_age = static_cast<std::int32_t>(age_.size());
    out.per_star = 4;
    for (std::int64_t i = 0; i < n; ++i) {
        const bool inside = metallicities().contains(metallicity[i]) && ages().contains(age[i]);
        const bool number = metallicity[i] == metallicity[i] && age[i] == age[i];
        out.lit[i] = inside || (number && outside_ == Outside::clamp) ? 1 : 0;
        const std::int32_t node = (above_metallicity[i] - 1) * n_age + above_age[i] - 1;
        const double z = by_metallicity[i];
        const double t = by_age[i];
        const double one = out.lit[i];
        out.node[0][i] = node;
        out.node[1][i] = node + 1;
        out.node[2][i] = node + n_age;
        out.node[3][i] = node + n_age + 1;
        out.weight[0][i] = static_cast<float>(one * ((1 - z) * (1 - t)));
        out.weight[1][i] = static_cast<float>(one * ((1 - z) * t));
        out.weight[2][i] = static_cast<float>(one * (z * (1 - t)));
        out.weight[3][i] = static_cast<float>(one * (z * t));
    }
}

void Interpolator::at(const float* metallicity, const float* age, std::int64_t n, NodeBlock& out) const {
    if (one_step_ && kind_ == Interpolation::linear) {
        linear_block(metallicity, age, n, out);
        return;
    }
    out.per_star = kind_ == Interpolation::linear ? 4 : 16;
    for (std::int64_t i = 0; i < n; ++i) {
        const NodeWeights nodes = at(metallicity[i], age[i]);
        out.lit[i] = nodes.count > 0 ? 1 : 0;
        for (int k = 0; k < out.per_star; ++k) {
            out.node[k][i] = k < nodes.count ? nodes.node[k] : nodes.count > 0 ? nodes.node[0] : 0;
            out.weight[k][i] = k < nodes.count ? nodes.weight[k] : 0;
        }
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
