#pragma once

#include <optional>
#include <string>
#include <vector>

#include "particles/plan.hpp"
#include "particles/units.hpp"

namespace tessera::io {
class Hdf5Group;
}

namespace tessera::particles {

/// What the header of a cosmological snapshot says, whatever its dialect calls it.
struct Header {
    double scale_factor = 1.0;
    double redshift = 0.0;
    double h = 1.0;
    std::optional<double> box; ///< side, code units
    std::optional<Cosmology> cosmology;
    std::optional<double> time; ///< code units; only where it is a time
};

/// Reads a cosmological header. @param scale_factor_names  attributes of /Header or /Cosmology that may hold a; without any
/// of them 1/(1 + Redshift).
/// @throws Error(Kind::data)  no /Header, no scale factor or redshift, no or absurd Hubble parameter or matter density
Header read_header(const io::Hdf5Group& file, const std::vector<std::string>& scale_factor_names);

/// Number of an attribute of one of these groups under one of these names; nullopt when nowhere.
std::optional<double> find_in(const io::Hdf5Group& file, const std::vector<std::string>& groups,
                              const std::vector<std::string>& names);

/// The context for unit factors, with the code units that the file states in /Units or /Header.
UnitContext unit_context(const io::Hdf5Group& file, const Header& header, UnitScheme scheme);

/// Fills what every dialect with a header knows: scale factor, redshift, cosmology, box (kpc; the coordinates' factor
/// serves, the box being in the same unit).
void describe_header(SnapshotInfo& info, const Header& header, double length_factor);

} // namespace tessera::particles
