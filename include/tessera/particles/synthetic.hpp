#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "tessera/core/options.hpp"

namespace tessera {

class Communicator;

enum class SyntheticLayout { plain, tng };
template <>
struct EnumWords<SyntheticLayout> {
    static constexpr std::array words{std::pair{SyntheticLayout::plain, std::string_view("plain")},
                                      std::pair{SyntheticLayout::tng, std::string_view("tng")}};
};

/// A synthetic snapshot: galaxies of a bulge and an exponential disc with spiral arms, and their gas.
struct SyntheticOptions {
    SyntheticLayout layout = SyntheticLayout::plain; ///< one galaxy in one file, or a box in TNG's folders
    std::string path;                                ///< plain: the HDF5 file; tng: the base folder
    std::int64_t n_star = 100000;      ///< rows of the star type in all; in the tng layout wind cells are among them
    std::optional<std::int64_t> n_gas; ///< gas cells in all; unset: a fifth of n_star
    std::optional<std::int64_t> n_subhalo; ///< tng alone: subhaloes of a power-law mass function; unset: 8
    std::optional<double>
        largest_fraction; ///< tng alone: share of the stars that the largest has; unset: by the power law
    std::optional<std::int64_t> n_chunk; ///< tng alone: files of the snapshot and of the catalogue; unset: 3
    std::int64_t seed = 1;               ///< >= 0; the same seed gives the same bytes on any number of ranks
    std::int64_t snapshot = 99;          ///< tng: the number in the file names
    double redshift = 0.0;               ///< of the snapshot: scale factor, ages
    double box_size = 35000.0;           ///< tng: side of the periodic box, ckpc/h
    std::optional<double> stellar_mass;  ///< Msun formed, all stars together; unset: 5e5 Msun a star
    std::optional<double> scale_length;  ///< kpc, of the (largest) disc; unset: 3.5 (M / 5e10 Msun)^0.25
    std::optional<double> v_max;         ///< km/s, flat part of its rotation curve; unset: 220 (M / 5e10 Msun)^0.25
    double disc_fraction = 0.8;          ///< of the stars; the rest is the bulge
    double gas_fraction = 0.1;           ///< gas mass over stellar mass formed
    std::optional<double> inclination;   ///< degree, 0 face-on, disc normal against +z; unset: random, uniform on SO(3)
    double position_angle = 0.0;         ///< degree, major axis from +x towards +y; used with an inclination
};

/// Writes the snapshot; collective. Every number of particle i comes from (seed, i) alone, so that files are the same byte
/// for byte at any number of ranks. Written under a temporary name and renamed.
///
/// Plain: /stars/{coordinates, velocities, initial_mass, mass, metallicity, age}, /gas/{coordinates, velocities, masses, density,
/// metallicity, star_formation_rate, temperature}, an attribute `unit` each; attributes of /galaxy: redshift, centre [kpc],
/// velocity [km/s], half_mass_radius [kpc, current stellar mass, 3-D], disc_normal. The galaxy is at the origin, at rest.
///
/// TNG: snapdir_NNN/snap_NNN.C.hdf5, groups_NNN/fof_subhalo_tab_NNN.C.hdf5, postprocessing/offsets/offsets_NNN.hdf5 in code
/// units; FoF groups with satellites, unbound particles after each group and after all, groups without subhalo, wind cells
/// (0.2 % of the stars), from three chunks on one without stars. Also postprocessing/synthetic/truth_NNN.hdf5: disc_normal.
///
/// @throws Error(Kind::config)    a number out of range; a path that holds something else
/// @throws Error(Kind::resource)  unwritable, or less free disk than the files need
/// @par Source  Binney & Tremaine (2008), sections 2.3, 4.8 (asymmetric drift); Hernquist (1990) (bulge); Leitner & Kravtsov
///              (2011) (mass loss); Springel & Hernquist (2003) (star formation of the gas).
void make_snapshot(const SyntheticOptions& options, Communicator& comm);

/// The axis about which galaxy i (plain: 0; tng: the subhalo's row in the catalogue) was built to rotate, right-handed; unit
/// vector in the simulation's frame. What `face-on` must find.
std::array<double, 3> disc_normal(const SyntheticOptions& options, std::int64_t i_galaxy);

} // namespace tessera
