#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tessera/particles/snapshot.hpp"

namespace tessera {

/// What a view sees of space: a box about a point, turned with the view.
struct FieldBox {
    std::array<double, 3> centre{}; ///< kpc, box frame
    /// Unit vectors along the view's x, y and z (the line of sight) in the box frame.
    std::array<std::array<double, 3>, 3> axes{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
    std::array<double, 3> half{}; ///< kpc, from the centre to the faces, along the axes

    /// From the centre to a corner, kpc.
    double reach() const { return std::hypot(half[0], half[1], half[2]); }
    /// Whether a position lies in it, by its image nearest to the centre. @param side  of the periodic box, kpc; 0: not periodic
    bool holds(const std::array<double, 3>& position, double side) const {
        std::array<double, 3> d{};
        for (std::size_t i = 0; i < 3; ++i) {
            d[i] = position[i] - centre[i];
            if (side > 0) { d[i] -= side * std::round(d[i] / side); }
        }
        for (std::size_t j = 0; j < 3; ++j) {
            const double along = d[0] * axes[j][0] + d[1] * axes[j][1] + d[2] * axes[j][2];
            if (!(std::abs(along) <= half[j])) { return false; } // a position that is no number is nowhere
        }
        return true;
    }
};

/// Where the particles of a box are to be looked for.
struct FieldRows {
    std::vector<RowRange> rows; ///< ascending and apart; they hold all particles of the box, and others
    std::int64_t n_row = 0;     ///< in them
    /// Estimate of the rows that lie in the box: each block's are spread evenly over the cuboid that holds them.
    double n_inside = 0;
};

/// Which rows of a snapshot's stars, or gas, lie where: for every 256 consecutive rows the cuboid that holds them, 12 bytes. Rows of TNG's layout
/// are ordered by halo and subhalo, and within one by binding energy, so that neighbours in the file are neighbours in space, and what is
/// read for a box are few, long pieces. Rows in no such order, of particles that no halo holds, have a cuboid as large as the box: where a
/// cuboid is longer than a 32nd of the box's side it is loose, and each of its rows has a point of its own, 6 bytes.
class RowIndex {
public:
    static constexpr std::int64_t block_rows = 256;
    /// Edges of a cuboid in a periodic box, in 65536ths of its side: from `lower`, `extent` upwards, over the box's edge where that is so.
    struct Cuboid {
        std::array<std::uint16_t, 3> lower{}, extent{};
        bool operator==(const Cuboid&) const = default;
    };

    /// Lower edges of a cell of a 65536th of the side that holds a position.
    using Point = std::array<std::uint16_t, 3>;

    /// @param n_row    of the type in the snapshot, wind cells among the stars
    /// @param side     of the periodic box, kpc, physical
    /// @param cuboids  of rows [256 i, 256 (i + 1))
    /// @param points   of the rows of those that are loose, one after the other
    RowIndex(std::int64_t n_row, double side, std::vector<Cuboid> cuboids, std::vector<Point> points);
    static bool is_loose(const Cuboid& cuboid) {
        constexpr std::uint16_t longest = 65536 / 32;
        return cuboid.extent[0] > longest || cuboid.extent[1] > longest || cuboid.extent[2] > longest;
    }

    std::int64_t n_row() const { return n_row_; }
    double side() const { return side_; }
    std::span<const Cuboid> cuboids() const { return cuboids_; }
    std::span<const Point> points() const { return points_; }
    std::int64_t bytes() const { ///< in memory
        return static_cast<std::int64_t>(cuboids().size_bytes() + points().size_bytes());
    }

    /// The rows that may lie in a box, those of `except` (a subhalo's own) left out.
    /// @throws Error(Kind::config)  a box so large that it meets its own periodic image
    FieldRows rows_in(const FieldBox& field, RowRange except = {}) const;
    /// @throws Error(Kind::config)  as rows_in
    void expect_room(const FieldBox& field) const;

private:
    std::int64_t n_row_;
    double side_;
    std::vector<Cuboid> cuboids_, coarse_; ///< of a block; of 64 consecutive blocks
    std::vector<Point> points_;
    std::vector<std::int64_t> points_before_; ///< of the blocks before those of each of coarse_
};

/// What find_field_index() needs time for when there is no file yet.
enum class WithoutFile { make, none };

/// The index of each type; null where there is none.
using FieldIndex = ByType<std::shared_ptr<const RowIndex>>;

/// The indices of a snapshot's stars, and of its gas where it has any that is to be read: each from its file in `folder`,
/// STEM.star_index.h5 or STEM.gas_index.h5 (STEM: snap_099), where it was made of these very chunk files; else made now, by all ranks, each
/// reading the positions of its share of the rows once, and kept there. Collective.
/// @param snapshot  whole runs in TNG's layout
/// @param folder    made where it is missing, if the folder above it is there
/// @return          the same on every rank; null where there is none and none is to be made
/// @throws Error(Kind::config)    a cut-out; a snapshot that is not periodic
/// @throws Error(Kind::data)      a chunk that cannot be read, where an index is to be made
/// @throws Error(Kind::resource)  the folder cannot be written
/// @par Cost  24 bytes of each row read once (the positions); 12 bytes of memory and of the file for 256 rows, 6 (8) for a row of a loose cuboid
FieldIndex find_field_index(SnapshotIndex& snapshot, const std::string& folder, Communicator& comm,
                            WithoutFile otherwise = WithoutFile::make);

/// The rows that may lie in a box, by type, a subhalo's own left out; none of a type without an index.
/// @throws Error(Kind::config)  as RowIndex::rows_in
ByType<FieldRows> rows_in(const FieldIndex& index, const FieldBox& field, const ByType<RowRange>& own);

} // namespace tessera
