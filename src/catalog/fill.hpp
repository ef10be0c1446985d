#pragma once

#include <cstdint>
#include <vector>

namespace tessera {
class Cosmology;
}

namespace tessera::catalog {

/// The redshift at which a length reaches from the field's centre to its edge; `min` or `max` where that would be beyond them, or
/// nowhere. @param kpc  physical;  @param field  edge length, arcsec
double filling_redshift(const Cosmology& cosmology, double kpc, double field, double min, double max);

/// The smallest field that reaches `radius` arcsec from its centre; the largest where none does. @param fields  edge lengths, arcsec
std::int64_t smallest_field(const std::vector<double>& fields, double radius);

} // namespace tessera::catalog
