// Convolution of planes with the point-spread function on accelerators. Each thread works out a few outputs, so that what it reads is
// used more than once. An output is summed in the host's order: taps ascending, in float; rows of a plane in double.
#pragma once

#include <cmath>
#include <cstdint>

#include "tessera/device/kernel.hpp"

namespace tessera {

/// One dimension of arrays [outer, length, inner], zero outside: out(o, p, i) = sum over b of taps[b] · in(o, p + first + b, i).
struct ConvolveLines {
    static constexpr const char* name = "instrument/convolve_lines";
    static constexpr int lines = 4; ///< of `outer`, a thread

    const float* in;
    float* out;
    const float* taps; ///< reversed kernel
    std::int64_t n_tap, n_outer, in_length, out_length, inner, first;

    std::int64_t n_thread() const { return (n_outer + lines - 1) / lines * out_length * inner; }
    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t row = device::quotient(i, inner), group = device::quotient(row, out_length);
        const std::int64_t at = row - group * out_length, start = at + first;
        const std::int64_t begin = start < 0 ? -start : 0, end = n_tap < in_length - start ? n_tap : in_length - start;
        const float* line[lines];
        float sum[lines];
        for (int l = 0; l < lines; ++l) {
            const std::int64_t outer = group * lines + l < n_outer ? group * lines + l : n_outer - 1;
            line[l] = in + (outer * in_length + start) * inner + (i - row * inner);
            sum[l] = 0;
        }
        for (std::int64_t b = begin; b < end; ++b) {
            const float tap = taps[b];
            for (int l = 0; l < lines; ++l) { sum[l] += tap * line[l][b * inner]; }
        }
        for (int l = 0; l < lines; ++l) {
            const std::int64_t outer = group * lines + l;
            if (outer < n_outer) { out[(outer * out_length + at) * inner + (i - row * inner)] = sum[l]; }
        }
    }
};

/// Both dimensions: out(w, y, x) = sum over a, b of taps[a, b] · in(w, y + first_y + a, x + first_x + b), zero outside.
struct ConvolvePlanes {
    static constexpr const char* name = "instrument/convolve_planes";
    static constexpr int planes = 4, rows = 4; ///< of the result, a thread

    const float* in;   ///< [n_wave, in_y, in_x]
    float* out;        ///< [n_wave, n_y, n_x]
    const float* taps; ///< [tap_y, tap_x] kernel, reversed in both directions
    std::int64_t n_wave, in_y, in_x, n_y, n_x, tap_y, tap_x, first_y, first_x;

    std::int64_t n_row_group() const { return (n_y + rows - 1) / rows; }
    std::int64_t n_thread() const { return (n_wave + planes - 1) / planes * n_row_group() * n_x; }
    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t n_group = (n_y + rows - 1) / rows;
        const std::int64_t row = device::quotient(i, n_x), group = device::quotient(row, n_group);
        const std::int64_t x = i - row * n_x, y0 = (row - group * n_group) * rows, wave0 = group * planes;
        const std::int64_t start = x + first_x;
        const std::int64_t begin = start < 0 ? -start : 0, end = tap_x < in_x - start ? tap_x : in_x - start;
        const float* plane[planes];
        for (int p = 0; p < planes; ++p) {
            plane[p] = in + (wave0 + p < n_wave ? wave0 + p : n_wave - 1) * in_y * in_x + start;
        }
        double sum[rows][planes];
        for (int r = 0; r < rows; ++r) {
            for (int p = 0; p < planes; ++p) { sum[r][p] = 0; }
        }
        const std::int64_t top = y0 + first_y; // row of the input under the first tap of the first output
        const std::int64_t last = top + rows - 1 + tap_y < in_y ? top + rows - 1 + tap_y : in_y;
        for (std::int64_t y = top < 0 ? 0 : top; y < last; ++y) {
            float part[rows][planes];
            for (int r = 0; r < rows; ++r) {
                for (int p = 0; p < planes; ++p) { part[r][p] = 0; }
            }
            for (std::int64_t b = begin; b < end; ++b) {
                float value[planes];
                for (int p = 0; p < planes; ++p) { value[p] = plane[p][y * in_x + b]; }
                for (int r = 0; r < rows; ++r) {
                    const std::int64_t a = y - top - r;
                    if (a < 0 || a >= tap_y) { continue; }
                    const float tap = taps[a * tap_x + b];
                    for (int p = 0; p < planes; ++p) { part[r][p] += tap * value[p]; }
                }
            }
            for (int r = 0; r < rows; ++r) {
                for (int p = 0; p < planes; ++p) { sum[r][p] += static_cast<double>(part[r][p]); }
            }
        }
        for (int r = 0; r < rows; ++r) {
            for (int p = 0; p < planes; ++p) {
                if (y0 + r < n_y && wave0 + p < n_wave) {
                    out[((wave0 + p) * n_y + y0 + r) * n_x + x] = static_cast<float>(sum[r][p]);
                }
            }
        }
    }
};

