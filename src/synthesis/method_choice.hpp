#pragma once

#include <cstdint>
#include <vector>

#include "synthesis/node_errors.hpp"
#include "synthesis/row_weights.hpp"
#include "synthesis/survey.hpp"

namespace tessera {

/// How a spaxel's light is made.
enum class SpaxelMethod : std::uint8_t { dark, exact, binned, compressed };

/// Shares of synthesis.tolerance that the velocity step and the compression may take on average over a plausible population
/// (ssp::population_prior). What is left is for populations unlike it; a spaxel of those is made by a finer method.
struct ToleranceShares {
    double step = 0.25;
    double compression = 0.75;
    bool keep_bounds =
        true; ///< false: methods are chosen by cost alone, and only the sample says whether the tolerance is kept
};

/// No velocity rows are farther apart than this, in ln(Doppler factor): 300 km/s. Rows reach two steps beyond the fastest star.
inline constexpr double coarsest_step = 1e-3;
/// ln(Doppler factor) by which rows may be beyond the fastest star: four taps, and a star between the middle two.
inline constexpr double reach_of_rows = 3 * coarsest_step;

/// The steps of ln(Doppler factor) for `exact` and for velocity bins, by measured errors.
struct VelocitySteps {
    double exact = 0;        ///< every node within a tenth of the tolerance
    NodeErrors exact_errors; ///< at that step
    double bin = 0; ///< prior-weighted mean of the nodes' errors within `bin_tolerance`; never finer than `exact`
    NodeErrors bin_errors;
};

/// Walks down a ladder of steps from that of the library or the telescope, whichever is coarser.
/// @param nodes  all nodes of the library, in their order
VelocitySteps choose_steps(const Spectra& nodes, const PixelChoice& choice, double redshift,
                           const std::vector<double>& prior, double tolerance, double bin_tolerance,
                           const device::Host& where);

/// What the choice weighs, in multiply-adds a pixel of the six-spaxel product.
/// Nodes that about the same share of the stars has.
struct NodeClass {
    double share = 0; ///< of the stars, each node
    double n_node = 0;
};

struct MethodCosts {
    /// ln Doppler factor; above 0: the product takes all rows of that range and all nodes in every spaxel, touched or not.
    double dense_range = 0;
    double cost_of_single = 2;       ///< of a weight that no neighbouring spaxel shares
    std::int64_t nodes_per_star = 4; ///< 4 linear, 16 cubic
    std::int64_t n_node_used = 0;
    double exact_step = 0, bin_step = 0;
    std::int64_t rank = 0; ///< 0: no compression
    /// Of the galaxy: with it the pairs of rows and nodes that n stars touch are estimated, without it they are all pairs at most.
    std::vector<NodeClass> classes = {};

    double exact(std::int64_t n_star, double velocity_range) const;
    double binned(std::int64_t n_star, double velocity_range) const;
    double compressed(double velocity_range) const;
    /// Weights of that many stars on rows of that step.
    double of_nodes(std::int64_t n_star, double velocity_range, double step) const;
};

/// Shares of the nodes among the galaxy's stars, from about a sixteenth of them (all when they are few), picked by their own
/// numbers: the same ones on any number of ranks. By octaves of the share. Collective.
std::vector<NodeClass> node_classes(const SpaxelStars& stars, const ssp::Interpolator& interpolator,
                                    std::int64_t n_node, const device::Host& where, Communicator& comm);

/// With no more stars than this in the galaxy all of them are counted.
inline constexpr std::int64_t few_stars = 1 << 16;
/// The same from counts of all ranks, [node] and last the stars.
std::vector<NodeClass> classes_of(const std::vector<std::int64_t>& counts);

/// An estimate from a sketch of 16 numbers is below half of the truth once in a thousand times (chi square of 16 degrees of freedom
/// below 4).
inline constexpr double sketch_safety = 2;

/// What was chosen, [spaxel].
struct SpaxelChoices {
    std::vector<SpaxelMethod> method;
    std::vector<double> bound; ///< no error of the spaxel is above it, relative to its mean; 0 for exact and dark ones
};

/// The cheapest allowed method whose error bound keeps the tolerance; where none does, exact. Depends on sums over all
/// ranks only, so that all ranks, and any number of them, choose alike.
SpaxelChoices choose_methods(Method asked, double tolerance, const Survey& survey, const VelocityRanges& velocities,
                             Doppler doppler, const MethodCosts& costs, bool keep_bounds);

} // namespace tessera
