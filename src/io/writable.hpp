#pragma once

#include <string>

namespace tessera::io {

/// Makes the file, empty, to learn whether the path can be written: the libraries' own messages lack the system's reason.
/// @throws Error(Kind::resource)
void try_to_create(const std::string& path);

} // namespace tessera::io
