// Values of one row, checked one after the other: for the error of a row that is known to have one.
#pragma once

#include <cstdint>
#include <string>

#include "particles/convert.hpp"

namespace tessera::particles {

/// @throws Error(Kind::data)  "file.hdf5:/PartType4/Masses, row 17: found -3; expected …"; so do all below
[[noreturn]] void bad_value(const Block& block, std::size_t field, std::int64_t row, double value,
                            const std::string& expected);

/// As float; infinities, NaN and what no float can hold are refused.
float finite(const Block& block, std::size_t field, std::int64_t row, double value);
float at_least_zero(const Block& block, std::size_t field, std::int64_t row);
float mass_fraction(const Block& block, std::size_t field, std::int64_t row);
/// Position, and velocity where it is read.
void check_place(const Block& block, std::size_t coordinates, std::size_t velocities, std::int64_t row,
                 const Frame& frame);

} // namespace tessera::particles
