#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tessera/device/device.hpp"
#include "tessera/ssp/library.hpp"

namespace tessera::ssp {

/// A library as sums of a few basis spectra: node k ~ sum over j of coefficients[k, j] · basis[j], between two wavelengths.
struct Compression {
    std::int64_t rank = 0;
    std::vector<float> coefficients; ///< [node, rank]
    std::vector<float> basis;        ///< [rank, wavelength] Lsun/Angstrom per Msun; zero outside the range
    std::vector<double> error; ///< [node] rms over the range's points of what is missing, relative to the node's mean
};

/// Points [first, end) of the library's wavelengths.
struct WavelengthRange {
    std::int64_t first = 0, end = 0;
    bool operator==(const WavelengthRange&) const = default;
};

/// Truncated singular value decomposition of the library in the norm of the light it gives: each node is scaled to mean 1 and
/// counts with its importance, so that the error of real populations is small, not that of exotic nodes. A node of importance
/// 0 is left dark, its error is 1. The range finder draws
/// its vectors from a fixed seed: the same on every machine and any number of threads, up to rounding.
/// @param importance  [node] share in the light of the populations that matter; >= 0, at least one > 0
/// @param tolerance   rank grows in steps of 8 until sum(importance · error) / sum(importance) is below it
/// @return  rank n_node at most: then as good as float allows
/// @par Source  Halko, Martinsson & Tropp (2011), SIAM Review 53, 217: randomised range finder with one power iteration, adaptive rank
/// @par Cost    about 40 · rank · n_node · n_wave / 8 multiply-adds; memory of two copies of the range
Compression compress(const Library& library, WavelengthRange range, std::span<const double> importance,
                     double tolerance, const device::Host& where);

/// The same, made once: the last few results stay in memory, found again by the library's checksum, range, importance and
/// tolerance. For many galaxies seen with one library.
std::shared_ptr<const Compression> compressed(const Library& library, WavelengthRange range,
                                              std::span<const double> importance, double tolerance,
                                              const device::Host& where);

/// A prior for `importance`: the light that each node gives in a wavelength range in galaxies that formed stars at a constant
/// rate, and in galaxies that did so more than 5 Gyr ago, in equal parts, whatever the metallicity, up to 13.8 Gyr; and a tenth
/// spread over all nodes alike. Sums to 1.
std::vector<double> population_prior(const Library& library, WavelengthRange range);

} // namespace tessera::ssp
