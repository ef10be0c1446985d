#include <cmath>
#include <numeric>

#include "tessera/core/constants.hpp"
#include "tessera/instrument/lsf.hpp"

namespace tessera {
namespace {

/// From here on a Gaussian sampled at the pixels is band-limited: what folds over at the Nyquist frequency is below
/// exp(-pi² sigma² / 2) = 3e-9.
constexpr double well_sampled = 2.0;
/// The narrowest lines that a grid can hold, pixels; their spectrum weights the fit.
constexpr double narrowest_line = 0.8;

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

/// Least-squares solution of sum_j x_j column_j = target, by Gram-Schmidt orthogonalisation (modified, so stable).
Vector least_squares(std::vector<Vector> columns, Vector target) {
    const std::size_t n = columns.size();
    std::vector<Vector> triangle(n, Vector(n));
    Vector rotated(n);
    for (std::size_t j = 0; j < n; ++j) {
        const double length = std::sqrt(dot(columns[j], columns[j]));
        triangle[j][j] = length;
        for (double& value : columns[j]) { value /= length; }
        for (std::size_t k = j + 1; k < n; ++k) {
            triangle[j][k] = dot(columns[j], columns[k]);
            for (std::size_t i = 0; i < columns[k].size(); ++i) { columns[k][i] -= triangle[j][k] * columns[j][i]; }
        }
        rotated[j] = dot(columns[j], target);
        for (std::size_t i = 0; i < target.size(); ++i) { target[i] -= rotated[j] * columns[j][i]; }
    }
    Vector x(n);
    for (std::size_t j = n; j-- > 0;) {
        double rest = rotated[j];
        for (std::size_t k = j + 1; k < n; ++k) { rest -= triangle[j][k] * x[k]; }
        x[j] = rest / triangle[j][j];
    }
    return x;
}

/// A Gaussian's transfer function at f cycles a pixel.
double transfer(double f, double sigma) { return std::exp(-0.5 * std::pow(2 * constants::pi * f * sigma, 2)); }
/// Power spectrum of the narrowest line.
double power(double f) { return std::pow(transfer(f, narrowest_line), 2); }

/// Symmetric taps k_-h … k_h from k_0 … k_h.
Vector mirrored(const Vector& half) {
    Vector kernel(half.rbegin(), half.rend());
    kernel.insert(kernel.end(), half.begin() + 1, half.end());
    return kernel;
}

} // namespace

std::vector<double> sampled_lsf_kernel(double sigma, std::int64_t taps) {
    const std::int64_t half = taps / 2;
    Vector kernel;
    for (std::int64_t j = -half; j <= half; ++j) {
        kernel.push_back(std::exp(-0.5 * std::pow(static_cast<double>(j) / sigma, 2)));
    }
    const double sum = std::accumulate(kernel.begin(), kernel.end(), 0.0);
    for (double& tap : kernel) { tap /= sum; }
    return kernel;
}

std::vector<double> lsf_kernel(double sigma) {
    if (sigma >= well_sampled) {
        return sampled_lsf_kernel(sigma, 2 * static_cast<std::int64_t>(std::ceil(5.7 * sigma)) + 1);
    }
    // Unknown taps k_2 … k_h; k_1 follows from the variance 2 sum j² k_j = sigma², k_0 from the sum 1. The transfer function
    // K(f) = 1 + sigma² (c_1 - 1) + sum_j k_j [2 (c_j - 1) - 2 j² (c_1 - 1)], c_j = cos(2 pi j f), shall be the Gaussian's
    // as far as the narrowest line has power.
    const int half = static_cast<int>(std::ceil(5.0 * sigma)) + 5;
    constexpr int n_frequency = 96;
    std::vector<Vector> columns(static_cast<std::size_t>(half - 1), Vector(n_frequency));
    Vector target(n_frequency);
    for (std::size_t i = 0; i < n_frequency; ++i) {
        const double f = 0.5 * (static_cast<double>(i) + 0.5) / n_frequency;
        const double omega = 2 * constants::pi * f;
        // Of a line's samples, power(f) lies at f and power(1 - f) is folded onto it; for lines at any place on the grid the
        // best filter is the mean of the Gaussian at both.
        const double below = power(f), folded = power(1 - f);
        const double weight = std::sqrt(below + folded);
        const double wanted = (below * transfer(f, sigma) + folded * transfer(1 - f, sigma)) / (below + folded);
        const double first = std::cos(omega) - 1;
        target[i] = weight * (wanted - 1 - sigma * sigma * first);
        for (int j = 2; j <= half; ++j) {
            columns[static_cast<std::size_t>(j - 2)][i] =
                weight * (2 * (std::cos(j * omega) - 1) - 2.0 * j * j * first);
        }
    }
    const Vector outer = least_squares(std::move(columns), std::move(target));
    Vector taps{0.0, sigma * sigma / 2};
    double sum = 0;
    for (int j = 2; j <= half; ++j) {
        const double tap = outer[static_cast<std::size_t>(j - 2)];
        taps[1] -= static_cast<double>(j * j) * tap;
        taps.push_back(tap);
        sum += tap;
    }
    taps[0] = 1 - 2 * (sum + taps[1]);
    return mirrored(taps);
}

} // namespace tessera
