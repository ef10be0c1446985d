// What exists is complete: written under another name, brought to the disk, then renamed.
#pragma once

#include <functional>
#include <string>

namespace tessera {
class Communicator;
}

namespace tessera::io {

enum class Aside { file, folder };

/// Fails early, before hours of work, where `path` could not be written: no such folder, no right to write, something of another
/// kind under that name. Collective. @throws Error(Kind::resource)
void check_output_path(const std::string& path, Communicator& comm, Aside what = Aside::file);

/// Calls `write(temporary path)` on every rank, .NAME.partial beside the target, and when all is well on all ranks gives what it
/// made its name; a folder of that name is replaced. On an error rank 0 removes what was written and every rank throws.
/// Collective; errors of `write` must be the same on every rank.
void write_aside(const std::string& path, Communicator& comm, const std::function<void(const std::string&)>& write,
                 Aside what = Aside::file);

} // namespace tessera::io
