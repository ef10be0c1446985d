#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tessera/ssp/library.hpp"

/// The readers of the file dialects, one source file each. Each returns a library whose axes are in the units of `Library`;
/// read_library then checks it. All run on one rank and do not communicate.
namespace tessera::ssp {

enum class FluxUnit { lsun_per_angstrom, lsun_per_hz, erg_per_s_per_angstrom };

/// Spectra that are left in their HDF5 file, [metallicity, age, wavelength]: several ranks will unpack them.
struct StoredFlux {
    std::string file, dataset;
    FluxUnit unit = FluxUnit::lsun_per_angstrom;
};

/// Rubix and plain. The library's flux is left empty, and `flux` says where it is; check_sum when it is there.
Library read_rubix_hdf5(const std::string& path, const ReadHints& hints, StoredFlux& flux);
/// The plain layout carries the checksum of its content: a file cut or altered since is not read as if nothing were.
/// @param library  whole, its checksum set
void check_sum(const std::string& path, const Library& library);
Library read_dsps_hdf5(const std::string& path, const ReadHints& hints, StoredFlux& flux); ///< likewise without flux
/// The spectra of metallicities [first, first + n), in Lsun/Angstrom, to their place in the library's flux.
void read_flux(const StoredFlux& flux, std::int64_t first, std::int64_t n, Library& library, const device::Host& where);
Library read_bc03_fits(const std::string& path, const ReadHints& hints);
Library read_ppxf_npz(const std::string& path, const ReadHints& hints);
Library read_pypipe3d_fits(const std::string& path, const ReadHints& hints);

/// Looks into a file: HDF5 by its data sets, FITS by its extensions, zip = pPXF.
/// @throws Error(Kind::data)  missing, empty, none of these
Format detect_format(const std::string& path);

/// An axis as it stands in a file, and where, for messages.
struct RawAxis {
    std::vector<double> values;
    std::optional<std::string> unit; ///< as the file writes it
    std::string where;               ///< "file.h5:/age"
};

/// To Gyr. A unit that is missing or unknown, or that the values contradict, is an error which says what they look like.
std::vector<double> ages_in_gyr(const RawAxis& axis, std::optional<AgeUnit> hint);

/// To mass fractions. @param fallback  what a dialect without a unit means; nullopt: a missing unit is an error
/// @param solar  mass fraction of the Sun that the dialect means, if it states one
std::vector<double> metallicities_as_mass_fraction(const RawAxis& axis, const ReadHints& hints,
                                                   std::optional<MetallicityUnit> fallback,
                                                   std::optional<double> solar);

/// To Angstrom. A missing unit is Angstrom: every dialect says so.
std::vector<double> wavelengths_in_angstrom(const RawAxis& axis);

/// A missing unit is Lsun/Angstrom per Msun, as RUBIX's layout has it.
FluxUnit flux_unit_of(const std::optional<std::string>& unit, const std::string& where);
/// In Lsun/Angstrom. @param flux  [row, wavelength] in `unit`;  wavelength  Angstrom
std::vector<float> flux_in_lsun_per_angstrom(FluxUnit unit, std::span<const double> wavelength,
                                             std::span<const double> flux);

/// "air", "vacuum". @throws Error(Kind::data)  another word
Medium medium_of(const std::string& text, const std::string& where);
const char* name_of(Medium medium);

/// Everything that holds for a library whatever its dialect: extents, finite numbers, strictly ascending axes, metallicity
/// and age not negative, light in every metallicity. @throws Error(Kind::data)
void check(const Library& library);

} // namespace tessera::ssp
