#pragma once

#include <vector>

#include "tessera/cosmology/cosmology.hpp"

namespace tessera::particles {

/// Age of the universe by scale factor, for millions of stars: cubic Hermite in s = a^(3/2), where t(s) is smooth down to
/// s = 0 (t = 2 s / (3 H0 sqrt(Omega_m)) there). Within 1e-9 Gyr of Cosmology::age.
class AgeTable {
public:
    /// @param a_max  largest scale factor asked for, > 0
    AgeTable(const Cosmology& cosmology, double a_max);
    /// Gyr since a = 0; a in [0, a_max].
    double age(double scale_factor) const;

private:
    double step_;
    std::vector<double> time_, slope_; ///< at s = i·step: Gyr, Gyr per step
};

} // namespace tessera::particles
