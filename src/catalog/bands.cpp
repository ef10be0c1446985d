#include "catalog/bands.hpp"

#include <set>

#include <fmt/format.h>

#include "tessera/core/error.hpp"

namespace tessera::catalog {

std::vector<Band> bands_of(const CatalogConfig& config) {
    std::vector<Band> out;
    std::set<std::string> names;
    for (const std::string& source : config.catalog.bands) {
        for (Band& band : tessera::read_bands(source == "tophat" ? source : config.cube.resolve(source))) {
            if (!names.insert(band.name).second) {
                throw Error({.kind = Kind::config,
                             .where = "catalog.bands",
                             .found = fmt::format("two bands '{}'", band.name),
                             .expected = "every name once: they are columns of a table"});
            }
            out.push_back(std::move(band));
        }
    }
    return out;
}

} // namespace tessera::catalog
