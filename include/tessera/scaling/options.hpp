#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tessera/core/options.hpp"
#include "tessera/cube/cube.hpp"
#include "tessera/pipeline/config.hpp"

namespace tessera {

/// Every way to bring partial cubes together that this build has.
std::vector<Reduction> all_reductions();

struct ScalingOptions {
    std::int64_t stars = 6'000'000;
    std::vector<Reduction> reductions = all_reductions();
    bool side_by_side = true;
    std::int64_t seed = 1;

    template <class Visitor>
    void describe(Visitor& key) {
        key("scaling.stars", stars, unit::none,
            "stars of the synthetic galaxy of `tessera scaling`; strong: in all, weak: a rank; not used where "
            "simulation.path names a galaxy",
            at_least(1));
        key("scaling.reductions", reductions, unit::none,
            "ways to sum partial cubes over ranks that are measured side by side");
        key("scaling.side_by_side", side_by_side, unit::none,
            "also times as many runs at once as ranks of a node work, each of one rank's share of the stars and "
            "exchanging nothing: the efficiency that the machine itself allows");
        key("scaling.seed", seed, unit::none, "of the synthetic galaxy", at_least(0));
    }
};

/// A scaling study: the cube that is made over and over, and what is varied.
struct ScalingConfig {
    Config cube;
    ScalingOptions scaling;

    template <class Visitor>
    void describe(Visitor& key) {
        cube.describe(key);
        scaling.describe(key);
    }
};

/// Reads the file (empty: defaults only), then the `key=value` settings.
/// @throws Error(Kind::config)  as read_config of the cube; no reduction, or one twice
ScalingConfig read_scaling_config(const std::string& path, const std::vector<std::string>& settings);

/// Checks that need no input data. read_scaling_config calls it.
void check_scaling(const ScalingConfig& config);

} // namespace tessera
