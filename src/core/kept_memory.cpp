#include "tessera/core/kept_memory.hpp"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace tessera {

void keep_freed_memory() {
#if defined(__GLIBC__)
    constexpr int most = 1 << 30;
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, most);
#endif
}

} // namespace tessera
