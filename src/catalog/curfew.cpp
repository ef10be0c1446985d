#include "catalog/curfew.hpp"

#include <algorithm>
#include <limits>

#include "tessera/core/seconds_since.hpp"
#include "tessera/core/termination.hpp"

namespace tessera::catalog {

namespace {

constexpr std::size_t n_remembered = 16;
constexpr double margin = 1.2; ///< a galaxy with fewer stars may still be slower: other velocities, a busy disk

/// Of the time, for manifest and tables.
double reserve(double seconds) { return std::min(10.0, 0.05 * seconds); }

} // namespace

void Curfew::learn(double seconds) {
    last_.push_back(seconds);
    if (last_.size() > n_remembered) { last_.pop_front(); }
}

std::int64_t Curfew::most() const {
    if (StopRequests::asked()) { return 0; }
    constexpr auto any = std::numeric_limits<std::int64_t>::max();
    if (!seconds_) { return any; }
    const double longest = last_.empty() ? 0 : *std::max_element(last_.begin(), last_.end());
    const double left = *seconds_ - reserve(*seconds_) - seconds_since(start_);
    if (left < margin * longest || left < 0) { return 0; }
    const double cubes = left / std::max(margin * longest, 1e-6);
    return cubes < 1e9 && longest > 0 ? static_cast<std::int64_t>(cubes) : any;
}

} // namespace tessera::catalog
