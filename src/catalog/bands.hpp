#pragma once

#include <vector>

#include "tessera/catalog/options.hpp"
#include "tessera/output/bands.hpp"

namespace tessera::catalog {

/// The curves of catalog.bands, each name once. @throws Error(Kind::config)  as tessera::read_bands; two of one name
std::vector<Band> bands_of(const CatalogConfig& config);

} // namespace tessera::catalog
