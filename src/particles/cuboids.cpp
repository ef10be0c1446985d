#include "particles/cuboids.hpp"

#include <algorithm>
#include <cmath>

namespace tessera::particles {

namespace {

constexpr double steps = 65536; ///< of the box's side

/// [low, high], in steps, as an edge and an extent.
void set_axis(Cuboid& out, std::size_t axis, double low, double high) {
    const double lower = std::floor(low), extent = std::ceil(high) - lower;
    if (extent >= steps - 1) { // all around
        out.lower[axis] = 0;
        out.extent[axis] = static_cast<std::uint16_t>(steps - 1);
        return;
    }
    out.lower[axis] = static_cast<std::uint16_t>(lower - steps * std::floor(lower / steps));
    out.extent[axis] = static_cast<std::uint16_t>(extent);
}

bool is_all_around(const Cuboid& cuboid, std::size_t axis) {
    return cuboid.extent[axis] == static_cast<std::uint16_t>(steps - 1);
}

} // namespace

void CuboidMaker::add(const std::array<double, 3>& position) {
    if (empty_) {
        first_ = position;
        empty_ = false;
        return;
    }
    for (std::size_t i = 0; i < 3; ++i) {
        double d = position[i] - first_[i];
        if (std::abs(d) > 0.5 * side_) { d -= side_ * std::round(d / side_); }
        low_[i] = std::min(low_[i], d);
        high_[i] = std::max(high_[i], d);
    }
}

Cuboid CuboidMaker::cuboid() const {
    Cuboid out;
    for (std::size_t i = 0; i < 3 && !empty_; ++i) {
        set_axis(out, i, (first_[i] + low_[i]) / side_ * steps, (first_[i] + high_[i]) / side_ * steps);
    }
    return out;
}

RowIndex::Point point_of(const std::array<double, 3>& position, double side) {
    RowIndex::Point out{};
    for (std::size_t i = 0; i < 3; ++i) {
        const double at = std::floor(position[i] / side * steps);
        out[i] = static_cast<std::uint16_t>(at - steps * std::floor(at / steps));
    }
    return out;
}

Cuboid merged(std::span<const Cuboid> cuboids) {
    Cuboid out;
    for (std::size_t i = 0; i < 3; ++i) {
        const double first = cuboids.front().lower[i];
        double low = first, high = first;
        bool all = false;
        for (const Cuboid& cuboid : cuboids) {
            all = all || is_all_around(cuboid, i);
            const double half = 0.5 * cuboid.extent[i], middle = cuboid.lower[i] + half;
            const double nearest = middle - steps * std::round((middle - first) / steps);
            low = std::min(low, nearest - half);
            high = std::max(high, nearest + half);
        }
        set_axis(out, i, all ? 0 : low, all ? steps : high);
    }
    return out;
}

FieldTest::FieldTest(const FieldBox& field, double side) : field_(field), side_(side) {
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) { reach_[i] += field.half[j] * std::abs(field.axes[j][i]); }
    }
}

std::optional<double> FieldTest::share_of(const Cuboid& cuboid) const {
    // Images of the cuboid that may meet the box: along each axis one, or for a long cuboid up to three.
    std::array<std::array<double, 3>, 3> offsets{};
    std::array<std::size_t, 3> n{};
    std::array<double, 3> half{};
    for (std::size_t i = 0; i < 3; ++i) {
        half[i] = is_all_around(cuboid, i) ? 0.5 * side_ : 0.5 * cuboid.extent[i] / steps * side_;
        double d = cuboid.lower[i] / steps * side_ + half[i] - field_.centre[i];
        d -= side_ * std::round(d / side_);
        for (const double image : {d, d - side_, d + side_}) {
            if (std::abs(image) <= half[i] + reach_[i]) { offsets[i][n[i]++] = image; }
        }
        if (n[i] == 0) { return std::nullopt; }
    }
    std::array<double, 3> width{}; // of the cuboid, from its middle, along the view's axes
    for (std::size_t j = 0; j < 3; ++j) {
        for (std::size_t i = 0; i < 3; ++i) { width[j] += half[i] * std::abs(field_.axes[j][i]); }
    }
    double sum = 0;
    bool meets = false;
    for (std::size_t a = 0; a < n[0]; ++a) {
        for (std::size_t b = 0; b < n[1]; ++b) {
            for (std::size_t c = 0; c < n[2]; ++c) {
                double share = 1;
                bool apart = false;
                for (std::size_t j = 0; j < 3 && !apart; ++j) {
                    const auto& axis = field_.axes[j];
                    const double d = offsets[0][a] * axis[0] + offsets[1][b] * axis[1] + offsets[2][c] * axis[2];
                    const double low = std::max(d - width[j], -field_.half[j]),
                                 high = std::min(d + width[j], field_.half[j]);
                    apart = low > high;
                    share *= width[j] > 0 ? (high - low) / (2 * width[j]) : 1;
                }
                if (apart) { continue; }
                meets = true;
                sum += share;
            }
        }
    }
    return meets ? std::optional(std::min(sum, 1.0)) : std::nullopt;
}

} // namespace tessera::particles
