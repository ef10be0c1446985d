// What the FITS reader and writer share: CFITSIO's errors as ours.
#pragma once

#include <cstdint>
#include <string>

#include <fitsio.h>

#include "tessera/core/error.hpp"

namespace tessera::io {

/// CFITSIO's text for a status, with the first message of its stack; empties the stack.
std::string fits_message(int status);

/// Throws when a CFITSIO call left a status.
void check_fits(int status, Kind kind, const std::string& where, const std::string& doing);

/// The number by which CFITSIO knows an element type in memory.
template <class T>
inline constexpr int fits_type = 0;
template <>
inline constexpr int fits_type<float> = TFLOAT;
template <>
inline constexpr int fits_type<double> = TDOUBLE;
template <>
inline constexpr int fits_type<std::int32_t> = TINT;

} // namespace tessera::io
