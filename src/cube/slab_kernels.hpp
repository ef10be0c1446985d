// What is done to a slab's pixels, one by one.
#pragma once

#include <cstdint>

#include "tessera/core/view.hpp"

namespace tessera {

/// Pixel i times a factor; the product in double, rounded once.
struct ScaleFlux {
    static constexpr const char* name = "cube/scale_flux";
    float* flux;
    double factor;

    TESSERA_HD void operator()(std::int64_t i) const {
        flux[i] = static_cast<float>(static_cast<double>(flux[i]) * factor);
    }
};

/// Pixel i of `out`, a box cut out of planes.
struct CutOut {
    static constexpr const char* name = "cube/cut_out";
    View<const float, 3> planes; ///< [wave, y, x]
    View<float, 3> out;          ///< [wave, y, x]
    std::int64_t first;          ///< plane of `planes` that becomes the first
    std::int64_t margin;         ///< rows and columns cut off on every side

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t n_y = out.extent(1), n_x = out.extent(2);
        const std::int64_t x = i % n_x, y = i / n_x % n_y, wave = i / n_x / n_y;
        out.data()[i] = planes(first + wave, y + margin, x + margin);
    }
};

/// Pixel i of a rank's part, planes of its own spaxels, added to planes of all. No two of its spaxels are the same.
struct AddOwnSpaxels {
    static constexpr const char* name = "cube/add_own_spaxels";
    const float* part;          ///< [wave, own spaxel]
    float* planes;              ///< [wave, spaxel]
    const std::int64_t* spaxel; ///< [own spaxel]
    std::int64_t n_own, n_spaxel;

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t wave = i / n_own;
        planes[wave * n_spaxel + spaxel[i - wave * n_own]] += part[i];
    }
};

} // namespace tessera
