#pragma once

#include "tessera/core/view.hpp"
#include "tessera/device/device.hpp"

namespace tessera {

/// Copies wavelengths [first_wave, first_wave + n_wave) of rows [row, wave] to planes: row i, wavelength w to planes[w · stride + i].
/// Squares are turned in registers; of 64 wavelengths at a time, so that what is read and written are whole lines of the cache.
/// Threads share strips.
void transpose_planes(const device::Host& where, View<const float, 2> rows, std::int64_t first_wave,
                      std::int64_t n_wave, float* planes, std::int64_t stride);

} // namespace tessera
