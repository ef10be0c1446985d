#pragma once

#include <string>
#include <vector>

namespace tessera::catalog {

/// The columns of a catalogue's table that are real numbers, as parameters of its cubes.
struct Theta {
    std::vector<std::string> names, units;
    std::vector<std::vector<double>> columns; ///< [name][entry]

    std::vector<double> row(std::size_t entry) const;
};

/// From catalogue.hdf5. @throws Error(Kind::data)  no table, unreadable
Theta read_theta(const std::string& folder);

} // namespace tessera::catalog
