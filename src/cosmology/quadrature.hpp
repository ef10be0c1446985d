#pragma once

#include <array>
#include <cmath>
#include <cstddef>

#include "tessera/core/constants.hpp"

namespace tessera {

/// Nodes on (-1, 1) and weights of the n-point Gauss-Legendre rule: exact for polynomials of degree 2n - 1.
template <std::size_t n>
struct GaussLegendre {
    std::array<double, n> node{}, weight{};

    GaussLegendre() {
        for (std::size_t i = 0; i < n; ++i) {
            // Tricomi's first guess lies in the basin of Newton's method for every root.
            double x = std::cos(constants::pi * (static_cast<double>(i) + 0.75) / (static_cast<double>(n) + 0.5));
            double slope = 1;
            for (int step = 0; step < 20; ++step) {
                double before = 1, now = x; // P_0, P_1; Bonnet's recursion up to P_n
                for (std::size_t k = 2; k <= n; ++k) {
                    const double degree = static_cast<double>(k);
                    const double next = ((2 * degree - 1) * x * now - (degree - 1) * before) / degree;
                    before = now;
                    now = next;
                }
                slope = static_cast<double>(n) * (x * now - before) / (x * x - 1);
                const double change = now / slope;
                x -= change;
                if (std::abs(change) < 1e-16) { break; }
            }
            node[i] = x;
            weight[i] = 2 / ((1 - x * x) * slope * slope);
        }
    }

    template <class Function>
    double integrate(Function&& f, double from, double to) const {
        const double middle = 0.5 * (from + to), half = 0.5 * (to - from);
        double sum = 0;
        for (std::size_t i = 0; i < n; ++i) { sum += weight[i] * f(middle + half * node[i]); }
        return half * sum;
    }
};

/// Integral of f over [from, to]: a 16-point rule against its two halves, halved again where they differ by more than
/// `tolerance` (absolute). For smooth integrands; a kink costs 40 halvings at most.
template <class Function>
double integrate(Function&& f, double from, double to, double tolerance, int depth = 40) {
    static const GaussLegendre<16> rule;
    const double middle = 0.5 * (from + to);
    const double whole = rule.integrate(f, from, to);
    const double halves = rule.integrate(f, from, middle) + rule.integrate(f, middle, to);
    if (depth == 0 || !(std::abs(whole - halves) > tolerance)) { return halves; } // NaN ends it too
    return integrate(f, from, middle, tolerance, depth - 1) + integrate(f, middle, to, tolerance, depth - 1);
}

} // namespace tessera
