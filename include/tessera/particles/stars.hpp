#pragma once

#include <cstdint>
#include <vector>

namespace tessera {

/// Star particles of one rank, structure of arrays, host memory: 40 bytes a star, and 8 more when rows are kept.
/// Positions are physical kpc relative to `Snapshot::origin` (subtracted in double, minimum image applied, then float);
/// velocities physical peculiar km/s in the simulation's frame. After `view` both are relative to the galaxy.
struct Stars {
    std::vector<float> x, y, z;      ///< kpc
    std::vector<float> vx, vy, vz;   ///< km/s
    std::vector<float> initial_mass; ///< Msun formed: the weight of the SSP
    std::vector<float> mass;         ///< Msun now: mass maps
    std::vector<float> metallicity;  ///< mass fraction
    std::vector<float> age;          ///< Gyr before the snapshot
    std::vector<std::int64_t> row;   ///< row in the input (over all chunks); empty unless asked for

    std::int64_t size() const { return static_cast<std::int64_t>(x.size()); }
    /// All arrays to n stars (`row` only when keep_rows).
    void resize(std::int64_t n, bool keep_rows = false);
};

/// Gas cells of one rank.
struct Gas {
    std::vector<float> x, y, z;             ///< kpc, as for stars
    std::vector<float> vx, vy, vz;          ///< km/s; empty when not asked for
    std::vector<float> mass;                ///< Msun
    std::vector<float> density;             ///< Msun/kpc^3; empty when the file has none
    std::vector<float> metallicity;         ///< mass fraction; empty when the file has none
    std::vector<float> star_formation_rate; ///< Msun/yr; empty when the file has none
    std::vector<float> temperature;         ///< K; empty when the file has none

    std::int64_t size() const { return static_cast<std::int64_t>(x.size()); }
};

} // namespace tessera
