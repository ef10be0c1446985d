#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tessera/instrument/psf.hpp"

/// What the convolutions on host and accelerators share.
namespace tessera {

/// The part of a plane that reaches the result, zeros where the plane has none: [n_y + kernel.n_y - 1, n_x + kernel.n_x - 1].
struct ConvolutionWindow {
    std::int64_t n_y, n_x;         ///< window
    std::int64_t first_y, first_x; ///< its corner in the plane; may be negative
    std::int64_t plane_y, plane_x;

    ConvolutionWindow(const Kernel2D& kernel, std::int64_t result_y, std::int64_t result_x, std::int64_t margin);
    void copy(const float* plane, float* window) const { copy_rows(plane, 0, n_y, window); }
    /// `count` rows of the window from `first` on. @param rows  [count, n_x]
    void copy_rows(const float* plane, std::int64_t first, std::int64_t count, float* rows) const;
};

/// Rows and columns of a plane without its margin. @throws Error(Kind::internal)  nothing is left
std::array<std::int64_t, 2> field_within(std::int64_t plane_y, std::int64_t plane_x, std::int64_t margin);

/// The n numbers in float, the last first.
std::vector<float> reversed(const double* values, std::int64_t n);

/// What a plane costs: multiply-adds of the sums, elements of the padded plane to transform.
struct ConvolutionCost {
    double sums, points;
    double length_x; ///< of a row of that plane
    ConvolutionCost(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x);
};

} // namespace tessera
