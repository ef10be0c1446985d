// A file that exists is complete: written under another name, brought to the disk, then renamed.
#pragma once

#include <functional>
#include <string>

#include "tessera/comm/communicator.hpp"

namespace tessera {

/// Calls `write(temporary path)` on every rank and, when all is well on all ranks, gives the file its name. On an error
/// rank 0 removes what was written and every rank throws. Collective; errors of `write` must be the same on every rank.
void write_aside(const std::string& path, Communicator& comm, const std::function<void(const std::string&)>& write);

} // namespace tessera
