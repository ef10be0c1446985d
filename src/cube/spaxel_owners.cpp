#include "tessera/cube/spaxel_owners.hpp"

#include <algorithm>
#include <cmath>
#include <queue>

namespace tessera {

std::vector<std::vector<std::int64_t>> SpaxelOwners::by_rank(std::int64_t first, std::int64_t end) const {
    std::vector<std::vector<std::int64_t>> out(static_cast<std::size_t>(n_rank_));
    for (std::int64_t spaxel = first; spaxel < end; ++spaxel) {
        for (const std::int32_t rank : of(spaxel)) { out[static_cast<std::size_t>(rank)].push_back(spaxel); }
    }
    return out;
}

std::vector<std::int64_t> SpaxelOwners::of_rank(int rank) const {
    std::vector<std::int64_t> out;
    for (std::int64_t spaxel = 0; spaxel < n_spaxel(); ++spaxel) {
        const auto ranks = of(spaxel);
        if (std::find(ranks.begin(), ranks.end(), rank) != ranks.end()) { out.push_back(spaxel); }
    }
    return out;
}

void SpaxelOwners::set(std::int64_t spaxel, std::vector<std::int32_t> ranks) {
    std::int32_t& owner = owner_[static_cast<std::size_t>(spaxel)];
    if (ranks.size() == 1) {
        owner = ranks.front();
        return;
    }
    std::sort(ranks.begin(), ranks.end());
    owner = nobody - 1 - static_cast<std::int32_t>(shared_.size());
    shared_.push_back(std::move(ranks));
}

namespace {

struct Load {
    double work;
    std::int64_t n_row;
    std::int32_t rank;
};

/// The least work first; of equal ones the lowest rank.
struct Later {
    bool operator()(const Load& a, const Load& b) const { return a.work != b.work ? a.work > b.work : a.rank > b.rank; }
};

struct Item {
    std::int64_t spaxel;
    std::int64_t n_star;
    std::int64_t n_part;
    double work; ///< of a part
};

/// Parts that a spaxel must be in for each to be within the limit, or nearly as light as parts can be.
void cut(Item& item, double limit, int n_rank, const std::function<double(double)>& work) {
    const auto of_parts = [&](std::int64_t n) {
        return work(static_cast<double>(item.n_star) / static_cast<double>(n));
    };
    std::int64_t most = std::min<std::int64_t>(n_rank, item.n_star);
    const double reachable = std::max(limit, 1.1 * of_parts(most));
    std::int64_t fewest = 1;
    while (fewest < most) {
        const std::int64_t middle = fewest + (most - fewest) / 2;
        if (of_parts(middle) <= reachable) {
            most = middle;
        } else {
            fewest = middle + 1;
        }
    }
    item.n_part = fewest;
    item.work = of_parts(fewest);
}

/// The heaviest first, to the ranks with least to do.
OwnerChoice deal_out(const std::vector<Item>& items, std::int64_t n_spaxel, int n_rank) {
    std::int64_t n_more = 0; // rows beyond one a spaxel
    for (const Item& item : items) { n_more += item.n_part - 1; }
    const std::int64_t most_rows = (n_spaxel + n_more + n_rank - 1) / n_rank;
    std::priority_queue<Load, std::vector<Load>, Later> ranks;
    for (std::int32_t rank = 0; rank < n_rank; ++rank) { ranks.push({0, 0, rank}); }
    OwnerChoice out{.owners = SpaxelOwners(n_spaxel, n_rank)};
    const auto give = [&](const Item& item, bool has_room) {
        std::vector<std::int32_t> owners;
        std::vector<Load> taken;
        for (std::int64_t part = 0; part < item.n_part; ++part) {
            Load load = ranks.top();
            ranks.pop();
            load.work += item.work;
            ++load.n_row;
            out.largest_work = std::max(out.largest_work, load.work);
            out.mean_work += item.work / n_rank;
            owners.push_back(load.rank);
            taken.push_back(load);
        }
        for (const Load& load : taken) {
            if (has_room || load.n_row < most_rows) { ranks.push(load); }
        }
        out.owners.set(item.spaxel, std::move(owners));
    };
    // Parts need different ranks, so they come while all are there; what has its rows by then gets no more.
    for (const Item& item : items) {
        if (item.n_part > 1) { give(item, true); }
    }
    std::vector<Load> with_room;
    for (; !ranks.empty(); ranks.pop()) {
        if (ranks.top().n_row < most_rows) { with_room.push_back(ranks.top()); }
    }
    for (const Load& load : with_room) { ranks.push(load); }
    for (const Item& item : items) {
        if (item.n_part == 1) { give(item, false); }
    }
    return out;
}

} // namespace

OwnerChoice choose_owners(std::span<const std::int64_t> n_star, int n_rank, const std::function<double(double)>& work) {
    std::vector<Item> whole;
    double total = 0;
    for (std::size_t s = 0; s < n_star.size(); ++s) {
        if (n_star[s] == 0) { continue; }
        whole.push_back({static_cast<std::int64_t>(s), n_star[s], 1, work(static_cast<double>(n_star[s]))});
        total += whole.back().work;
    }
    std::stable_sort(whole.begin(), whole.end(), [](const Item& a, const Item& b) { return a.n_star > b.n_star; });
    const double mean = total / n_rank;
    constexpr double even = 1.02; // nothing is gained by sharing more
    OwnerChoice best;
    for (const double share : {1.0, 0.5, 0.25, 0.125}) {
        std::vector<Item> items = whole;
        for (Item& item : items) {
            if (item.work <= share * mean) { break; } // as all that follow
            cut(item, share * mean, n_rank, work);
        }
        std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.work > b.work; });
        OwnerChoice made = deal_out(items, static_cast<std::int64_t>(n_star.size()), n_rank);
        if (share == 1.0 || made.largest_work < best.largest_work) { best = std::move(made); }
        if (n_rank == 1 || best.largest_work <= even * mean) { break; }
    }
    return best;
}

} // namespace tessera
