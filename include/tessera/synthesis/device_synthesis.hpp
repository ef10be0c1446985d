#pragma once

#include <span>

#include "tessera/cube/device_cube.hpp"
#include "tessera/device/accelerator.hpp"
#include "tessera/synthesis/synthesis.hpp"
#include "tessera/view/device_stars.hpp"

namespace tessera {

/// What the division of labour on a GPU goes by. Costs are in multiply-adds a pixel of its matrix product, whose rate is
/// taken as 40 % of 60 TFLOP/s; docs/performance.md says which of them were measured.
struct DeviceTuning {
    double single = 20;      ///< a weight of a star that goes alone: its template is read from the second-level cache
    double fill = 40;        ///< an element of a panel: written to memory and read again
    double host = 250;       ///< a multiply-add on the host's cores
    std::int64_t memory = 0; ///< bytes for row weights and panels; 0: two fifths of what is free, at most 8 GB
};

/// Blocks of wavelengths that the cube is made in, ascending, and what is called when the planes of one are complete on this rank, for
/// what its compute queue is given next. In order, once for each, the last ones perhaps at the end: a rank without stars calls as well.
struct PlaneBlocks {
    std::vector<WaveRange> blocks = {};
    std::function<void(WaveRange)> done = {}; ///< may be collective
};

/// As synthesise for the host, on an accelerator: the same methods, the same report. The cube is [pixel, padded spaxel]. Collective.
/// Sums are the same whatever the number of threads; they differ from the host's by rounding (1e-5 of the brightest voxel, `exact`).
DevicePartial synthesise(device::Accelerator& accelerator, const DeviceSpaxelStars& stars, const ssp::Library& library,
                         ssp::Outside outside, const WavelengthGrid& pixels, double redshift,
                         const SynthesisOptions& options, const device::Host& where, Communicator& comm,
                         SynthesisReport& report, const Progress& progress = {},
                         std::optional<std::array<double, 2>> band = {}, const DeviceTuning& tuning = {});

/// The same into a cube that is there already, zero, with word of its planes as they are complete. Several galaxies, each on a field of its
/// own, have the steps, bases and methods that each has alone; their light is summed together. One whose stars are refused fails all.
/// @param reports  [field];  blocks, rows  for one field only
/// @param rows     spaxels that this rank has stars of, ascending: the cube is then [pixel, row]; none given: all
void synthesise_into(DevicePartial& cube, const PlaneBlocks& blocks, device::Accelerator& accelerator,
                     const DeviceSpaxelStars& stars, const ssp::Library& library, ssp::Outside outside,
                     const WavelengthGrid& pixels, double redshift, const SynthesisOptions& options,
                     const device::Host& where, Communicator& comm, std::span<SynthesisReport> reports,
                     const Progress& progress = {}, std::optional<std::array<double, 2>> band = {},
                     const DeviceTuning& tuning = {}, std::optional<std::span<const std::int64_t>> rows = {});

} // namespace tessera
