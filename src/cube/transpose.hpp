#pragma once

#include <algorithm>

#include "tessera/core/view.hpp"
#include "tessera/device/device.hpp"

namespace tessera {

/// Copies wavelengths [first_wave, first_wave + n) of partial [spaxel, wave] to planes [wave, spaxel], n = planes.extent(0).
/// In square blocks of 64 × 64 (16 KiB read, 16 KiB written: both stay in a first-level cache), threads share the blocks
/// of planes.
inline void transpose_planes(const device::Host& where, View<const float, 2> partial, std::int64_t first_wave,
                             View<float, 2> planes) {
    constexpr std::int64_t block = 64;
    const std::int64_t n_wave = planes.extent(0);
    const std::int64_t n_spaxel = planes.extent(1);
    device::for_each(where, (n_wave + block - 1) / block, 1, [&](std::int64_t i_block) {
        const std::int64_t wave0 = i_block * block;
        const std::int64_t wave1 = std::min(wave0 + block, n_wave);
        for (std::int64_t spaxel0 = 0; spaxel0 < n_spaxel; spaxel0 += block) {
            const std::int64_t spaxel1 = std::min(spaxel0 + block, n_spaxel);
            for (std::int64_t wave = wave0; wave < wave1; ++wave) {
                float* plane = planes.row(wave);
                const float* column = partial.data() + first_wave + wave;
                for (std::int64_t spaxel = spaxel0; spaxel < spaxel1; ++spaxel) {
                    plane[spaxel] = column[spaxel * partial.extent(1)];
                }
            }
        }
    });
}

} // namespace tessera
