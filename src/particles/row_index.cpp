#include "tessera/particles/row_index.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "particles/cuboids.hpp"
#include "particles/row_source.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

namespace {

constexpr std::size_t coarse = 64; ///< blocks

void extend(std::vector<RowRange>& ranges, RowRange rows) {
    if (rows.size() == 0) { return; }
    // Another piece of a file costs as much as some hundreds of rows more in this one.
    constexpr std::int64_t widest_gap = 128;
    if (!ranges.empty() && rows.begin - ranges.back().end <= widest_gap) {
        ranges.back().end = rows.end;
    } else {
        ranges.push_back(rows);
    }
}

} // namespace

RowIndex::RowIndex(std::int64_t n_row, double side, std::vector<Cuboid> cuboids, std::vector<Point> points)
    : n_row_(n_row), side_(side), cuboids_(std::move(cuboids)), points_(std::move(points)) {
    std::int64_t n_point = 0;
    for (std::size_t i = 0; i < cuboids_.size(); i += coarse) {
        const auto group = std::span<const Cuboid>(cuboids_).subspan(i, std::min(coarse, cuboids_.size() - i));
        coarse_.push_back(particles::merged(group));
        points_before_.push_back(n_point);
        n_point += block_rows * std::count_if(group.begin(), group.end(), is_loose);
    }
}

void RowIndex::expect_room(const FieldBox& field) const {
    if (field.reach() <= 0.5 * side_) { return; }
    throw Error({.kind = Kind::config,
                 .where = "simulation.depth",
                 .found = fmt::format("{:.4g} kpc, with a field of {:.4g} x {:.4g} kpc", 2 * field.half[2],
                                      2 * field.half[0], 2 * field.half[1]),
                 .expected = fmt::format("a diagonal within the periodic box, of {:.6g} kpc: beyond it the same stars "
                                         "would come again",
                                         side_),
                 .cure = "lower simulation.depth, or telescope.field_of_view"});
}

FieldRows RowIndex::rows_in(const FieldBox& field, RowRange except) const {
    expect_room(field);
    const particles::FieldTest test(field, side_);
    std::vector<RowRange> before, after; // the subhalo's own rows
    FieldRows out;
    const auto take = [&](RowRange rows, double share) {
        const RowRange low = rows.overlap(0, except.size() > 0 ? except.begin : n_row_);
        const RowRange high = except.size() > 0 ? rows.overlap(except.end, n_row_) : RowRange{};
        extend(before, low);
        extend(after, high);
        out.n_inside += share * static_cast<double>(low.size() + high.size());
    };
    for (std::size_t group = 0; group < coarse_.size(); ++group) {
        if (!test.share_of(coarse_[group])) { continue; }
        const std::size_t end = std::min(cuboids_.size(), (group + 1) * coarse);
        auto point = static_cast<std::size_t>(points_before_[group]);
        for (std::size_t i = group * coarse; i < end; ++i) {
            const auto first = static_cast<std::int64_t>(i) * block_rows, last = std::min(first + block_rows, n_row_);
            const auto share = test.share_of(cuboids_[i]);
            if (!is_loose(cuboids_[i])) {
                if (share) { take({first, last}, *share); }
                continue;
            }
            for (std::int64_t row = first; share && row < last; ++row) {
                const Cuboid cell{.lower = points_[point + static_cast<std::size_t>(row - first)], .extent = {1, 1, 1}};
                if (const auto inside = test.share_of(cell)) { take({row, row + 1}, *inside); }
            }
            point += static_cast<std::size_t>(last - first);
        }
    }
    for (auto* side : {&before, &after}) {
        for (const RowRange& piece : particles::pieces_to_read(std::move(*side))) {
            out.rows.push_back(piece);
            out.n_row += piece.size();
        }
    }
    return out;
}

ByType<FieldRows> rows_in(const FieldIndex& index, const FieldBox& field, const ByType<RowRange>& own) {
    ByType<FieldRows> out;
    for (const ParticleType type : both_types) {
        if (index[type]) { out[type] = index[type]->rows_in(field, own[type]); }
    }
    return out;
}

} // namespace tessera
