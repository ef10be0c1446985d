#include "tessera/view/star_exchange.hpp"

#include <algorithm>
#include <numeric>

#include "tessera/comm/communicator.hpp"

namespace tessera {

namespace {

/// Consecutive stars of one spaxel, and where they go.
struct Run {
    std::int64_t first, count;
};

/// The part of a shared spaxel's n stars that goes to owner `part` of `n_part`. Parts are equal to one star; ranks begin with different
/// owners, so that what these get in all is equal also where each rank has a few stars only.
Run part_of(std::int64_t n, std::int64_t part, std::int64_t n_part, int rank) {
    const std::int64_t turn = ((part - rank) % n_part + n_part) % n_part;
    // Star k is in turn (2 k + 1) n_part / (2 n), rounded down.
    const auto first_of = [&](std::int64_t t) { return (2 * n * t + n_part - 1) / n_part / 2; };
    return {first_of(turn), first_of(turn + 1) - first_of(turn)};
}

/// Which stars of a rank's go where, as runs of its own order by spaxel, and how they stand together at their owner.
class Routes {
public:
    /// @param start  [spaxel + 1] of this rank's stars
    Routes(const std::vector<std::int64_t>& start, const SpaxelOwners& owners, Communicator& comm) : comm_(comm) {
        const auto me = static_cast<std::size_t>(comm.rank()), n_rank = static_cast<std::size_t>(comm.size());
        std::vector<std::int64_t> counts, received, n_row, n_received(n_rank);
        agree(comm, [&] {
            spaxels_ = owners.by_rank(0, owners.n_spaxel());
            for (const auto& spaxels : spaxels_) {
                n_row.push_back(std::ssize(spaxels));
                const auto to = static_cast<std::int32_t>(n_row.size() - 1);
                for (const std::int64_t s : spaxels) { counts.push_back(send(start, owners, s, to)); }
            }
            std::fill(n_received.begin(), n_received.end(), n_row[me]);
            received.resize(n_rank * spaxels_[me].size());
        });
        comm.all_to_all(buffer(std::span<std::int64_t>(counts)), n_row, buffer(std::span<std::int64_t>(received)),
                        n_received);
        agree(comm, [&] { place(counts, received, n_row, owners.n_spaxel()); });
    }

    /// [spaxel + 1] of the stars that this rank has afterwards.
    const std::vector<std::int64_t>& start() const { return start_; }

    /// One property of all stars to where they go, in place.
    void travel(const device::Host& where, std::vector<float>& values) {
        agree(comm_, [&] {
            send_.resize(static_cast<std::size_t>(total(send_counts_)));
            received_.resize(static_cast<std::size_t>(total(receive_counts_)));
            device::for_each(where, std::ssize(leaving_), rows_at_once, [&](std::int64_t i) {
                const auto& [run, at] = leaving_[static_cast<std::size_t>(i)];
                std::copy_n(values.begin() + run.first, run.count, send_.begin() + at);
            });
        });
        comm_.all_to_all(buffer(std::span<float>(send_)), send_counts_, buffer(std::span<float>(received_)),
                         receive_counts_);
        agree(comm_, [&] {
            together_.resize(static_cast<std::size_t>(start_.back()));
            device::for_each(where, std::ssize(own()), rows_at_once, [&](std::int64_t row) { join(row, values); });
            values.swap(together_); // which becomes the next one's place: new memory costs as much as the copying
        });
    }

private:
    static constexpr std::int64_t rows_at_once = 64;

    /// Spaxels that this rank makes.
    const std::vector<std::int64_t>& own() const { return spaxels_[static_cast<std::size_t>(comm_.rank())]; }

    /// Strings the stars of an own spaxel together, in the order of the ranks that read them.
    void join(std::int64_t row, const std::vector<float>& values) {
        const std::size_t n_rank = send_counts_.size();
        std::int64_t to = start_[static_cast<std::size_t>(own()[static_cast<std::size_t>(row)])];
        for (std::size_t r = 0; r < n_rank; ++r) {
            const Run& run = arriving_[static_cast<std::size_t>(row) * n_rank + r];
            const std::vector<float>& from = r == static_cast<std::size_t>(comm_.rank()) ? values : received_;
            std::copy_n(from.begin() + run.first, run.count, together_.begin() + to);
            to += run.count;
        }
    }

