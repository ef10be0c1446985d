// What HDF5 and FITS cubes share: the WCS, units, and the parts of a product that only rank 0 knows.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/value.hpp"
#include "tessera/output/cube_file.hpp"

namespace tessera {

/// A keyword of a header: name, number or text, comment.
struct Card {
    std::string name;
    Value value;
    std::string comment;
};

/// Axes 1 and 2: gnomonic projection, east to the left.
std::vector<Card> celestial_cards(const CubeProduct& product);
/// Axis 3: the wavelengths, and the off-diagonal zeros of the CD matrix.
std::vector<Card> spectral_cards(const CubeProduct& product);

/// Neither linear nor logarithmic within 1e-3 of a pixel: such an axis needs its own table.
bool is_irregular(const WavelengthGrid& grid);

/// "1e-20 erg/s/cm2/Angstrom" as MUSE writes it: "10**(-20)*erg/s/cm**2/Angstrom"; "Lsun" as FITS does: "solLum".
std::string fits_unit(const std::string& unit);
std::string squared_fits_unit(const std::string& unit);

/// The same as one product of powers, "1e-20 erg s-1 cm-2 Angstrom-1": what HDF5 attributes say, and astropy reads.
std::string plain_unit(const std::string& unit);
std::string squared_plain_unit(const std::string& unit);

/// Rank 0's maps on every rank, without their values. Collective.
std::vector<CubeMap> descriptions_of(const std::vector<CubeMap>& maps, Communicator& comm);

/// Throws (Kind::internal) where the arrays of a product do not fit each other, on every rank. Collective.
void expect_consistent(const CubeProduct& product, Communicator& comm);

/// Planes [first, first + n) of the slab (its own count), the field without the margin.
std::vector<float> field_planes(const CubeSlab& slab, const SpatialGrid& grid, std::int64_t first, std::int64_t n);

/// Mask of planes [first, first + n) of the cube.
std::vector<std::uint8_t> mask_planes(const CubeProduct& product, std::int64_t first, std::int64_t n);

} // namespace tessera
