#pragma once

namespace tessera {

/// From now on large arrays that are freed stay with the process, up to 1 GiB of them, and serve those that follow: for work that allocates
/// the same sizes again and again, where the system would clear every page each time. Without effect but with glibc.
void keep_freed_memory();

/// Whether it does so: then the unused end of an array is not worth giving back either.
bool keeps_freed_memory();

} // namespace tessera
