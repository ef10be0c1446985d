#pragma once

#include <string>

namespace tessera {

/// Writes a text file aside and gives it its name when it is complete; one rank calls it. @throws Error(Kind::resource)
void write_text(const std::string& path, const std::string& content);

} // namespace tessera