    static std::int64_t total(const std::vector<std::int64_t>& counts) {
        return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    }

    /// @return  how many stars of a spaxel go to one of its owners
    std::int64_t send(const std::vector<std::int64_t>& start, const SpaxelOwners& owners, std::int64_t spaxel,
                      std::int32_t to) {
        const auto s = static_cast<std::size_t>(spaxel);
        const auto ranks = owners.of(spaxel);
        const std::int64_t part = std::find(ranks.begin(), ranks.end(), to) - ranks.begin();
        const Run run = part_of(start[s + 1] - start[s], part, std::ssize(ranks), comm_.rank());
        if (to == comm_.rank()) {
            staying_.push_back({start[s] + run.first, run.count});
        } else {
            leaving_.push_back({{start[s] + run.first, run.count}, n_leaving_});
            n_leaving_ += run.count;
        }
        return run.count;
    }

    /// @param counts    [rank][its spaxel] that leave; @param received  [rank][own spaxel] that arrive
    void place(const std::vector<std::int64_t>& counts, const std::vector<std::int64_t>& received,
               const std::vector<std::int64_t>& n_row, std::int64_t n_spaxel) {
        const auto me = static_cast<std::size_t>(comm_.rank()), n_rank = n_row.size();
        const std::size_t n_own = spaxels_[me].size();
        auto count = counts.begin();
        for (std::size_t r = 0; r < n_rank; ++r) {
            send_counts_.push_back(r == me ? 0 : std::accumulate(count, count + n_row[r], std::int64_t{0}));
            count += n_row[r];
        }
        arriving_.resize(n_own * n_rank);
        std::vector<std::int64_t> of_spaxel(static_cast<std::size_t>(n_spaxel));
        std::int64_t at = 0;
        for (std::size_t r = 0; r < n_rank; ++r) {
            const std::int64_t before = at;
            for (std::size_t row = 0; row < n_own; ++row) {
                const std::int64_t n = received[r * n_own + row];
                of_spaxel[static_cast<std::size_t>(spaxels_[me][row])] += n;
                arriving_[row * n_rank + r] = r == me ? staying_[row] : Run{at, n};
                if (r != me) { at += n; }
            }
            receive_counts_.push_back(at - before);
        }
        start_.assign(1, 0);
        for (const std::int64_t n : of_spaxel) { start_.push_back(start_.back() + n); }
    }

    struct Leaving {
        Run run;
        std::int64_t at; ///< in what is sent
    };

    Communicator& comm_;
    std::vector<std::vector<std::int64_t>> spaxels_; ///< [rank]
    std::vector<Leaving> leaving_;                   ///< by rank, then by spaxel
    std::int64_t n_leaving_ = 0;
    std::vector<Run> staying_;  ///< [own spaxel]
    std::vector<Run> arriving_; ///< [own spaxel][rank] of what is received; this rank's of what it had
    std::vector<std::int64_t> send_counts_, receive_counts_, start_;
    std::vector<float> send_, received_, together_;
};

} // namespace

std::vector<std::int64_t> stars_in_spaxels(std::span<const std::int32_t> spaxel, std::int64_t n_spaxel,
                                           Communicator& comm) {
    std::vector<std::int64_t> count;
    agree(comm, [&] { count.assign(static_cast<std::size_t>(n_spaxel), 0); });
    for (const std::int32_t s : spaxel) {
        if (s >= 0) { ++count[static_cast<std::size_t>(s)]; }
    }
    comm.all_reduce(count, Op::sum);
    return count;
}

SpaxelStars exchange_by_spaxel(const device::Host& where, Stars&& stars, std::span<const std::int32_t> spaxel,
                               const SpaxelOwners& owners, Communicator& comm) {
    // In order first: then what goes to a rank are long pieces, and what arrives only has to be strung together.
    SpaxelStars sky;
    agree(comm, [&] { sky = order_by_spaxel(where, std::move(stars), spaxel, owners.n_spaxel()); });
    Routes routes(sky.start, owners, comm);
    for (std::vector<float>* values : {&sky.los_velocity, &sky.initial_mass, &sky.mass, &sky.metallicity, &sky.age}) {
        routes.travel(where, *values);
    }
    sky.start = routes.start();
    return sky;
}

} // namespace tessera
