#!/usr/bin/env python3
"""Prints the coefficients of include/tessera/core/portable_math.hpp (needs mpmath): Chebyshev fits of what the functions have
beyond their leading terms, lowest power first, with the largest relative error that the fit leaves."""
from mpmath import chebyfit, cos, log, mp, mpf, nstr, pi, sin, sqrt

mp.prec = 200
tiny = mpf(10) ** -10  # below it the series' first terms are exact enough


def logarithm(z):
    """(ln((1 + s) / (1 - s)) / s - 2) / z with z = s²."""
    s = sqrt(z)
    return mpf(2) / 3 + 2 * z / 5 + 2 * z * z / 7 if z < tiny else (log((1 + s) / (1 - s)) / s - 2) / z


def sine(z):
    """(sin(2 pi v) / v - 2 pi) / z with z = v²."""
    v = sqrt(z)
    return -((2 * pi) ** 3) / 6 + (2 * pi) ** 5 / 120 * z if z < tiny else (sin(2 * pi * v) / v - 2 * pi) / z


def cosine(z):
    """(cos(2 pi v) - 1 + 2 pi² z) / z² with z = v²."""
    v = sqrt(z)
    return (2 * pi) ** 4 / 24 - (2 * pi) ** 6 / 720 * z if z < tiny else (cos(2 * pi * v) - 1 + 2 * pi**2 * z) / z**2


# s = f / (2 + f) is largest for f = sqrt(2) - 1; v reaches 1/8. The last column: relative error = error of the fit times it.
s_end = ((sqrt(2) - 1) / (sqrt(2) + 1)) ** 2
for function, end, terms, share in (
    (logarithm, s_end, 7, s_end / 2),
    (sine, mpf(1) / 64, 6, mpf(1) / 64 / (2 * pi)),
    (cosine, mpf(1) / 64, 6, mpf(1) / 64**2 * sqrt(2)),
):
    coefficients, error = chebyfit(function, [0, end], terms, error=True)
    print(f"{function.__name__}: relative error {nstr(error * share, 2)}")
    for coefficient in reversed(coefficients):
        print(f"    {float(coefficient).hex()}")
for name, value in (("2 pi", 2 * pi), ("2 pi²", 2 * pi**2)):
    print(f"{name}: {float(value).hex()} and {float(value - mpf(float(value))).hex()}")
high = float.fromhex("0x1.62e42feep-1")
print(f"ln 2: {high.hex()} and {float(mp.ln2 - mpf(high)).hex()}")
