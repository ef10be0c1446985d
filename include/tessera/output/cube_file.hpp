#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/value.hpp"
#include "tessera/cube/cube.hpp"
#include "tessera/cube/grid.hpp"

namespace tessera {

/// Bits of the mask (/mask in HDF5, DQ in FITS); 0 is good.
enum class MaskBit : std::uint8_t {
    partly_covered = 1,   ///< the templates cover only part of this wavelength pixel, or nothing of it
    outside_aperture = 2, ///< spaxel outside the aperture: no data (NaN in FITS)
    lsf_edge = 4,         ///< the line-spread function reaches beyond the wavelengths that were computed
};

/// A two-dimensional product. The values count on rank 0; elsewhere they may be empty.
struct CubeMap {
    std::string name;                ///< /maps/<name>; in FITS RAW_<name> or OBS_<name>
    std::string unit;                ///< "Msun", "km/s", "Gyr", "" for a pure number
    std::string description;         ///< one line
    std::string weight = {};         ///< light | mass | initial; empty where nothing is averaged
    std::string band = {};           ///< of the light, e.g. "4700-9351 Angstrom"
    bool observed = false;           ///< true: with the instrument's PSF
    std::vector<double> values = {}; ///< [y, x] of the field
};

/// What a file says about its making, in order. Attributes of /provenance in HDF5, keywords of the primary header in FITS:
/// simulation, snapshot, subhalo, redshift, redshift_snapshot, luminosity_distance, angular_distance, h0, omega_m, omega_l,
/// inclination, n_star, n_wind_dropped, n_outside_grid, ssp, ssp_hash, imf, instrument, exposure_time, seed, n_rank, n_gpu,
/// method have FITS names of their own (NSTAR, DISTLUM …), others are HIERARCH keywords. Rank 0's values are written.
struct Provenance {
    std::vector<std::pair<std::string, Value>> attributes; ///< `config` holds the whole effective YAML text
    Traffic traffic;                                       ///< of this rank; gathered when written
    void set(const std::string& name, Value value);        ///< replaces one of that name
};

/// Everything that a cube file holds; of the cubes each rank brings its slab of wavelengths, ranks in order, every plane
/// once. A slab may have the grid's margin around it: only the field is written.
struct CubeProduct {
    WavelengthGrid wavelength;
    SpatialGrid grid;
    std::string object = "galaxy";
    double right_ascension = 180; ///< degree, of the field's centre; the default keeps the field off the wrap at 0
    double declination = 0;
    std::string flux_unit = "1e-20 erg/s/cm2/Angstrom"; ///< or "Lsun/Angstrom"
    std::string frame_note = {};                        ///< comment on the wavelength axis, e.g. "observed frame"

    CubeSlab flux;
    CubeSlab variance; ///< of flux_unit²; the same planes as flux, or no values at all on every rank: zero
    std::vector<std::uint8_t> wave_mask; ///< [wavelength] MaskBits of whole planes, all planes on every rank; empty: 0
    std::vector<std::uint8_t> spaxel_mask; ///< [y, x] of the field, MaskBits of whole spectra; empty: 0

    std::optional<CubeSlab> accumulated, psf, lsf; ///< cubes between the stages; on all ranks or on none
    bool has_star_lists = false;                   ///< the same on every rank
    std::vector<std::int32_t> star_spaxel;         ///< of this rank's stars: iy·n_x + ix, -1 outside the field
    std::vector<std::int64_t> star_row;            ///< row in the input

    std::vector<CubeMap> maps;                           ///< rank 0's count
    std::vector<double> lsf_wavelength, lsf_fwhm;        ///< Angstrom; table LSF in FITS when not empty; rank 0's count
    std::optional<std::pair<double, double>> moffat_psf; ///< FWHM arcsec, beta: mpdaf's FSF keywords
    Provenance provenance;
};

/// Whether a cube of that name is FITS; else it is HDF5.
bool is_fits(const std::string& path);

/// Writes the cube as HDF5: /flux, /variance, /mask [wavelength, y, x], /wavelength, /maps/<NAME> [y, x], /stages/…,
/// /provenance and /provenance/traffic. Each rank writes its slab; without noise /variance takes no room. Written as .NAME.partial
/// beside the target, brought to the disk, then renamed: a file of the final name is complete. Collective.
/// @return  what io::file_checksum finds; nullopt where several ranks wrote it
/// @throws Error(Kind::resource)  unwritable folder, full disk: on every rank, nothing is left behind
std::optional<std::uint64_t> write_cube_hdf5(const std::string& path, const CubeProduct& product, Communicator& comm);

/// Writes the cube as FITS in the manner of MUSE: DATA, STAT (variance), DQ, map images, WAVE where the wavelengths are
/// irregular, LSF, CONFIG; celestial and spectral WCS, checksums. CTYPE3 is AWAV for air, else WAVE; an unknown medium is
/// said in the keyword MEDIUM. Each rank writes its planes; the same file on any number of ranks but for DATE. Collective; aside and
/// renamed.
/// @throws Error(Kind::resource)  likewise
void write_cube_fits(const std::string& path, const CubeProduct& product, Communicator& comm);

} // namespace tessera
