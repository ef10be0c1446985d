#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "tessera/synthesis/synthesis.hpp"

namespace tessera {

/// Seconds of one thread that a spaxel takes in synthesis, before any star's velocity or node is looked at: for sharing out spaxels, where
/// ratios matter, and for comparing with the time of messages.
struct SpaxelWork {
    double star = 0;      ///< seconds a star: look-ups and deposit
    double pair = 0;      ///< seconds a (velocity row, template) pair that its stars touch
    double per_star = 16; ///< pairs that a star touches alone
    double most_pairs = std::numeric_limits<double>::infinity(); ///< that there are
    double spaxel = 0;                                           ///< seconds a spaxel that has any star
    /// Stars of a spaxel share rows and nodes: of A pairs that they would touch alone, shared √A / (1 + overlap A^¼) are different ones.
    double shared = 18, overlap = 0.18;

    double operator()(double n_star) const;
    /// (Velocity row, template) pairs, the row weights, of a spaxel with that many stars.
    double pairs(double n_star) const;

    /// The numbers, to be sent from one rank to all: what follows from them must be the same everywhere, whatever a machine's `pow` gives.
    std::array<double*, 7> values() { return {&star, &pair, &per_star, &most_pairs, &spaxel, &shared, &overlap}; }
};

/// Multiply-adds a second of this thread in the product of row weights and templates, data in cache. Measured, in a millisecond.
double measured_product_rate();

/// By what two cores of a Zen 4 measured (docs/performance.md): 60 ns a star, 0.03 to 0.05 ns a pair and pixel.
SpaxelWork spaxel_work(const ssp::Library& library, const WavelengthGrid& pixels, const SynthesisOptions& options);

} // namespace tessera
