#include "tessera/view/star_exchange.hpp"

#include <algorithm>

#include "tessera/comm/communicator.hpp"
#include "view/star_routes.hpp"

namespace tessera {

namespace {

/// One property after the other along the same routes.
class Journey {
public:
    Journey(const device::Host& where, const StarRoutes& routes, Communicator& comm)
        : where_(where), routes_(routes), comm_(comm) {}

    /// The values of all stars to where they go, in place.
    void travel(std::vector<float>& values) {
        agree(comm_, [&] {
            send_.resize(static_cast<std::size_t>(routes_.n_sent));
            received_.resize(static_cast<std::size_t>(routes_.n_received));
            device::for_each(where_, std::ssize(routes_.leaving), rows_at_once, [&](std::int64_t i) {
                const auto& [run, at] = routes_.leaving[static_cast<std::size_t>(i)];
                std::copy_n(values.begin() + run.first, run.count, send_.begin() + at);
            });
        });
        comm_.all_to_all(buffer(std::span<float>(send_)), routes_.send_counts, buffer(std::span<float>(received_)),
                         routes_.receive_counts);
        agree(comm_, [&] {
            together_.resize(static_cast<std::size_t>(routes_.start.back()));
            device::for_each(where_, std::ssize(routes_.own), rows_at_once,
                             [&](std::int64_t row) { join(row, values); });
            values.swap(together_); // which becomes the next one's place: new memory costs as much as the copying
        });
    }

private:
    static constexpr std::int64_t rows_at_once = 64;

    void join(std::int64_t row, const std::vector<float>& values) {
        const auto n_rank = static_cast<std::size_t>(comm_.size());
        std::int64_t to = routes_.start[static_cast<std::size_t>(routes_.own[static_cast<std::size_t>(row)])];
        for (std::size_t r = 0; r < n_rank; ++r) {
            const StarRun& run = routes_.arriving[static_cast<std::size_t>(row) * n_rank + r];
            const std::vector<float>& from = r == static_cast<std::size_t>(comm_.rank()) ? values : received_;
            std::copy_n(from.begin() + run.first, run.count, together_.begin() + to);
            to += run.count;
        }
    }

    device::Host where_;
    const StarRoutes& routes_;
    Communicator& comm_;
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

std::vector<std::int64_t> stars_in_spaxels(const std::vector<std::int64_t>& start, Communicator& comm) {
    std::vector<std::int64_t> count;
    agree(comm, [&] {
        for (std::size_t s = 0; s + 1 < start.size(); ++s) { count.push_back(start[s + 1] - start[s]); }
    });
    comm.all_reduce(count, Op::sum);
    return count;
}

SpaxelStars exchange_by_spaxel(const device::Host& where, Stars&& stars, std::span<const std::int32_t> spaxel,
                               const SpaxelOwners& owners, Communicator& comm) {
    // In order first: then what goes to a rank are long pieces, and what arrives only has to be strung together.
    SpaxelStars sky;
    agree(comm, [&] { sky = order_by_spaxel(where, std::move(stars), spaxel, owners.n_spaxel()); });
    const StarRoutes routes = star_routes(sky.start, owners, comm);
    Journey journey(where, routes, comm);
    for (std::vector<float>* values : {&sky.los_velocity, &sky.initial_mass, &sky.mass, &sky.metallicity, &sky.age}) {
        journey.travel(*values);
    }
    sky.start = routes.start;
    return sky;
}

} // namespace tessera
