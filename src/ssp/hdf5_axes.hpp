#pragma once

#include <string>

#include "ssp/dialects.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::ssp {

/// A data set that holds numbers. @throws Error(Kind::data)  missing, text, empty
io::Hdf5Dataset numbers(const io::Hdf5Group& file, const std::string& name);

/// A one-dimensional data set with its attribute `unit` (or `units`).
RawAxis read_axis(const io::Hdf5Group& file, const std::string& name);

/// The attribute `unit` or `units`; blank counts as absent.
std::optional<std::string> unit_of(const io::Hdf5Dataset& dataset);

/// @throws Error(Kind::data)  `flux` is not [metallicity, age, wavelength] of the library's axes
void check_shape(const io::Hdf5Dataset& flux, const Library& library);

/// "bc03.h5" of "/data/bc03.h5" without its ending: the name of a library that has none.
std::string stem_of(const std::string& path);

} // namespace tessera::ssp
