#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tessera/core/options.hpp"
#include "tessera/ssp/axis_weights.hpp"
#include "tessera/ssp/library.hpp"
#include "tessera/ssp/node_lookup.hpp"

namespace tessera::ssp {

enum class Interpolation { linear, cubic };

/// Look-ups of many stars at once: node[k][i] and weight[k][i] of star i, k < per_star. All nodes are there, even those of weight 0.
struct NodeBlock {
    static constexpr int size = 256;
    int per_star = 0;       ///< 4 linear, 16 cubic
    std::uint8_t lit[size]; ///< 0: outside the grid, and no light; its weights are 0
    std::int32_t node[16][size];
    float weight[16][size];
};

/// Where to begin the search for a cell: a table over the leading bits of a float, 64 entries an octave. Axes of ages are far from
/// even, and a binary search costs more than all else in a look-up.
class CellTable {
public:
    /// Empty, and then of no help, for an axis with negative knots.
    explicit CellTable(const AxisKnots& axis);
    /// axis.upper(q) for q between the first and the last knot.
    std::int32_t upper(const AxisKnots& axis, float q) const {
        if (cell_.empty()) { return axis.n > 1 ? axis.upper(q) : 1; }
        // A minus zero has the sign bit set, and is the zero that the axis begins with.
        std::int32_t i = cell_[std::max(bucket_of(q + 0.0F), first_) - first_];
        // A knot inside the bucket: as often passed as not, so no branch. More than one is rare.
        i += i < axis.n - 1 && axis.knot[i] <= q ? 1 : 0;
        while (i < axis.n - 1 && axis.knot[i] <= q) { ++i; }
        return i;
    }

    /// No bucket holds more than one knot.
    bool one_step(const AxisKnots& axis) const;
    /// Bucket of a value between the first and the last knot, and the table itself.
    static constexpr unsigned bucket_bits = 17; ///< of the 23 of a mantissa
    static std::uint32_t bucket_of(float q) { return std::bit_cast<std::uint32_t>(q) >> bucket_bits; }
    std::uint32_t first() const { return first_; }
    const std::int32_t* cells() const { return cell_.data(); }

private:
    std::uint32_t first_ = 0;
    std::vector<std::int32_t> cell_;
};

enum class Placement { inside, age_outside, metallicity_outside, both_outside };

/// Look-up of (metallicity, age) on a library's grid, in linear age [Gyr] and linear Z, the same as RUBIX (docs/physics.md):
/// bilinear, or the separable C1 cubic Hermite with plain-mean slopes (interpax "cubic").
class Interpolator {
public:
    Interpolator(const Library& library, Interpolation kind, Outside outside);
    /// Weights of one star; thread-safe, no allocation. A star outside the grid: the nearest edge (clamp), else no node;
    /// Outside::error is handled by the caller through `placement`. A NaN is outside and gets no node.
    NodeWeights at(float metallicity, float age) const {
        return lookup().with_cells(
            metallicity, age, [this](const AxisKnots& axis, float q) { return metallicity_cells_.upper(axis, q); },
            [this](const AxisKnots& axis, float q) { return age_cells_.upper(axis, q); });
    }
    /// For loops that take the arithmetic with them; its knots are those of this object.
    NodeLookup lookup() const {
        return {metallicities(), ages(), kind_ == Interpolation::cubic, outside_ == Outside::clamp};
    }
    /// The same for `n` stars, at most NodeBlock::size.
    void at(const float* metallicity, const float* age, std::int64_t n, NodeBlock& out) const;
    Placement placement(float metallicity, float age) const; ///< end knots count as inside
    Interpolation kind() const { return kind_; }

private:
    void linear_block(const float* metallicity, const float* age, std::int64_t n, NodeBlock& out) const;
    AxisKnots metallicities() const { return {metallicity_.data(), static_cast<std::int32_t>(metallicity_.size())}; }
    AxisKnots ages() const { return {age_.data(), static_cast<std::int32_t>(age_.size())}; }

    Interpolation kind_;
    Outside outside_;
    std::vector<float> metallicity_, age_;
    CellTable metallicity_cells_, age_cells_;
    bool one_step_; ///< both tables lead to the knot or the one before
};

} // namespace tessera::ssp

namespace tessera {
template <>
struct EnumWords<ssp::Interpolation> {
    static constexpr std::array words{std::pair{ssp::Interpolation::linear, std::string_view("linear")},
                                      std::pair{ssp::Interpolation::cubic, std::string_view("cubic")}};
};
} // namespace tessera
