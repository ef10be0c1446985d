#pragma once

#include <cmath>

#include "tessera/core/constants.hpp"
#include "tessera/core/view.hpp"
#include "tessera/synthesis/synthesis.hpp"

namespace tessera {

/// ln of a star's Doppler factor over that of a star at rest in the galaxy: ln(1 + v/c), or v/c. Positive = receding.
TESSERA_HD inline double log_doppler(double los_velocity, Doppler kind) {
    const double beta = los_velocity / constants::speed_of_light;
    if (kind == Doppler::exponential) { return beta; }
    // The series to rounding, for all but the fastest stars: it is most of the cost of placing one.
    if (std::fabs(beta) < 0.01) {
        return beta *
               (1 - beta * (1.0 / 2 -
                            beta * (1.0 / 3 - beta * (1.0 / 4 - beta * (1.0 / 5 - beta * (1.0 / 6 - beta / 7))))));
    }
    return std::log1p(beta);
}

/// doppler_factor, host and device.
TESSERA_HD inline double doppler_factor_of(double redshift, double los_velocity, Doppler kind) {
    const double beta = los_velocity / constants::speed_of_light;
    return (1 + redshift) * (kind == Doppler::exponential ? std::exp(beta) : 1 + beta);
}

} // namespace tessera
