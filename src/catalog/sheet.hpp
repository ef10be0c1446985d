#pragma once

#include <string>

#include "tessera/catalog/manifest.hpp"

namespace tessera::catalog {

/// catalogue.png: pictures of the finished cubes by the mass of their stars (by the number of star particles where the catalogue has no
/// masses), a choice of them where there are many. One rank calls it. @return  its path; empty where no cube is done
/// @throws Error  a cube that cannot be read; a picture that cannot be written
std::string write_sheet(const std::string& folder, const Selection& selection, const Manifest& manifest);

} // namespace tessera::catalog
