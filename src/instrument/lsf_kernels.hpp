// Convolution along wavelength on accelerators.
#pragma once

#include <cstdint>

#include "tessera/device/kernel.hpp"

namespace tessera {

/// Planes of the result, each with its own kernel, as Lsf says; taps in ascending order in float, the host's order. Each thread works
/// out a few planes of a few spaxels, so that a voxel that it reads is used for all of those planes.
struct ConvolveWavelengths {
    static constexpr const char* name = "instrument/convolve_wavelengths";
    static constexpr int planes = 8, spaxels = 2; ///< a thread

    const float* in;               ///< [n_in, n_spaxel]
    float* out;                    ///< [n_out, n_spaxel]
    const float* taps;             ///< of all kernels, one after the other
    const std::int64_t* centre;    ///< [kernel] index of its middle tap
    const std::int64_t* half;      ///< [kernel] taps on either side
    const std::int64_t* kernel_of; ///< [global wave]
    std::int64_t n_in, n_out, n_spaxel;
    std::int64_t first_in, first_out; ///< global wave of the first planes
    std::int64_t half_width;          ///< of the widest kernel
    std::int64_t edge_is_zero;        ///< beyond the planes of `in`: 0 the last one, 1 no light

    std::int64_t n_spaxel_group() const { return (n_spaxel + spaxels - 1) / spaxels; }
    std::int64_t n_thread() const { return (n_out + planes - 1) / planes * n_spaxel_group(); }
    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t n_group = (n_spaxel + spaxels - 1) / spaxels;
        const std::int64_t group = device::quotient(i, n_group), first = group * planes;
        std::int64_t spaxel[spaxels], middle[planes], reach[planes];
        for (int s = 0; s < spaxels; ++s) { // neighbouring threads have neighbouring spaxels
            const std::int64_t at = i - group * n_group + s * n_group;
            spaxel[s] = at < n_spaxel ? at : n_spaxel - 1;
        }
        float sum[planes][spaxels];
        for (int p = 0; p < planes; ++p) {
            const std::int64_t kernel = kernel_of[first_out + (first + p < n_out ? first + p : n_out - 1)];
            middle[p] = centre[kernel];
            reach[p] = half[kernel];
            for (int s = 0; s < spaxels; ++s) { sum[p][s] = 0; }
        }
        const std::int64_t shift = first_out - first_in + first; // plane of `in` at the first of the result
        for (std::int64_t at = -half_width; at < planes + half_width; ++at) {
            std::int64_t from = shift + at;
            if (from < 0 || from >= n_in) {
                if (edge_is_zero != 0) { continue; }
                from = from < 0 ? 0 : n_in - 1;
            }
            float value[spaxels];
            for (int s = 0; s < spaxels; ++s) { value[s] = in[from * n_spaxel + spaxel[s]]; }
            for (int p = 0; p < planes; ++p) {
                const std::int64_t j = at - p;
                if (j < -reach[p] || j > reach[p]) { continue; }
                const float tap = taps[middle[p] + j];
                for (int s = 0; s < spaxels; ++s) { sum[p][s] += tap * value[s]; }
            }
        }
        for (int p = 0; p < planes; ++p) {
            for (int s = 0; s < spaxels; ++s) {
                const std::int64_t at = i - group * n_group + s * n_group;
                if (first + p < n_out && at < n_spaxel) { out[(first + p) * n_spaxel + at] = sum[p][s]; }
            }
        }
    }
};

} // namespace tessera
