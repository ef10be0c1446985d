#pragma once

#include <cmath>
#include <cstdint>

#include "synthesis/pixel_bands.hpp"
#include "tessera/device/kernel.hpp"

namespace tessera {

/// spectra[column, point] from light[point, column]: panels are filled along the points.
struct TurnSpectra {
    static constexpr const char* name = "synthesis/turn_spectra";
    std::int64_t n_point, n_column, stride; ///< stride of `light`
    const float* light;
    float* spectra;

    TESSERA_HD void operator()(std::int64_t i) const { spectra[i] = light[i % n_point * stride + i / n_point]; }
};

/// spectra[column, point] of some nodes of the library, from its point `first` on. Before its first and after its last point their
/// light goes on.
struct GatherSpectra {
    static constexpr const char* name = "synthesis/gather_spectra";
    std::int64_t n_point, first, n_wave;
    const std::int32_t* node; ///< [column]
    const float* library;     ///< [node, n_wave]
    float* spectra;

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t column = device::quotient(i, n_point);
        const std::int64_t wave = first + i - column * n_point;
        const std::int64_t last = n_wave - 1;
        spectra[i] = library[node[column] * n_wave + (wave < 0 ? 0 : wave > last ? last : wave)];
    }
};

/// R for one velocity row and pixel: PixelBands on the host.
struct BandOfPixel {
    static constexpr const char* name = "synthesis/band_of_pixel";
    PixelIntegral integral;
    std::int64_t first_row; ///< counted from rest
    double step, at_rest;   ///< Doppler factor of row p: at_rest · exp(p step)
    std::int64_t n_pixel, width;
    std::int32_t* first; ///< [row, pixel] point
    float* weight;       ///< [row, width, pixel]

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t row = i / n_pixel;
        const std::int64_t pixel = i % n_pixel;
        const double factor = at_rest * std::exp(static_cast<double>(first_row + row) * step);
        const std::int64_t begin = integral.segment_at(integral.edge[pixel] / factor);
        const std::int64_t latest = integral.n_point - width;
        const std::int64_t start = begin < latest ? begin : latest;
        float* own = weight + row * width * n_pixel + pixel;
        for (std::int64_t t = 0; t < width; ++t) { own[t * n_pixel] = 0; }
        integral.weights(pixel, factor, begin, [&](std::int64_t point, double value) {
            own[(point - start) * n_pixel] = static_cast<float>(value);
        });
        first[i] = static_cast<std::int32_t>(start);
    }
};

/// T: the templates of some rows in some pixels. One element a thread.
struct FillPanel {
    static constexpr const char* name = "synthesis/fill_panel";
    std::int64_t n_column, n_point;
    std::int64_t first_pixel, n_pixel_here; ///< of the panel
    std::int64_t n_pixel, width;            ///< of the bands
    const std::int32_t* first;              ///< [row, pixel], from the panel's first row
    const float* band;                      ///< [row, width, pixel]
    const float* spectra;                   ///< [column, point]
    const std::uint8_t* lit;                ///< [row, column] null: all
    float* panel;                           ///< [row, column, pixel here]

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t key = device::quotient(i, n_pixel_here);
        if (lit != nullptr && lit[key] == 0) { return; }
        const std::int64_t row = device::quotient(key, n_column);
        const std::int64_t pixel = first_pixel + i - key * n_pixel_here;
        const float* weight = band + row * width * n_pixel + pixel;
        const float* light = spectra + (key - row * n_column) * n_point + first[row * n_pixel + pixel];
        float sum = 0;
        for (std::int64_t t = 0; t < width; ++t) { sum += weight[t * n_pixel] * light[t]; }
        panel[i] = sum;
    }
};

/// The cube that light is added to: flux [wave, column], and the column of a spaxel. Where cubes of several galaxies stand one after the
/// other, what lies before a galaxy's own counts among its spaxels' columns.
struct LightTarget {
    float* flux;
    std::int64_t n_column;
    const std::int32_t* column; ///< [spaxel - first_spaxel]
    std::int64_t first_spaxel;

    TESSERA_HD float& at(std::int64_t wave, std::int64_t spaxel) const {
        return flux[wave * n_column + column[spaxel - first_spaxel]];
    }
};

/// Adds what the product made of a batch of spaxels to the cube.
struct AddBatch {
    static constexpr const char* name = "synthesis/add_batch";
    LightTarget target;
    std::int64_t n_slot;
    const std::int32_t* spaxel; ///< [slot]
    const float* made;          ///< [wave, slot]

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t wave = device::quotient(i, n_slot);
        target.at(wave, spaxel[i - wave * n_slot]) += made[i];
    }
};

/// The stars of a spaxel that go one by one, in one pixel.
struct AddListed {
    static constexpr const char* name = "synthesis/add_listed";
    LightTarget target;
    std::int64_t first, end; ///< places in the list at hand
    std::int64_t n_entry;    ///< of a star
    std::int64_t first_pixel, n_pixel_here;
    std::int64_t first_spaxel;    ///< looked at
    std::int64_t first_star;      ///< in it
    const std::int64_t* start;    ///< [spaxel + 1] first star
    const std::int64_t* position; ///< [star - first_star + 1] in the list
    const std::uint32_t* key;     ///< [place - first, n_entry]
    const float* weight;
    const float* panel; ///< [key, pixel here]

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t i_spaxel = device::quotient(i, n_pixel_here);
        const std::int64_t pixel = i - i_spaxel * n_pixel_here;
        const std::int64_t spaxel = first_spaxel + i_spaxel;
        std::int64_t from = position[start[spaxel] - first_star];
        std::int64_t to = position[start[spaxel + 1] - first_star];
        from = from > first ? from : first;
        to = to < end ? to : end;
        if (from >= to) { return; }
        // Sums of 64 weights in single precision: the rounding of longer ones is seen between numbers of ranks.
        double total = 0;
        float part = 0;
        const std::int64_t begin = (from - first) * n_entry;
        const std::int64_t n = (to - from) * n_entry;
        for (std::int64_t e = 0; e < n; ++e) {
            part += weight[begin + e] * panel[static_cast<std::int64_t>(key[begin + e]) * n_pixel_here + pixel];
            if (e % 64 == 63) {
                total += part;
                part = 0;
            }
        }
        target.at(first_pixel + pixel, spaxel) += static_cast<float>(total + part);
    }
};

} // namespace tessera
