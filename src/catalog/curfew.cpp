#include "catalog/curfew.hpp"

#include <algorithm>

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

bool Curfew::has_come() const {
    if (StopRequests::asked()) { return true; }
    if (!seconds_) { return false; }
    const double longest = last_.empty() ? 0 : *std::max_element(last_.begin(), last_.end());
    const double passed = std::chrono::duration<double>(Clock::now() - start_).count();
    return passed + margin * longest + reserve(*seconds_) > *seconds_;
}

} // namespace tessera::catalog
