#pragma once

// What tests of synthesis share: stars made by hand or drawn from fixed seeds, the slow formula for them, errors per spaxel.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "tessera/core/constants.hpp"
#include "tessera/core/random.hpp"
#include "tessera/synthesis/synthesis.hpp"
#include "tests/support/test_support.hpp"

namespace tessera::test {

/// Stars with their spaxels. With several ranks star i belongs to rank i mod P.
struct StarField {
    std::int64_t n_spaxel = 1;
    std::vector<std::int32_t> spaxel;
    std::vector<float> initial_mass, age, metallicity, los_velocity; ///< Msun, Gyr, mass fraction, km/s

    std::size_t size() const { return spaxel.size(); }
    void add(std::int32_t at, double mass, double gyr, double z, double velocity) {
        spaxel.push_back(at);
        initial_mass.push_back(static_cast<float>(mass));
        age.push_back(static_cast<float>(gyr));
        metallicity.push_back(static_cast<float>(z));
        los_velocity.push_back(static_cast<float>(velocity));
    }
    SpaxelStars of_rank(int rank, int n_rank) const {
        Stars stars;
        std::vector<std::int32_t> place;
        for (std::size_t i = static_cast<std::size_t>(rank); i < size(); i += static_cast<std::size_t>(n_rank)) {
            stars.initial_mass.push_back(initial_mass[i]);
            stars.age.push_back(age[i]);
            stars.metallicity.push_back(metallicity[i]);
            stars.vz.push_back(los_velocity[i]);
            place.push_back(spaxel[i]);
        }
        stars.mass = stars.initial_mass;
        return order_by_spaxel({1}, std::move(stars), place, n_spaxel);
    }
    SpaxelStars all() const { return of_rank(0, 1); }
};

enum class Population { mixed, old, young, one_node };

/// Age and metallicity of a star within the grid of a library: log-uniform (mixed), near one old or young point, or on
/// one node that the seed picks, however exotic.
inline std::pair<double, double> age_and_metallicity(Population population, const ssp::Library& library,
                                                     std::uint64_t seed, std::uint64_t counter) {
    const Philox random = Philox::at(seed, 0, counter);
    const auto between = [](const std::vector<double>& axis, double from, double to, double u) {
        const double low = std::max(axis.front(), 1e-4 * axis.back());
        return low * std::pow(axis.back() / low, from + (to - from) * u);
    };
    switch (population) {
    case Population::mixed: break;
    case Population::old:
        return {library.age.back() * (0.7 + 0.1 * random.uniform(0)),
                between(library.metallicity, 0.6, 0.7, random.uniform(1))};
    case Population::young:
        return {between(library.age, 0.3, 0.4, random.uniform(0)),
                between(library.metallicity, 0.8, 0.9, random.uniform(1))};
    case Population::one_node: {
        const Philox node = Philox::at(seed, 3, 0);
        return {library.age[static_cast<std::size_t>(node.uniform(0) * static_cast<double>(library.age.size()))],
                library.metallicity[static_cast<std::size_t>(node.uniform(1) *
                                                             static_cast<double>(library.metallicity.size()))]};
    }
    }
    return {between(library.age, 0, 1, random.uniform(0)), between(library.metallicity, 0, 1, random.uniform(1))};
}

/// What a galaxy's spaxel holds: n stars of masses within a factor of 3, normal velocities about an offset.
struct SpaxelOfStars {
    std::int64_t n_star = 100;
    Population population = Population::mixed;
    double offset = 0; ///< km/s
    double sigma = 0;  ///< km/s
};

inline void add_stars(StarField& field, std::int32_t spaxel, const SpaxelOfStars& what, const ssp::Library& library,
                      std::uint64_t seed) {
    for (std::int64_t i = 0; i < what.n_star; ++i) {
        const auto counter = static_cast<std::uint64_t>(field.size());
        const auto [age, metallicity] = age_and_metallicity(what.population, library, seed, counter);
        const Philox random = Philox::at(seed, 1, counter);
        // Further than 4 sigma a normal star stands still: the fastest of a million otherwise sets the memory of the test.
        const double normal = std::clamp(random.normal(), -4.0, 4.0);
        field.add(spaxel, 1e5 * (0.5 + Philox::at(seed, 2, counter).uniform(0)), age, metallicity,
                  what.offset + what.sigma * normal);
    }
}

/// The library between two wavelengths (and a margin of two points): slow formulas take less time.
inline ssp::Library cut(const ssp::Library& library, double low, double high) {
    const auto first = std::max<std::ptrdiff_t>(
        std::lower_bound(library.wavelength.begin(), library.wavelength.end(), low) - library.wavelength.begin() - 2,
        0);
    const auto end = std::min<std::ptrdiff_t>(
        std::upper_bound(library.wavelength.begin(), library.wavelength.end(), high) - library.wavelength.begin() + 2,
        std::ssize(library.wavelength));
    ssp::Library out = library;
    out.checksum = 0;
    out.wavelength.assign(library.wavelength.begin() + first, library.wavelength.begin() + end);
    out.flux.clear();
    for (std::int64_t node = 0; node < library.n_node(); ++node) {
        const float* row = library.nodes().row(node);
        out.flux.insert(out.flux.end(), row + first, row + end);
    }
    return out;
}

using Spectrum = std::vector<double>;

/// [spaxel][pixel] by the slow formula: every star's spectrum by direct integration, summed in double.
inline std::vector<Spectrum> slow_cube(const StarField& field, const ssp::Library& library,
                                       const WavelengthGrid& pixels, double redshift, const SynthesisOptions& options) {
    const ssp::Interpolator interpolator(library, options.interpolation, ssp::Outside::clamp);
    std::vector<Spectrum> cube(static_cast<std::size_t>(field.n_spaxel), Spectrum(pixels.centres.size(), 0.0));
    for (std::size_t i = 0; i < field.size(); ++i) {
        if (field.spaxel[i] < 0) { continue; }
        const Spectrum one =
            direct_spectrum(library, interpolator.at(field.metallicity[i], field.age[i]), field.initial_mass[i],
                            doppler_factor(redshift, field.los_velocity[i], options.doppler), pixels);
        auto& sum = cube[static_cast<std::size_t>(field.spaxel[i])];
        for (std::size_t k = 0; k < sum.size(); ++k) { sum[k] += one[k]; }
    }
    return cube;
}

/// A cube summed over ranks, in double.
inline std::vector<Spectrum> summed(const PartialCube& cube, Communicator& comm) {
    std::vector<Spectrum> out;
    for (std::int64_t s = 0; s < cube.n_spaxel(); ++s) {
        out.emplace_back(cube.flux().row(s), cube.flux().row(s) + cube.n_wave());
        comm.all_reduce(out.back(), Op::sum);
    }
    return out;
}

inline double mean(const Spectrum& spectrum) {
    return std::accumulate(spectrum.begin(), spectrum.end(), 0.0) / static_cast<double>(spectrum.size());
}

/// rms over pixels of the difference, relative to the mean of the truth: what synthesis.tolerance speaks of.
inline double rms_error(const Spectrum& made, const Spectrum& truth) {
    double square = 0;
    for (std::size_t k = 0; k < truth.size(); ++k) { square += (made[k] - truth[k]) * (made[k] - truth[k]); }
    return std::sqrt(square / static_cast<double>(truth.size())) / mean(truth);
}

/// Worst lit spaxel; dark ones must be dark in both.
inline double worst_rms_error(const std::vector<Spectrum>& made, const std::vector<Spectrum>& truth) {
    double worst = 0;
    for (std::size_t s = 0; s < truth.size(); ++s) {
        if (mean(truth[s]) > 0) {
            worst = std::max(worst, rms_error(made[s], truth[s]));
        } else {
            EXPECT_EQ(mean(made[s]), 0.0) << "spaxel " << s << " is dark";
        }
    }
    return worst;
}

} // namespace tessera::test
