#pragma once

#include <string>

namespace tessera::io {

/// Writes a text file aside and gives it its name when it is complete (write_aside.hpp); one rank calls it.
/// @throws Error(Kind::resource)  unwritable, full disk
void write_text(const std::string& path, const std::string& content);

} // namespace tessera::io
