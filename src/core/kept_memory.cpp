#include "tessera/core/kept_memory.hpp"

#include <atomic>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace tessera {

namespace {

std::atomic<bool> keeps = false;

} // namespace

void keep_freed_memory() {
#if defined(__GLIBC__)
    constexpr int most = 1 << 30;
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, most);
    keeps = true;
#endif
}

bool keeps_freed_memory() { return keeps; }

} // namespace tessera
