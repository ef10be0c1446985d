// A column of a block into an array, without a word about what is wrong: only whether anything is.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "particles/particle_reader.hpp"

namespace tessera::particles {

/// Rows of a block: consecutive ones, or those of a list.
struct ConsecutiveRows {
    std::int64_t first, n;
    std::int64_t size() const { return n; }
    std::int64_t operator[](std::int64_t i) const { return first + i; }
};
struct ListedRows {
    std::span<const std::int32_t> rows;
    std::int64_t size() const { return static_cast<std::int64_t>(rows.size()); }
    std::int64_t operator[](std::int64_t i) const { return rows[static_cast<std::size_t>(i)]; }
};

/// Calls `work` with the rows of a piece of a block that become particles.
template <class Piece, class Work>
bool on_rows(const Piece& piece, Work&& work) {
    return piece.n == piece.n_row ? work(ConsecutiveRows{piece.first, piece.n}) : work(ListedRows{piece.kept});
}

/// out[i] from the value of row rows[i], in our unit. @param convert  bool(double value, float& out), false for a bad value
/// @return  whether all values were good
template <class Rows, class Convert>
bool convert_column(const Block& block, std::size_t field, std::int64_t column, const Rows& rows, float* out,
                    const Convert& convert) {
    const FieldPlan& plan = block.table->fields[field];
    return std::visit(
        [&](const auto& values) {
            const auto* first = values.data() + column;
            bool good = true;
            for (std::int64_t i = 0; i < rows.size(); ++i) {
                good &= convert(static_cast<double>(first[rows[i] * plan.columns]) * plan.factor, out[i]);
            }
            return good;
        },
        block.fields[field]);
}

/// What a float holds: no infinity, no NaN, nothing larger than it can.
struct Finite {
    bool operator()(double value, float& out) const {
        out = static_cast<float>(value);
        return std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max());
    }
};
struct AtLeastZero {
    bool operator()(double value, float& out) const { return Finite()(value, out) && value >= 0; }
};
struct MassFraction {
    bool operator()(double value, float& out) const { return AtLeastZero()(value, out) && out <= 1; }
};

/// Offset from the origin to the nearest periodic image, in double: at 10^5 kpc a float steps by 8 pc.
struct NearestOffset {
    double origin; ///< kpc
    double box;    ///< kpc; infinite where nothing is periodic
    bool operator()(double value, float& out) const {
        double d = value - origin;
        if (std::abs(d) >= 0.5 * box) { d -= box * std::round(d / box); }
        return Finite()(d, out);
    }
};

/// Positions, and velocities where they are read. @return  whether all were good
template <class Rows, class Frame, class Particles>
bool convert_place(const Block& block, std::size_t coordinates, std::size_t velocities, const Rows& rows,
                   const Frame& frame, Particles& particles, std::int64_t to) {
    std::vector<float>* const position[] = {&particles.x, &particles.y, &particles.z};
    std::vector<float>* const velocity[] = {&particles.vx, &particles.vy, &particles.vz};
    bool good = true;
    for (std::size_t d = 0; d < 3; ++d) {
        const auto column = static_cast<std::int64_t>(d);
        const NearestOffset offset{frame.origin[d], frame.box.value_or(std::numeric_limits<double>::infinity())};
        good &= convert_column(block, coordinates, column, rows, position[d]->data() + to, offset);
        if (block.has(velocities)) {
            good &= convert_column(block, velocities, column, rows, velocity[d]->data() + to, Finite());
        }
    }
    return good;
}

} // namespace tessera::particles
