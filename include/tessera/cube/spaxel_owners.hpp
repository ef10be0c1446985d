#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace tessera {

/// Which ranks make which spaxels of the (padded) field, where each spaxel is made by its owner alone. The same on every rank. A spaxel too
/// heavy for one rank is shared: each of its owners takes a part of its stars, and the parts are added afterwards.
class SpaxelOwners {
public:
    static constexpr std::int32_t nobody = -1; ///< of spaxels without stars

    SpaxelOwners() = default;
    SpaxelOwners(std::int64_t n_spaxel, int n_rank)
        : n_rank_(n_rank), owner_(static_cast<std::size_t>(n_spaxel), nobody) {}

    int n_rank() const { return n_rank_; }
    std::int64_t n_spaxel() const { return static_cast<std::int64_t>(owner_.size()); }
    std::int64_t n_shared() const { return static_cast<std::int64_t>(shared_.size()); }

    /// Ranks that make a spaxel, ascending; empty: nobody does.
    std::span<const std::int32_t> of(std::int64_t spaxel) const {
        const std::int32_t& owner = owner_[static_cast<std::size_t>(spaxel)];
        if (owner == nobody) { return {}; }
        if (owner > nobody) { return {&owner, 1}; }
        return shared_[static_cast<std::size_t>(nobody - 1 - owner)];
    }
    /// Spaxels [first, end) of each rank, ascending.
    std::vector<std::vector<std::int64_t>> by_rank(std::int64_t first, std::int64_t end) const;
    /// All spaxels of a rank, ascending.
    std::vector<std::int64_t> of_rank(int rank) const;

    /// @param ranks  one or more, all different
    void set(std::int64_t spaxel, std::vector<std::int32_t> ranks);

private:
    int n_rank_ = 1;
    std::vector<std::int32_t> owner_;               ///< [spaxel] rank; -1 nobody; -2, -3 …: shared_[0], shared_[1] …
    std::vector<std::vector<std::int32_t>> shared_; ///< ranks, ascending
};

/// Owners, and what they will have to do by the estimate.
struct OwnerChoice {
    SpaxelOwners owners;
    double mean_work = 0;    ///< over the ranks
    double largest_work = 0; ///< of a rank
};

/// Chooses owners so that the work of the ranks is about equal: the heaviest spaxel first, each to the rank that has least to do. Only
/// spaxels heavier than a rank's mean are shared, or lighter ones where that is not enough. No rank owns more than its share of the
/// field (rounded up, shared spaxels counted once for every owner), so that its part of the cube is 1/P of it.
/// @param n_star  [spaxel] stars of all ranks
/// @param work    of a spaxel with that many stars, in any unit: grows with their number, perhaps more slowly
/// @par Cost  n log n for n lit spaxels, at most four times
OwnerChoice choose_owners(std::span<const std::int64_t> n_star, int n_rank, const std::function<double(double)>& work);

} // namespace tessera
