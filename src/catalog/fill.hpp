#pragma once

#include <cstdint>
#include <vector>

namespace tessera {
class Cosmology;
}

namespace tessera::catalog {

/// The redshift, to 1e-12, up to which `before(redshift)` holds: it does at `low` and does not at `high`.
template <class Before>
double redshift_between(double low, double high, const Before& before) {
    while (high - low > 1e-12 * high) {
        const double middle = 0.5 * (low + high);
        if (!(low < middle && middle < high)) { break; }
        (before(middle) ? low : high) = middle;
    }
    return 0.5 * (low + high);
}

/// The redshift at which a length reaches from the field's centre to its edge; `min` or `max` where that would be beyond them, or
/// nowhere. @param kpc  physical;  @param field  edge length, arcsec
double filling_redshift(const Cosmology& cosmology, double kpc, double field, double min, double max);

/// The smallest field that reaches `radius` arcsec from its centre; the largest where none does. @param fields  edge lengths, arcsec
std::int64_t smallest_field(const std::vector<double>& fields, double radius);

} // namespace tessera::catalog
