#pragma once

#include <cstdint>
#include <vector>

#include "tessera/ssp/compression.hpp"
#include "tessera/ssp/interpolation.hpp"
#include "tessera/synthesis/synthesis.hpp"

namespace tessera {

/// Equal steps in ln(Doppler factor); row p is shifted by p · step. Rows [first, first + n).
struct VelocityGrid {
    double step = 0;
    std::int64_t first = 0, n = 0;

    /// With the rows that stars of these ln Doppler factors touch, and one more on either side.
    static VelocityGrid spanning(double step, double lowest, double highest);
};

/// The nodes that any star has, as columns.
struct NodeColumns {
    std::vector<std::int32_t> node;   ///< [column]
    std::vector<std::int32_t> column; ///< [node] -1: no star has that node

    /// @param used  [node] 0: none has it
    static NodeColumns of(const std::vector<std::int32_t>& used);
};

/// A spaxel's row of W: weights, each with the template it goes with. A template is a Doppler row p of a velocity grid and a column
/// of the spectra: key = (p - grid.first) · n_column + column. Keys ascend.
struct RowList {
    std::int64_t spaxel = -1;
    std::vector<std::uint32_t> key;
    std::vector<float> weight; ///< Msun formed

    std::int64_t size() const { return static_cast<std::int64_t>(key.size()); }
};

/// What the stars need to become row weights.
struct Deposit {
    const SpaxelStars& stars;
    const ssp::Interpolator& interpolator;
    const NodeColumns& columns;
    VelocityGrid grid;
    Doppler doppler;
    const ssp::Compression* compression; ///< then the keys count its basis spectra; else null, and they count nodes
    std::int64_t n_key_column;           ///< columns of the spectra that go with the weights
};

/// Scratch of one thread, reused from spaxel to spaxel: sums are zero in between.
struct DepositScratch {
    std::vector<double> sum;              ///< [column, row]: the four rows of a star stand side by side
    std::vector<std::uint8_t> row_lit;    ///< [row]
    std::vector<std::uint8_t> column_lit; ///< [column]
    std::vector<std::int32_t> columns;    ///< lit ones, ascending
    std::vector<float> projected;         ///< [basis]
    std::vector<std::uint32_t> key;       ///< of the list in the making
    std::vector<float> weight;
    ssp::NodeBlock block;
};

/// Adds up the weights of one spaxel's stars, in double: every star gives each of its nodes (4 linear, 16 cubic) to four Doppler
/// rows. The sum, mean and variance of the velocities are kept to rounding: Lagrange weights keep polynomials up to the third
/// degree. An empty list when no star gives light.
RowList deposit_stars(const Deposit& deposit, std::int64_t spaxel, DepositScratch& scratch);

} // namespace tessera
