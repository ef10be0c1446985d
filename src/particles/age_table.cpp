#include "particles/age_table.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/core/constants.hpp"

namespace tessera::particles {

AgeTable::AgeTable(const Cosmology& cosmology, double a_max) {
    constexpr std::size_t n_interval = 1024; // error (step^4/384) max|t''''|: below 1e-11 Gyr for usual parameters
    step_ = std::pow(a_max, 1.5) / n_interval;
    const double gyr_km_s_mpc = constants::kpc * 1e3 / 1e5 / constants::gigayear; // 1/H in Gyr for H in km/s/Mpc
    for (std::size_t i = 0; i <= n_interval; ++i) {
        const double s = static_cast<double>(i) * step_;
        const double a = std::cbrt(s * s);
        time_.push_back(i == 0 ? 0.0 : cosmology.age(a));
        // dt/ds = dt/da · da/ds = 1/(a H) · 2/(3 sqrt(a)); a^(3/2) H tends to H0 sqrt(Omega_m) at a = 0.
        const double s_hubble = i == 0 ? cosmology.h0() * std::sqrt(cosmology.omega_m()) : s * cosmology.hubble(a);
        slope_.push_back(2.0 / 3.0 * gyr_km_s_mpc / s_hubble * step_);
    }
}

double AgeTable::age(double scale_factor) const {
    const double at = scale_factor * std::sqrt(scale_factor) / step_;
    const auto last = static_cast<double>(time_.size() - 2);
    const auto i = static_cast<std::size_t>(std::clamp(std::floor(at), 0.0, last));
    const double t = at - static_cast<double>(i);
    const double t2 = t * t, t3 = t2 * t;
    return (2 * t3 - 3 * t2 + 1) * time_[i] + (t3 - 2 * t2 + t) * slope_[i] + (3 * t2 - 2 * t3) * time_[i + 1] +
           (t3 - t2) * slope_[i + 1];
}

} // namespace tessera::particles
