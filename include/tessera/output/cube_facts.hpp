#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace tessera {

/// What a cube file says of itself: the part of its provenance by which cubes are told apart and compared.
struct CubeFacts {
    std::string config; ///< effective YAML text
    std::optional<std::int64_t> subhalo;
    double redshift = 0; ///< observed
    std::int64_t n_star = 0, n_wind_dropped = 0, n_in_field = 0;
    std::string star_checksum; ///< of the stars that were read
    double error_rms = 0, error_max = 0;
    std::array<double, 9> rotation{}; ///< x' = x · M, row by row
};

/// Reads it from an HDF5 or FITS cube (by the ending .fits). One process calls it.
/// @throws Error(Kind::data)  missing, damaged, not a cube of this program
CubeFacts read_cube_facts(const std::string& path);

} // namespace tessera
