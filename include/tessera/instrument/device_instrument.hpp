#pragma once

#include <cstdint>

#include "tessera/cube/device_cube.hpp"
#include "tessera/device/accelerator.hpp"
#include "tessera/instrument/convolve.hpp"
#include "tessera/instrument/lsf.hpp"
#include "tessera/instrument/noise.hpp"
#include "tessera/instrument/psf.hpp"

/// The stages of the instrument on slabs in an accelerator's memory. They are given to its compute queue and return before they are
/// done, unless a result on the host says otherwise.
namespace tessera {

/// As for the host: every plane convolved with the kernel, zero outside, cropped to the field. `direct` gives the host's bits, `fft` is
/// in single precision here: within 1e-6 of the plane's largest value, and what is smaller than its rounding is 0.
/// @param slab   [wave, n_y + 2 margin, n_x + 2 margin]
/// @return       [wave, n_y, n_x]
/// @throws Error(Kind::internal)  a margin wider than the slab
/// @throws Error(Kind::resource)  no memory for the result, or for one plane's transform
DeviceSlab convolve(device::Accelerator& accelerator, const DeviceSlab& slab, const Kernel2D& kernel,
                    std::int64_t margin, Convolution method = Convolution::automatic);

/// What `auto` takes on an accelerator for a field of n_y x n_x spaxels (without margin).
Convolution cheaper_convolution_on_device(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x);

/// Planes `wanted` (global indices) convolved along wavelength, with the host's bits. `with_ghosts` holds them and, where the grid has
/// them, half_width() planes on either side; what lies beyond its ends is as `lsf.edge` says.
/// @throws Error(Kind::internal)  planes that the slab or the function does not have
DeviceSlab apply_lsf(device::Accelerator& accelerator, const DeviceSlab& with_ghosts, WaveRange wanted, const Lsf& lsf);

/// As for the host, with its bits: adds noise to the cube and returns the variance (without planes for kind none). Waits for sums of
/// the spaxels for signal-to-noise. Collective.
/// @param scene  n_thread has no meaning here
/// @throws Error(Kind::config)  exposure without a physical flux unit
DeviceSlab add_noise(device::Accelerator& accelerator, DeviceSlab& cube, const NoiseOptions& options,
                     const NoiseScene& scene, Communicator& comm);

} // namespace tessera
