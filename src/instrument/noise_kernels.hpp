// What the noise does to a voxel, on the host and on accelerators.
#pragma once

#include <cmath>
#include <cstdint>

#include "tessera/core/random.hpp"
#include "tessera/device/kernel.hpp"

namespace tessera {

/// The integer nearest to x, halves away from zero; |x| < 2^62. llround, which does not vectorise.
TESSERA_HD inline std::int64_t nearest(double x) {
    const auto whole = static_cast<std::int64_t>(x);
    const double rest = x - static_cast<double>(whole); // exact
    return whole + static_cast<std::int64_t>(rest >= 0.5) - static_cast<std::int64_t>(rest <= -0.5);
}

/// Largest |flux|: thread i looks at every n_thread-th voxel. Of numbers that are not negative the bits order as the numbers do.
struct LargestFlux {
    static constexpr const char* name = "instrument/largest_flux";
    const float* flux;
    std::int64_t n, n_thread;
    std::uint32_t* bits; ///< one number, 0 before

    TESSERA_HD void operator()(std::int64_t i) const {
        float largest = 0;
        for (std::int64_t at = i; at < n; at += n_thread) {
            const float size = flux[at] < 0 ? -flux[at] : flux[at];
            largest = size > largest ? size : largest; // not a number: left out
        }
        device::max_shared(*bits, device::bits_of(largest));
    }
};

/// Sums of spaxels over wavelengths in integers of 1 / scale: they add to the same in any order.
struct SumOverWavelengths {
    static constexpr const char* name = "instrument/sum_over_wavelengths";
    static constexpr std::int64_t planes_a_thread = 64;
    const float* flux; ///< [wave, spaxel]
    std::int64_t n_wave, n_spaxel;
    double scale;
    std::int64_t* sums; ///< [spaxel], 0 before

    TESSERA_HD std::int64_t share(std::int64_t wave, std::int64_t spaxel) const {
        return nearest(static_cast<double>(flux[wave * n_spaxel + spaxel]) * scale);
    }
    std::int64_t n_thread() const { return (n_wave + planes_a_thread - 1) / planes_a_thread * n_spaxel; }
    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t group = device::quotient(i, n_spaxel), spaxel = i - group * n_spaxel,
                           first = group * planes_a_thread;
        const std::int64_t end = first + planes_a_thread < n_wave ? first + planes_a_thread : n_wave;
        std::int64_t sum = 0;
        for (std::int64_t wave = first; wave < end; ++wave) { sum += share(wave, spaxel); }
        device::add_shared(sums[spaxel], sum);
    }
};

/// Adds its deviate to each voxel and notes the variance. Products and sums must stay apart (-ffp-contract=off, -fmad=false) for
/// the bits to be the same everywhere.
struct AddNoise {
    static constexpr const char* name = "instrument/add_noise";
    static constexpr std::int64_t planes_a_thread = 8;
    static constexpr std::uint64_t stream =
        0x6e6f697365; // "noise": keeps these numbers apart from other uses of the seed

    std::int64_t exposure = 0; ///< 1: that law of the variance
    std::int64_t uniform = 0;  ///< 1: that distribution
    std::uint64_t seed = 0;
    const double* noise_over_flux = nullptr; ///< [spaxel] without exposure
    const double* electrons = nullptr;       ///< [global wave] with exposure: of a pixel, per unit of flux
    double sky = 0;                          ///< unit of the flux
    double read = 0;                         ///< electrons²
    std::int64_t first_wave = 0;             ///< global index of the first plane
    std::int64_t n_wave = 0, n_spaxel = 0;
    float* flux = nullptr;     ///< [wave, spaxel]
    float* variance = nullptr; ///< [wave, spaxel], unit of the flux squared

    std::int64_t n_thread() const { return (n_wave + planes_a_thread - 1) / planes_a_thread * n_spaxel; }
    /// Some planes of a spaxel.
    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t group = device::quotient(i, n_spaxel), spaxel = i - group * n_spaxel,
                           first = group * planes_a_thread;
        const std::int64_t end = first + planes_a_thread < n_wave ? first + planes_a_thread : n_wave;
        for (std::int64_t wave = first; wave < end; ++wave) { spaxels(wave, spaxel, spaxel + 1); }
    }

    /// Spaxels [first, end) of a plane.
    TESSERA_HD void spaxels(std::int64_t wave, std::int64_t first, std::int64_t end) const {
        if (exposure != 0) {
            uniform != 0 ? each<true, true>(wave, first, end) : each<true, false>(wave, first, end);
        } else {
            uniform != 0 ? each<false, true>(wave, first, end) : each<false, false>(wave, first, end);
        }
    }

private:
    template <bool is_exposure>
    TESSERA_HD double square(std::int64_t wave, std::int64_t spaxel, double of) const {
        if (is_exposure) {
            const double gain = electrons[first_wave + wave];
            return (((of > 0 ? of : 0.0) + sky) * gain + read) / (gain * gain);
        }
        const double sigma = of * noise_over_flux[spaxel];
        return sigma * sigma;
    }

    /// A number of mean 0 and variance 1.
    template <bool is_uniform>
    TESSERA_HD double deviate(std::int64_t voxel) const {
        const Philox random = Philox::at(seed, stream, static_cast<std::uint64_t>(voxel));
        if (is_uniform) {
            return 3.4641016151377544 * (random.uniform(0) - 0.5); // sqrt(12)
        }
        return random.normal();
    }

    template <bool is_exposure, bool is_uniform>
    TESSERA_HD void each(std::int64_t wave, std::int64_t first, std::int64_t end) const {
        const std::int64_t global = (first_wave + wave) * n_spaxel, local = wave * n_spaxel;
        for (std::int64_t s = first; s < end; ++s) {
            const float before = flux[local + s];
            const double variance_of = square<is_exposure>(wave, s, static_cast<double>(before));
            // No question whether there is noise at all, which the deviate answers by 0 times itself: the loop vectorises.
            flux[local + s] = static_cast<float>(static_cast<double>(before) +
                                                 std::sqrt(variance_of) * deviate<is_uniform>(global + s));
            variance[local + s] = static_cast<float>(variance_of);
        }
    }
};

} // namespace tessera