/// A plane's part that reaches the result, in the corner of a larger plane of zeros, for the Fourier transform.
struct PadPlanes {
    static constexpr const char* name = "instrument/pad_planes";
    const float* in; ///< [n_wave, in_y, in_x]
    float* padded;   ///< [batch, length_y, length_x]
    std::int64_t n_wave, in_y, in_x, window_y, window_x, length_y, length_x, first_y, first_x;

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t row = device::quotient(i, length_x), wave = device::quotient(row, length_y);
        const std::int64_t y = row - wave * length_y, x = i - row * length_x;
        const std::int64_t from_y = y + first_y, from_x = x + first_x;
        const bool is_there = wave < n_wave && y < window_y && x < window_x && from_y >= 0 && from_y < in_y &&
                              from_x >= 0 && from_x < in_x;
        padded[i] = is_there ? in[(wave * in_y + from_y) * in_x + from_x] : 0.0F;
    }
};

/// Sum of squares and largest size in each row of the padded planes.
struct RowSizes {
    static constexpr const char* name = "instrument/row_sizes";
    const float* padded; ///< [row, length_x]
    double* squares;     ///< [row]
    double* largest;     ///< [row]
    std::int64_t length_x;

    TESSERA_HD void operator()(std::int64_t i) const {
        double sum = 0, most = 0;
        for (std::int64_t x = 0; x < length_x; ++x) {
            const auto value = static_cast<double>(padded[i * length_x + x]);
            const double square = value * value;
            sum += square;
            most = square > most ? square : most;
        }
        squares[i] = sum;
        largest[i] = std::sqrt(most);
    }
};

/// What the transforms' rounding may leave where no light falls: `factor` times the plane's largest voxel, and 40 times its root mean
/// square.
struct PlaneRounding {
    static constexpr const char* name = "instrument/plane_rounding";
    const double* squares; ///< [plane, length_y]
    const double* largest; ///< [plane, length_y]
    float* rounding;       ///< [plane]
    std::int64_t length_y, length_x;
    double factor;

    TESSERA_HD void operator()(std::int64_t i) const {
        double sum = 0, most = 0;
        for (std::int64_t row = i * length_y; row < (i + 1) * length_y; ++row) {
            sum += squares[row];
            most = largest[row] > most ? largest[row] : most;
        }
        const double root_mean_square = std::sqrt(sum / static_cast<double>(length_y * length_x));
        rounding[i] = static_cast<float>(factor * (most + 40 * root_mean_square));
    }
};

/// Every transform times the kernel's, and times `scale`.
struct MultiplySpectra {
    static constexpr const char* name = "instrument/multiply_spectra";
    float* spectra;      ///< [batch, n] pairs of real and imaginary part
    const float* kernel; ///< [n] pairs
    std::int64_t n;
    double scale;

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t k = i - device::quotient(i, n) * n;
        const auto factor = static_cast<float>(scale);
        const float real = kernel[2 * k] * factor, imaginary = kernel[2 * k + 1] * factor;
        const float a = spectra[2 * i], b = spectra[2 * i + 1];
        spectra[2 * i] = a * real - b * imaginary;
        spectra[2 * i + 1] = a * imaginary + b * real;
    }
};

/// The valid part of the circular convolution; what is not more than rounding is no flux.
struct CropPlanes {
    static constexpr const char* name = "instrument/crop_planes";
    const float* padded;   ///< [batch, length_y, length_x]
    const float* rounding; ///< [batch]
    float* out;            ///< [wave, n_y, n_x]
    std::int64_t n_y, n_x, length_y, length_x, skip_y, skip_x;

    TESSERA_HD void operator()(std::int64_t i) const {
        const std::int64_t row = device::quotient(i, n_x), wave = device::quotient(row, n_y);
        const std::int64_t y = row - wave * n_y, x = i - row * n_x;
        const float value = padded[(wave * length_y + y + skip_y) * length_x + x + skip_x];
        const float size = value < 0 ? -value : value;
        out[i] = size <= rounding[wave] ? 0.0F : value;
    }
};

} // namespace tessera
