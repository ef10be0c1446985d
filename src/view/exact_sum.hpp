#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "tessera/comm/communicator.hpp"
#include "tessera/device/device.hpp"

namespace tessera {

/// Turns doubles no larger than `largest` into 62-bit integers of which `n` may be added without overflow. Integer sums do
/// not depend on their order, so the result is the same for any number of ranks and threads. A term is cut to
/// largest · n · 2^-62: 1e-12 of the largest term for a million terms.
class FixedPoint {
public:
    FixedPoint(double largest, std::int64_t n) {
        int n_bits = 0, exponent = 0;
        while ((std::int64_t{1} << n_bits) < n) { ++n_bits; }
        std::frexp(largest, &exponent); // largest < 2^exponent
        // Within the range of double for any masses and distances that are.
        exponent_ = largest > 0 ? std::clamp(62 - n_bits - exponent, -1000, 1000) : 0;
    }
    double scale() const { return std::ldexp(1.0, exponent_); } ///< a power of two: multiplying is exact
    double value(std::int64_t sum) const { return std::ldexp(static_cast<double>(sum), -exponent_); }

private:
    int exponent_;
};

/// Sums of term(i)[k] over i in [0, n_local) and all ranks, the same bit for bit however the items are spread; collective.
/// @param largest  a bound of |term(i)[k]|, the same on every rank;  n_total  a bound of the number of items of all ranks
template <std::size_t N, class Term>
std::array<double, N> exact_sums(const device::Host& where, std::int64_t n_local, const std::array<double, N>& largest,
                                 std::int64_t n_total, const Term& term, Communicator& comm) {
    std::array<double, N> scale;
    for (std::size_t k = 0; k < N; ++k) { scale[k] = FixedPoint(largest[k], n_total).scale(); }
    std::int64_t sum[N] = {};
#pragma omp parallel for reduction(+ : sum[ : N]) num_threads(where.threads) if (where.threads > 1)
    for (std::int64_t i = 0; i < n_local; ++i) {
        const std::array<double, N> terms = term(i);
        for (std::size_t k = 0; k < N; ++k) { sum[k] += static_cast<std::int64_t>(terms[k] * scale[k]); }
    }
    comm.all_reduce(buffer(std::span<std::int64_t>(sum)), Op::sum);
    std::array<double, N> out;
    for (std::size_t k = 0; k < N; ++k) { out[k] = FixedPoint(largest[k], n_total).value(sum[k]); }
    return out;
}

} // namespace tessera
