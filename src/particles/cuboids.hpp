// Cuboids of an index of stars: made, merged, and met by a turned box.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "tessera/particles/row_index.hpp"

namespace tessera::particles {

using Cuboid = RowIndex::Cuboid;

/// The smallest cuboid about positions that are added one by one: offsets to the first of them, nearest image.
class CuboidMaker {
public:
    explicit CuboidMaker(double side) : side_(side) {}
    void add(const std::array<double, 3>& position);
    /// Rounded outwards. Of no position: a point at the box's corner, which costs no more than a look at rows that hold nothing.
    Cuboid cuboid() const;

private:
    double side_;
    bool empty_ = true;
    std::array<double, 3> first_{}, low_{}, high_{};
};

/// The cell of a position. @param side  of the periodic box, kpc
RowIndex::Point point_of(const std::array<double, 3>& position, double side);

/// A cuboid that holds these.
Cuboid merged(std::span<const Cuboid> cuboids);

/// A turned box as cuboids are compared with it.
class FieldTest {
public:
    FieldTest(const FieldBox& field, double side);
    /// The share of the cuboid that lies in the box, each direction of the view by itself; nullopt where they do not meet, by the six
    /// directions of their faces (a cuboid that misses the box by an edge alone may be taken).
    std::optional<double> share_of(const Cuboid& cuboid) const;

private:
    FieldBox field_;
    double side_;
    std::array<double, 3> reach_{}; ///< of the box along the axes of the simulation
};

} // namespace tessera::particles
