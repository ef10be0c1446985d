#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "synthesis/node_errors.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/synthesis/synthesis.hpp"

namespace tessera {

/// Faster than any star of a simulation, km/s; beyond it the input is wrong, and the templates would need no end of margin.
inline constexpr double speed_limit = 0.2 * constants::speed_of_light;

/// Slowest and fastest star of each spaxel, over all ranks, km/s; slowest > fastest where there is none.
struct VelocityRanges {
    std::vector<double> slowest, fastest;
    bool has_stars(std::int64_t spaxel) const {
        return slowest[static_cast<std::size_t>(spaxel)] <= fastest[static_cast<std::size_t>(spaxel)];
    }
    double largest_speed() const; ///< either way, km/s
    VelocityRanges of_spaxels(std::int64_t first, std::int64_t n) const;
};

/// Collective.
/// @throws Error(Kind::data)  a star faster than a fifth of the speed of light: the input is wrong
VelocityRanges velocity_ranges(const SpaxelStars& stars, const device::Host& where, Communicator& comm);

/// What one Msun formed of a node gives.
struct NodeLight {
    double in_band = 0;                      ///< Lsun in the band of the maps
    double mean = 0;                         ///< mean over the pixels, which errors are relative to
    double step_error = 0;                   ///< `mean` times the relative error of the coarse velocity step
    double compression_error = 0;            ///< `mean` times the relative error of the compression
    std::array<float, sketch_size> sketch{}; ///< of the error of the compression
};

/// One look at every star, before any spectrum is made. Sums are those of all ranks.
struct Survey {
    std::int64_t n_age_outside = 0, n_metallicity_outside = 0, n_outside = 0, n_synthesised = 0;
    std::vector<std::int32_t> node_used;                      ///< [node] 1: a star has it
    std::vector<std::int64_t> n_star;                         ///< [spaxel] stars that give light
    std::vector<double> light, step_error, compression_error; ///< [spaxel] sums over its stars of what NodeLight says
    std::vector<double> compression_rms; ///< [spaxel] rms error of all its stars together, estimated from
                                         ///< sketches; empty without
    SpaxelSums sums;                     ///< for the maps

    /// Counts and sums go into the report.
    void fill(SynthesisReport& report) const;
};

/// Collective. @param nodes  [node]
/// @throws Error(Kind::data)  a star outside the library, and ssp.outside = error
Survey survey_stars(const SpaxelStars& stars, const ssp::Interpolator& interpolator, const ssp::Library& library,
                    ssp::Outside outside, const std::vector<NodeLight>& nodes, const device::Host& where,
                    Communicator& comm, bool with_sketches = false);

/// From this rank's sums to those of all. @param sketches  [spaxel, sketch_size] of the errors of compression, or empty. Collective.
void join_ranks(Survey& own, std::vector<double>& sketches, Communicator& comm);

/// The errors of a star, for those who find it.
[[noreturn]] void throw_too_fast(double velocity);
[[noreturn]] void throw_outside(double age, double metallicity, const ssp::Library& library);

} // namespace tessera
