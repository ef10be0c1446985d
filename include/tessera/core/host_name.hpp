#pragma once

#include <string>

namespace tessera {

/// The name of this host, as its system gives it (255 bytes of it at most).
std::string host_name();

} // namespace tessera
