#include "synthesis/weight_exchange.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <span>
#include <utility>

#include "synthesis/key_union.hpp"
#include "tessera/comm/communicator.hpp"

namespace tessera {

namespace {

/// A weight on its way: the key above, the bits of the number below. One message for both.
std::int64_t packed(std::uint32_t key, float weight) {
    return static_cast<std::int64_t>(std::uint64_t{key} << 32U | std::bit_cast<std::uint32_t>(weight));
}
std::uint32_t key_of(std::int64_t entry) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(entry) >> 32U);
}
float weight_of(std::int64_t entry) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(static_cast<std::uint64_t>(entry)));
}

using Entries = std::vector<std::int64_t>;

/// Lists one after the other.
struct Lists {
    std::vector<std::int64_t> length;
    Entries entries;

    std::vector<std::int64_t> starts() const {
        std::vector<std::int64_t> out(length.size() + 1, 0);
        std::partial_sum(length.begin(), length.end(), out.begin() + 1);
        return out;
    }
};

/// Which lists are whose: list i is summed by rank i mod P, so that heavy neighbours are dealt out.
struct Deal {
    std::int64_t n_list;
    int n_rank;

    std::int64_t count(int rank) const { return (n_list - rank + n_rank - 1) / n_rank; }
    std::vector<std::int64_t> counts() const {
        std::vector<std::int64_t> out;
        for (int rank = 0; rank < n_rank; ++rank) { out.push_back(count(rank)); }
        return out;
    }
    /// Lists in the order of their ranks.
    std::vector<std::int64_t> order() const {
        std::vector<std::int64_t> out;
        for (int rank = 0; rank < n_rank; ++rank) {
            for (std::int64_t i = rank; i < n_list; i += n_rank) { out.push_back(i); }
        }
        return out;
    }
};

/// Sums of consecutive groups of lengths.
std::vector<std::int64_t> sums_of(const std::vector<std::int64_t>& length, const std::vector<std::int64_t>& group) {
    std::vector<std::int64_t> out;
    auto at = length.begin();
    for (const std::int64_t n : group) {
        out.push_back(std::accumulate(at, at + n, std::int64_t{0}));
        at += n;
    }
    return out;
}

Lists packed(const std::vector<RowList>& own, const Deal& deal, const device::Host& where) {
    const std::vector<std::int64_t> order = deal.order();
    Lists out;
    for (const std::int64_t i : order) { out.length.push_back(own[static_cast<std::size_t>(i)].size()); }
    const std::vector<std::int64_t> start = out.starts();
    out.entries.resize(static_cast<std::size_t>(start.back()));
    device::for_each(where, std::ssize(order), 4, [&](std::int64_t k) {
        const RowList& list = own[static_cast<std::size_t>(order[static_cast<std::size_t>(k)])];
        std::int64_t* to = out.entries.data() + start[static_cast<std::size_t>(k)];
        for (std::size_t j = 0; j < list.key.size(); ++j) { to[j] = packed(list.key[j], list.weight[j]); }
    });
    return out;
}

/// One spaxel's lists of several ranks added up, in double.
struct Sum {
    std::vector<std::span<const std::int64_t>> lists;
    KeyUnion keys;
    std::vector<double> weight;

    Entries total() {
        std::erase_if(lists, [](const auto& list) { return list.empty(); });
        Entries out;
        if (lists.empty()) { return out; }
        std::uint32_t least = ~0U, most = 0;
        for (const auto& list : lists) {
            least = std::min(least, key_of(list.front()));
            most = std::max(most, key_of(list.back()));
        }
        keys.begin(least, most);
        for (const auto& list : lists) {
            for (const std::int64_t entry : list) { keys.add(key_of(entry)); }
        }
        weight.assign(keys.close(), 0.0);
        for (const auto& list : lists) {
            for (const std::int64_t entry : list) {
                weight[keys.place(key_of(entry))] += static_cast<double>(weight_of(entry));
            }
        }
        out.reserve(weight.size());
        keys.each([&](std::uint32_t key) { out.push_back(packed(key, static_cast<float>(weight[out.size()]))); });
        return out;
    }
};

