#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "tessera/io/hdf5.hpp"

namespace tessera::particles {

/// Values of a field as stored, not yet scaled: floats as floats, all other numbers as doubles.
using StoredValues = std::variant<std::vector<float>, std::vector<double>>;

/// Room for at least `n` values of the dataset's type.
void make_room(const io::Hdf5Dataset& dataset, std::int64_t n, StoredValues& values);

} // namespace tessera::particles
