// The primary header of a FITS cube: who made it, from what, how.
#pragma once

#include <string>
#include <vector>

#include "output/cube_header.hpp"
#include "tessera/io/fits.hpp"
#include "tessera/output/cube_file.hpp"

namespace tessera {

/// Sets keywords of the HDU last begun.
void set_cards(io::FitsWriter& file, const std::vector<Card>& cards);

/// The keyword that holds an attribute of the provenance.
std::string fits_keyword(const std::string& attribute);

/// Object, maker, date, provenance, point-spread function.
void write_primary(io::FitsWriter& file, const CubeProduct& product);

} // namespace tessera
