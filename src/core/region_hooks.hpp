#pragma once

namespace tessera {

/// Told of every Region as it begins and ends, so that a profiler shows the names of our regions. Set once the library that knows
/// the profiler is loaded; regions that were open by then are not told of their end.
struct RegionHooks {
    void (*begin)(const char* name) = nullptr;
    void (*end)() = nullptr;
};
void set_region_hooks(const RegionHooks& hooks);

} // namespace tessera
