#include "view/star_routes.hpp"

#include <algorithm>
#include <numeric>

#include "tessera/comm/communicator.hpp"

namespace tessera {

namespace {

/// The part of a shared spaxel's n stars that goes to owner `part` of `n_part`. Parts are equal to one star; ranks begin with different
/// owners, so that what these get in all is equal also where each rank has a few stars only.
StarRun part_of(std::int64_t n, std::int64_t part, std::int64_t n_part, int rank) {
    const std::int64_t turn = ((part - rank) % n_part + n_part) % n_part;
    // Star k is in turn (2 k + 1) n_part / (2 n), rounded down.
    const auto first_of = [&](std::int64_t t) { return (2 * n * t + n_part - 1) / n_part / 2; };
    return {first_of(turn), first_of(turn + 1) - first_of(turn)};
}

/// Stars of a spaxel that rank `me` sends to the owner `to`.
StarRun run_to(const std::vector<std::int64_t>& start, const SpaxelOwners& owners, std::int64_t spaxel, int to,
               int me) {
    const auto s = static_cast<std::size_t>(spaxel);
    const auto ranks = owners.of(spaxel);
    const std::int64_t part = std::find(ranks.begin(), ranks.end(), to) - ranks.begin();
    const StarRun run = part_of(start[s + 1] - start[s], part, std::ssize(ranks), me);
    return {start[s] + run.first, run.count};
}

} // namespace

StarRoutes star_routes(const std::vector<std::int64_t>& start, const SpaxelOwners& owners, Communicator& comm) {
    const auto me = static_cast<std::size_t>(comm.rank()), n_rank = static_cast<std::size_t>(comm.size());
    StarRoutes routes;
    std::vector<std::vector<std::int64_t>> spaxels; // [rank]
    std::vector<StarRun> staying;                   // [own spaxel]
    std::vector<std::int64_t> counts, arriving, n_row, n_own;
    agree(comm, [&] {
        spaxels = owners.by_rank(0, owners.n_spaxel());
        for (std::size_t r = 0; r < n_rank; ++r) {
            const std::int64_t before = routes.n_sent;
            for (const std::int64_t s : spaxels[r]) {
                const StarRun run = run_to(start, owners, s, static_cast<int>(r), comm.rank());
                counts.push_back(run.count);
                if (r == me) {
                    staying.push_back(run);
                } else {
                    routes.leaving.push_back({run, routes.n_sent});
                    routes.n_sent += run.count;
                }
            }
            n_row.push_back(std::ssize(spaxels[r]));
            routes.send_counts.push_back(routes.n_sent - before);
        }
        n_own.assign(n_rank, n_row[me]);
        arriving.resize(n_rank * spaxels[me].size());
    });
    comm.all_to_all(buffer(std::span<std::int64_t>(counts)), n_row, buffer(std::span<std::int64_t>(arriving)), n_own);
    agree(comm, [&] {
        routes.own = std::move(spaxels[me]);
        const std::size_t n = routes.own.size();
        routes.arriving.resize(n * n_rank);
        std::vector<std::int64_t> of_spaxel(static_cast<std::size_t>(owners.n_spaxel()));
        for (std::size_t r = 0; r < n_rank; ++r) {
            const std::int64_t before = routes.n_received;
            for (std::size_t row = 0; row < n; ++row) {
                const std::int64_t count = arriving[r * n + row];
                of_spaxel[static_cast<std::size_t>(routes.own[row])] += count;
                routes.arriving[row * n_rank + r] = r == me ? staying[row] : StarRun{routes.n_received, count};
                if (r != me) { routes.n_received += count; }
            }
            routes.receive_counts.push_back(routes.n_received - before);
        }
        routes.start.assign(1, 0);
        for (const std::int64_t count : of_spaxel) { routes.start.push_back(routes.start.back() + count); }
    });
    return routes;
}

} // namespace tessera
