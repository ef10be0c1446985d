#pragma once

#include <memory>

#include "tessera/scaling/study.hpp"

namespace tessera {

class Communicator;

/// Runs that exchange nothing, as many at once as ranks of the first node work: what is slower in them than in one run alone is cores,
/// memory and caches that these ranks share, and no program of so many ranks there can be expected to be faster.
class SideBySideRuns {
public:
    /// @param n_beside  ranks of the first node that work: the ranks of the lowest positions. Collective.
    SideBySideRuns(int n_beside, int position, Communicator& world);
    ~SideBySideRuns();
    SideBySideRuns(SideBySideRuns&&) noexcept;

    int n_beside() const { return n_beside_; }

    /// Whether so many runs at once have memory enough, and a GPU each where they use one. Collective.
    bool fit(const Config& config) const;

    /// One run alone, then all at once; each writes a cube beside `config.output.path`. Collective.
    /// @return  on rank 0: complete but for n_rank and repeat, which the caller knows
    SideBySide run(const Config& config) const;

private:
    Config own(const Config& config) const;

    int n_beside_, position_;
    bool works_; ///< whether this rank is one of them
    Communicator& world_;
    std::unique_ptr<Communicator> own_, all_; ///< this rank by itself; those that work
};

} // namespace tessera
