#pragma once

#include <cstdint>
#include <vector>

#include "tessera/core/view.hpp"
#include "tessera/cube/grid.hpp"

namespace tessera {

/// Equal steps in ln(wavelength), observed frame of a star at rest in the galaxy: pixel j spans x0 + [j, j+1)·step. A Doppler
/// shift is a translation by ln(1 + v/c)/step pixels, positive (to the red) for receding stars.
struct LogGrid {
    double x0 = 0; ///< ln(Angstrom), lower edge of pixel 0
    double step = 0;
    std::int64_t n_pixel = 0;
    double edge(std::int64_t j) const { return x0 + static_cast<double>(j) * step; }
};

/// Four-point Lagrange weights at fraction t in [0, 1) between the points 0 and 1 of -1, 0, 1, 2. They sum to 1 and keep
/// polynomials up to the third degree, so a shift keeps flux, centroid, width and skewness.
struct Lagrange4 {
    double weight[4];
    TESSERA_HD static Lagrange4 at(double t) {
        return {{-t * (t - 1) * (t - 2) / 6, (t + 1) * (t - 1) * (t - 2) / 2, -(t + 1) * t * (t - 2) / 2,
                 (t + 1) * t * (t - 1) / 6}};
    }
};

/// Where a star's shifted spectrum is read from: shifted(j) = sum_m tap[m] · rest(j + offset + m), m = 0 … 3.
struct PixelShift {
    std::int32_t offset;
    float tap[4];

    /// @param shift  ln of the star's Doppler factor over (1+z), in log pixels
    TESSERA_HD static PixelShift at(double shift) {
        // shifted(j) = rest(j - shift): the interval that holds -shift, and the fraction in it.
        double whole = -shift;
        std::int32_t base = static_cast<std::int32_t>(whole);
        if (whole < base) { --base; }
        const Lagrange4 lagrange = Lagrange4::at(whole - base);
        PixelShift out{base - 1, {}};
        for (int m = 0; m < 4; ++m) { out.tap[m] = static_cast<float>(lagrange.weight[m]); }
        return out;
    }
};

/// The banded operator R from log pixels (integrals over a log pixel) to the telescope's pixels (mean over a pixel, per
/// Angstrom): integrals by four-point interpolation of the cumulative, so that their sum is kept exactly.
class Rebin {
public:
    Rebin(const LogGrid& grid, const WavelengthGrid& pixels);
    std::int64_t n_pixel() const { return static_cast<std::int64_t>(first_.size()); }
    std::int64_t first(std::int64_t pixel) const { return first_[static_cast<std::size_t>(pixel)]; }
    std::int64_t end(std::int64_t pixel) const {
        return first_[static_cast<std::size_t>(pixel)] + start_[static_cast<std::size_t>(pixel) + 1] -
               start_[static_cast<std::size_t>(pixel)];
    }
    /// Value of one pixel from the log pixels; `line[j - line_first]` is log pixel j.
    double apply(std::int64_t pixel, const double* line, std::int64_t line_first) const {
        const auto p = static_cast<std::size_t>(pixel);
        const double* input = line + (first_[p] - line_first);
        double sum = 0;
        for (std::int64_t i = 0; i < start_[p + 1] - start_[p]; ++i) {
            sum += weight_[static_cast<std::size_t>(start_[p] + i)] * input[i];
        }
        return sum;
    }

private:
    std::vector<std::int64_t> first_, start_;
    std::vector<double> weight_;
};

} // namespace tessera
