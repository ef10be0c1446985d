#pragma once

#include <cstdint>
#include <cstring>

#include "tessera/core/view.hpp"

/// Elementary functions of double from + - * / alone, in a fixed order, without branches on the value: the same bits on every
/// processor whose arithmetic is IEEE 754, where the C library's differ from one to the next. That holds as long as the compiler
/// leaves products and sums apart (no fused multiply-add): -ffp-contract=off on the host, -fmad=false for CUDA. Loops over
/// them vectorise. At most 1 (log) and 2 (sine, cosine) steps of double from the exact value; tests/core/portable_math_test.
/// The coefficients are Chebyshev fits, made by tools/portable_math.py; what they leave is below 1.3e-17 of the result.
namespace tessera::portable {

TESSERA_HD inline std::uint64_t bits_of(double x) {
    std::uint64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

TESSERA_HD inline double from_bits(std::uint64_t bits) {
    double x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

/// (n + 1/2) / 2^52 for n in [0, 2^52), exactly: on (0, 1), never an end.
TESSERA_HD inline double fraction(std::uint64_t n) {
    // n as the fraction of a number in [1, 2): conversions of 64-bit integers do not vectorise before AVX-512.
    return (from_bits(0x3ff0000000000000ULL | n) - 1.0) + 0x1.0p-53;
}

/// Natural logarithm of a normal, positive, finite x.
/// With x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt(2)), and s = f / (2 + f): ln(1 + f) = 2 artanh(s) = 2 s + s R(s²),
/// written as f - (f²/2 - s (f²/2 + R)) so that the large term is exact (K. C. Ng's arrangement in fdlibm, Sun 1993).
TESSERA_HD inline double log(double x) {
    constexpr std::uint64_t one = 0x3ff0000000000000ULL, root_half = 0x3fe6a09e667f3bcdULL;
    const std::uint64_t shifted = bits_of(x) + (one - root_half);
    const double f = from_bits((shifted & 0x000fffffffffffffULL) + root_half) - 1.0;
    const double k = from_bits(0x4330000000000000ULL | (shifted >> 52U)) - (0x1.0p52 + 1023.0);
    const double s = f / (2.0 + f);
    const double z = s * s;
    double r = 0x1.2b584aae78a57p-3;
    r = r * z + 0x1.39fe606542ddep-3;
    r = r * z + 0x1.7462b4ab2ef6bp-3;
    r = r * z + 0x1.c71c62e5800a1p-3;
    r = r * z + 0x1.2492492df148dp-2;
    r = r * z + 0x1.99999999952e2p-2;
    r = r * z + 0x1.5555555555558p-1;
    r = r * z;
    const double half_square = 0.5 * f * f;
    // ln 2 in two parts; the high one has 21 zeros at its end, so that k times it is exact.
    constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
    return k * ln2_high - ((half_square - (s * (half_square + r) + k * ln2_low)) - f);
}

namespace detail {

/// sin(2 pi v), |v| <= 1/8.
TESSERA_HD inline double sine_near_zero(double v) {
    constexpr double two_pi = 0x1.921fb54442d18p+2, two_pi_rest = 0x1.1a62633145c07p-52;
    const double z = v * v;
    double r = 0x1.e4a9d9166f052p+1;
    r = r * z - 0x1.e3027dea82bd7p+3;
    r = r * z + 0x1.50783208843ebp+5;
    r = r * z - 0x1.32d2cce500387p+6;
    r = r * z + 0x1.466bc6775a476p+6;
    r = r * z - 0x1.4abbce625be52p+5;
    return two_pi * v + (two_pi_rest * v + v * (z * r));
}

/// cos(2 pi v), |v| <= 1/8.
TESSERA_HD inline double cosine_near_zero(double v) {
    constexpr double two_pi_squared = 0x1.3bd3cc9be45dep+4; // 2 pi²
    const double z = v * v;
    double r = -0x1.b38340f56931fp+0;
    r = r * z + 0x1.f9cfc07738157p+2;
    r = r * z - 0x1.a6d1f0ab7905cp+4;
    r = r * z + 0x1.e1f50688302c5p+5;
    r = r * z - 0x1.55d3c7e3cbd74p+6;
    r = r * z + 0x1.03c1f081b5ac4p+6;
    const double drop = two_pi_squared * z, near = 1.0 - drop;
    return near + (((1.0 - near) - drop) + z * z * r); // what rounding took from `near` is given back
}

constexpr std::uint64_t sign_bit = 0x8000000000000000ULL;

/// `yes` where x < 0, else `no`: by bits, since a branch on random numbers is mispredicted every second time.
TESSERA_HD inline double if_negative(double x, double yes, double no) {
    const std::uint64_t mask = 0 - (bits_of(x) >> 63U);
    return from_bits((bits_of(yes) & mask) | (bits_of(no) & ~mask));
}

/// sin(2 pi v), |v| <= 1/4: of the two functions the one whose argument is small.
TESSERA_HD inline double sine_of_quarter(double v) {
    const double size = from_bits(bits_of(v) & ~sign_bit);
    const double value = if_negative(0.125 - size, cosine_near_zero(0.25 - size), sine_near_zero(size));
    return from_bits(bits_of(value) ^ (bits_of(v) & sign_bit));
}

} // namespace detail

/// cos(2 pi t) and sin(2 pi t), t in [0, 1]. Each difference is exact where the result is small.
TESSERA_HD inline double cos_turn(double t) {
    return detail::sine_of_quarter(detail::if_negative(t - 0.5, 0.25 - t, t - 0.75));
}
TESSERA_HD inline double sin_turn(double t) {
    const double upper = detail::if_negative(t - 0.75, 0.5 - t, t - 1.0);
    return detail::sine_of_quarter(detail::if_negative(t - 0.25, t, upper));
}

} // namespace tessera::portable
