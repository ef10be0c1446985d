#pragma once

/// Physical constants with their units and sources. CGS-derived lengths and masses follow the IAU 2012/2015 resolutions.
namespace tessera::constants {

inline constexpr double speed_of_light = 299792.458;       ///< km/s, exact (SI)
inline constexpr double kpc = 3.0856775814913673e21;       ///< cm, IAU 2012 B2: au = 149597870700 m, pc = 648000/pi au
inline constexpr double solar_mass = 1.988409870698051e33; ///< g, GM_sun (IAU 2015 B3) / G (CODATA 2018), as astropy
inline constexpr double solar_luminosity = 3.828e33;       ///< erg/s, IAU 2015 B3
inline constexpr double gigayear = 3.15576e16;             ///< s, Julian
inline constexpr double pi = 3.14159265358979323846;
inline constexpr double arcsec = pi / 648000.0;              ///< radian
inline constexpr double fwhm_per_sigma = 2.3548200450309493; ///< 2 sqrt(2 ln 2), Gaussian

} // namespace tessera::constants
