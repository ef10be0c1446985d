#pragma once

#include <cstdint>
#include <vector>

#include "tessera/cube/cube.hpp"

namespace tessera {

class Communicator;

/// Measured error of some spaxels, each relative to its mean over the pixels.
struct SampleError {
    double worst_rms = 0, median_rms = 0, worst_pixel = 0;
};

/// Spaxels to compare with `exact`, the same on every rank: half of them those with the largest error bound, the rest spread evenly.
/// @param candidates  lit spaxels that are not exact, ascending;  bound  [candidate]
std::vector<std::int64_t> sample_of(const std::vector<std::int64_t>& candidates, const std::vector<double>& bound);

/// Spectra of the same spaxels, both summed over ranks, in the covered pixels. Collective.
SampleError compare(const PartialCube& made, const PartialCube& truth, const std::vector<bool>& covered,
                    Communicator& comm);

} // namespace tessera
