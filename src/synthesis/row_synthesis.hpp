#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "synthesis/method_choice.hpp"
#include "synthesis/spectra.hpp"
#include "tessera/synthesis/synthesis.hpp"

namespace tessera {

/// What the sums of one run share.
struct RowInput {
    const ssp::Library& library;
    const ssp::Interpolator& interpolator;
    const WavelengthGrid& pixels;
    double redshift;
    Doppler doppler;
    VelocityRanges velocities;
    device::Host where;
};

/// One way to make spectra: templates, and the velocity step of their rows.
struct RowKind {
    const Spectra* spectra = nullptr;
    double step = 0;
    const ssp::Compression* compression = nullptr; ///< null: the spectra are nodes
};

/// Rows that the stars of some spaxels touch, whatever the rank.
VelocityGrid rows_touched(const RowInput& input, double step, const std::vector<std::int64_t>& spaxels);

/// Adds the light of some spaxels to the rows `row_of_spaxel` of the cube: deposit, product, a batch of spaxels after the other.
/// @param columns  the nodes that the deposit adds up; for a kind without compression also the columns of its spectra
/// @param done     called after every batch with the number of stars in it
void add_spaxels(const SpaxelStars& stars, const RowInput& input, const RowKind& kind, const NodeColumns& columns,
                 double cost_of_single, const std::vector<std::int64_t>& spaxels,
                 const std::vector<std::int64_t>& row_of_spaxel, PartialCube& cube,
                 const std::function<void(std::int64_t)>& done);

/// Row weights that a batch may hold: bounds the memory.
inline constexpr std::int64_t weights_per_batch = std::int64_t{4} << 20;

/// Largest possible number of row weights of a spaxel of this rank.
std::int64_t most_weights(const SpaxelStars& stars, const RowInput& input, const RowKind& kind, std::int64_t n_column,
                          std::int64_t spaxel);

} // namespace tessera
