#pragma once

#include <cmath>

#include "tessera/core/constants.hpp"
#include "tessera/synthesis/synthesis.hpp"

namespace tessera {

/// ln of a star's Doppler factor over that of a star at rest in the galaxy: ln(1 + v/c), or v/c. Positive = receding.
inline double log_doppler(double los_velocity, Doppler kind) {
    const double beta = los_velocity / constants::speed_of_light;
    return kind == Doppler::linear ? std::log1p(beta) : beta;
}

} // namespace tessera
