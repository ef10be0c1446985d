#include <algorithm>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tessera/core/error.hpp"
#include "tessera/core/kept_memory.hpp"
#include "tessera/cube/cube.hpp"

namespace tessera {

namespace {

/// The system takes back whole pages between the end of an array and that of its memory. A smaller array to copy to would need both
/// for a while, which is what there may be no room for.
void give_back_tail(std::vector<float>& array) {
#if defined(__linux__)
    if (keeps_freed_memory()) { return; } // the next slab needs it again
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto end = reinterpret_cast<std::uintptr_t>(array.data() + array.capacity()) / page * page;
    const auto first = (reinterpret_cast<std::uintptr_t>(array.data() + array.size()) + page - 1) / page * page;
    if (first < end) { ::madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED); }
#else
    static_cast<void>(array);
#endif
}

} // namespace

void CubeSlab::keep_planes(WaveRange kept, std::int64_t first) {
    if (kept.count < 0 || (kept.count > 0 && (kept.first < range_.first || kept.end() > range_.end()))) {
        throw Error({.where = "keep_planes",
                     .found = fmt::format("planes {} to {}", kept.first, kept.end()),
                     .expected = fmt::format("planes between {} and {}", range_.first, range_.end()),
                     .cure = ""});
    }
    if (kept.count > 0 && kept.first > range_.first) {
        const auto begin = flux_.begin() + (kept.first - range_.first) * n_y_ * n_x_;
        std::copy(begin, begin + kept.count * n_y_ * n_x_, flux_.begin());
    }
    range_ = {first, kept.count};
    shrink_planes(n_y_, n_x_);
}

void CubeSlab::shrink_planes(std::int64_t n_y, std::int64_t n_x) {
    n_y_ = n_y;
    n_x_ = n_x;
    const auto n = static_cast<std::size_t>(range_.count * n_y * n_x);
    if (n == flux_.size()) { return; }
    flux_.resize(n);
    give_back_tail(flux_);
}

} // namespace tessera
