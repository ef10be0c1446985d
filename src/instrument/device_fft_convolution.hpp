#pragma once

#include "instrument/convolution_window.hpp"
#include "tessera/cube/device_cube.hpp"

namespace tessera {

/// Convolution by Fourier transforms in single precision, as many planes at a time as fit a budget of memory. One plan serves all of
/// them and the kernel, which is transformed once.
/// @throws Error(Kind::resource)  no memory for one plane
void convolve_by_fft(device::Accelerator& accelerator, const DeviceSlab& slab, const Kernel2D& kernel,
                     const ConvolutionWindow& window, DeviceSlab& result);

} // namespace tessera
