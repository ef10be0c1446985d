#pragma once

#include "synthesis/velocity_rows.hpp"
#include "tessera/core/random.hpp"
#include "tessera/ssp/axis_weights.hpp"
#include "tests/device/functors_on_gpu.hpp"
#include "view/apply.hpp"

namespace tessera::test {

/// Every functor of the star loop on star i: rotation, interpolation weights, Doppler shift, random deviate.
struct EveryFunctor {
    ssp::AxisKnots ages;
    double* out; ///< [star, functor_columns]

    TESSERA_HD void operator()(std::int64_t i) const {
        const auto counter = static_cast<std::uint64_t>(i);
        const Philox random = Philox::at(42, 1, counter);
        float position[3] = {static_cast<float>(random.uniform(0)), static_cast<float>(random.uniform(1)), 0.5F};
        Matrix3 turn;
        turn(0, 0) = turn(1, 1) = 0.6;
        turn(0, 1) = 0.8;
        turn(1, 0) = -0.8;
        RotateVector{position, position + 1, position + 2, turn}(0);
        double* row = out + i * functor_columns;
        for (int d = 0; d < 3; ++d) { row[d] = position[d]; }
        const ssp::AxisWeights weights = ages.cubic(static_cast<float>(4 * random.uniform(0)));
        for (int k = 0; k < 4; ++k) { row[3 + k] = k < weights.count ? weights.weight[k] : 0.0; }
        const RowTaps taps = RowTaps::at(20 * (random.uniform(1) - 0.5));
        for (int k = 0; k < 4; ++k) { row[7 + k] = taps.weight[k] + taps.first; }
        row[11] = random.normal();
    }
};

} // namespace tessera::test
