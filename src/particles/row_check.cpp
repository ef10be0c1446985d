#include "particles/row_check.hpp"

#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "tessera/core/error.hpp"

namespace tessera::particles {

void bad_value(const Block& block, std::size_t field, std::int64_t row, double value, const std::string& expected) {
    throw Error({.kind = Kind::data,
                 .where = block.place(field, row),
                 .found = fmt::format("{:.9g}", value),
                 .expected = expected,
                 .cure = "repair or remove the row"});
}

float finite(const Block& block, std::size_t field, std::int64_t row, double value) {
    if (!(std::abs(value) <= std::numeric_limits<float>::max())) {
        bad_value(block, field, row, value, "a finite number");
    }
    return static_cast<float>(value);
}

float at_least_zero(const Block& block, std::size_t field, std::int64_t row) {
    const double value = block.at(field, row);
    const float result = finite(block, field, row, value);
    if (value < 0) { bad_value(block, field, row, value, "a number of at least 0"); }
    return result;
}

float mass_fraction(const Block& block, std::size_t field, std::int64_t row) {
    const float value = at_least_zero(block, field, row);
    if (value > 1) { bad_value(block, field, row, value, "a mass fraction, 0 to 1"); }
    return value;
}

namespace {

/// Offset from the origin to the nearest periodic image, in double: at 10^5 kpc a float steps by 8 pc.
std::array<float, 3> offset(const Block& block, std::size_t field, std::int64_t row, const Frame& frame) {
    std::array<float, 3> result{};
    for (std::size_t i = 0; i < 3; ++i) {
        double d = block.at(field, row, static_cast<std::int64_t>(i)) - frame.origin[i];
        if (frame.box) { d -= *frame.box * std::round(d / *frame.box); }
        result[i] = finite(block, field, row, d);
    }
    return result;
}

std::array<float, 3> vector3(const Block& block, std::size_t field, std::int64_t row) {
    return {finite(block, field, row, block.at(field, row, 0)), finite(block, field, row, block.at(field, row, 1)),
            finite(block, field, row, block.at(field, row, 2))};
}

} // namespace

void check_place(const Block& block, std::size_t coordinates, std::size_t velocities, std::int64_t row,
                 const Frame& frame) {
    offset(block, coordinates, row, frame);
    if (block.has(velocities)) { vector3(block, velocities, row); }
}

} // namespace tessera::particles
