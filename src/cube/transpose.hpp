#pragma once

#include <algorithm>

#include "tessera/core/view.hpp"
#include "tessera/device/device.hpp"

namespace tessera {

/// Copies wavelengths [first_wave, first_wave + n_wave) of rows [row, wave] to planes: row i, wavelength w to planes[w · stride + i].
/// In square blocks of 64 × 64 (16 KiB read, 16 KiB written: both stay in a first-level cache), threads share strips of them.
inline void transpose_planes(const device::Host& where, View<const float, 2> rows, std::int64_t first_wave,
                             std::int64_t n_wave, float* planes, std::int64_t stride) {
    constexpr std::int64_t block = 64, strip = 64 * block;
    const std::int64_t n_row = rows.extent(0);
    const std::int64_t n_strip = (n_row + strip - 1) / strip;
    device::for_each(where, (n_wave + block - 1) / block * n_strip, 1, [&](std::int64_t task) {
        const std::int64_t wave0 = task / n_strip * block;
        const std::int64_t wave1 = std::min(wave0 + block, n_wave);
        const std::int64_t end = std::min((task % n_strip + 1) * strip, n_row);
        for (std::int64_t row0 = task % n_strip * strip; row0 < end; row0 += block) {
            const std::int64_t row1 = std::min(row0 + block, end);
            for (std::int64_t wave = wave0; wave < wave1; ++wave) {
                float* plane = planes + wave * stride;
                const float* column = rows.data() + first_wave + wave;
                for (std::int64_t row = row0; row < row1; ++row) { plane[row] = column[row * rows.extent(1)]; }
            }
        }
    });
}

} // namespace tessera