/// Lists k of all ranks summed. @param received  rank after rank the lists that this one sums
Lists summed(const Lists& received, std::int64_t n_list, int n_rank, const device::Host& where) {
    const std::vector<std::int64_t> start = received.starts();
    std::vector<Entries> sums(static_cast<std::size_t>(n_list));
    device::for_each(where, n_list, 1, [&](std::int64_t k) {
        thread_local Sum sum;
        sum.lists.clear();
        for (int rank = 0; rank < n_rank; ++rank) {
            const auto at = static_cast<std::size_t>(rank * n_list + k);
            sum.lists.emplace_back(received.entries.data() + start[at], received.entries.data() + start[at + 1]);
        }
        sums[static_cast<std::size_t>(k)] = sum.total();
    });
    Lists out;
    for (const Entries& sum : sums) {
        out.length.push_back(std::ssize(sum));
        out.entries.insert(out.entries.end(), sum.begin(), sum.end());
    }
    return out;
}

} // namespace

std::vector<RowList> sum_over_ranks(std::vector<RowList>&& own, const device::Host& where, Communicator& comm) {
    if (comm.size() == 1) { return std::move(own); }
    const Deal deal{std::ssize(own), comm.size()};
    const std::vector<std::int64_t> dealt = deal.counts();
    const std::int64_t n_mine = deal.count(comm.rank());

    Lists sent, received;
    agree(comm, [&] {
        sent = packed(own, deal, where);
        received.length.resize(static_cast<std::size_t>(n_mine * comm.size()));
    });
    const std::vector<std::int64_t> mine_of_all(dealt.size(), n_mine);
    comm.all_to_all(buffer(std::span<std::int64_t>(sent.length)), dealt,
                    buffer(std::span<std::int64_t>(received.length)), mine_of_all);
    const std::vector<std::int64_t> leaving = sums_of(sent.length, dealt),
                                    arriving = sums_of(received.length, mine_of_all);
    agree(comm,
          [&] { received.entries.resize(static_cast<std::size_t>(std::reduce(arriving.begin(), arriving.end()))); });
    comm.all_to_all(buffer(std::span<std::int64_t>(sent.entries)), leaving,
                    buffer(std::span<std::int64_t>(received.entries)), arriving);

    Lists mine, all;
    agree(comm, [&] {
        Entries().swap(sent.entries);
        mine = summed(received, n_mine, comm.size(), where);
        Entries().swap(received.entries);
        all.length.resize(own.size());
    });
    comm.all_gather(buffer(std::span<std::int64_t>(mine.length)), buffer(std::span<std::int64_t>(all.length)), dealt);
    const std::vector<std::int64_t> gathered = sums_of(all.length, dealt);
    agree(comm, [&] { all.entries.resize(static_cast<std::size_t>(std::reduce(gathered.begin(), gathered.end()))); });
    comm.all_gather(buffer(std::span<std::int64_t>(mine.entries)), buffer(std::span<std::int64_t>(all.entries)),
                    gathered);
    agree(comm, [&] {
        const std::vector<std::int64_t> order = deal.order(), start = all.starts();
        device::for_each(where, std::ssize(order), 4, [&](std::int64_t k) {
            RowList& list = own[static_cast<std::size_t>(order[static_cast<std::size_t>(k)])];
            const auto n = static_cast<std::size_t>(all.length[static_cast<std::size_t>(k)]);
            const std::int64_t* from = all.entries.data() + start[static_cast<std::size_t>(k)];
            list.key.resize(n);
            list.weight.resize(n);
            for (std::size_t j = 0; j < n; ++j) {
                list.key[j] = key_of(from[j]);
                list.weight[j] = weight_of(from[j]);
            }
        });
    });
    return std::move(own);
}

} // namespace tessera
