#include "catalog/fill.hpp"

#include "tessera/cosmology/cosmology.hpp"

namespace tessera::catalog {

double filling_redshift(const Cosmology& cosmology, double kpc, double field, double min, double max) {
    // Of the near side only: beyond redshift 1.5 or so things look larger again.
    const auto reaches = [&](double redshift) { return kpc / cosmology.kpc_per_arcsec(redshift) >= 0.5 * field; };
    if (!reaches(min)) { return min; } // too small even there
    if (reaches(max)) { return max; }
    return redshift_between(min, max, reaches);
}

std::int64_t smallest_field(const std::vector<double>& fields, double radius) {
    std::int64_t best = -1, largest = 0;
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(fields.size()); ++i) {
        const double field = fields[static_cast<std::size_t>(i)];
        if (field > fields[static_cast<std::size_t>(largest)]) { largest = i; }
        const bool reaches = 0.5 * field >= radius;
        if (reaches && (best < 0 || field < fields[static_cast<std::size_t>(best)])) { best = i; }
    }
    return best >= 0 ? best : largest;
}

} // namespace tessera::catalog
