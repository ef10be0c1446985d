#include <algorithm>
#include <cstdlib>

#include <omp.h>

#include "tessera/device/device.hpp"

namespace tessera::device {

int threads_for(int asked, int ranks_on_node) {
    if (asked > 0) { return asked; }
    if (const char* set = std::getenv("OMP_NUM_THREADS"); set != nullptr && std::atoi(set) > 0) {
        return std::atoi(set);
    }
    return std::max(1, omp_get_num_procs() / std::max(1, ranks_on_node));
}

void run_blocks(const Host& where, std::int64_t n, const std::function<void(std::int64_t)>& block) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(where.threads) if (where.threads > 1)
    for (std::int64_t i = 0; i < n; ++i) { block(i); }
}

} // namespace tessera::device
