#include "tessera/view/star_exchange.hpp"

#include <optional>

#include "tessera/comm/communicator.hpp"
#include "view/spaxel_order.hpp"

namespace tessera {

namespace {

/// The rank that each star goes to; -1: none. The stars of a shared spaxel go to its owners in equal parts; ranks begin with different
/// parts, so that those are equal also where each rank has a few stars only.
std::vector<std::int32_t> destinations(std::span<const std::int32_t> spaxel, const SpaxelOwners& owners, int rank) {
    std::vector<std::int64_t> n_shared(static_cast<std::size_t>(owners.n_shared()), 0);
    for (const std::int32_t s : spaxel) {
        const std::int64_t shared = s < 0 ? -1 : owners.shared_index(s);
        if (shared >= 0) { ++n_shared[static_cast<std::size_t>(shared)]; }
    }
    std::vector<std::int64_t> next(n_shared.size(), 0);
    std::vector<std::int32_t> out(spaxel.size());
    for (std::size_t i = 0; i < spaxel.size(); ++i) {
        if (spaxel[i] < 0) {
            out[i] = -1;
            continue;
        }
        const auto ranks = owners.of(spaxel[i]);
        const std::int64_t shared = owners.shared_index(spaxel[i]);
        std::int64_t part = 0;
        if (shared >= 0) {
            const auto n_part = std::ssize(ranks);
            const auto index = static_cast<std::size_t>(shared);
            part = ((2 * next[index]++ + 1) * n_part / (2 * n_shared[index]) + rank) % n_part;
        }
        out[i] = ranks[static_cast<std::size_t>(part)];
    }
    return out;
}

/// One exchange of values after the other, to the same ranks.
class Exchange {
public:
    Exchange(const device::Host& where, std::span<const std::int32_t> destination, Communicator& comm) : comm_(comm) {
        agree(comm, [&] {
            order_.emplace(where, destination, comm.size());
            for (std::size_t r = 0; r < static_cast<std::size_t>(comm.size()); ++r) {
                send_counts_.push_back(order_->start()[r + 1] - order_->start()[r]);
            }
            receive_counts_.resize(send_counts_.size());
        });
        const std::vector<std::int64_t> one(send_counts_.size(), 1);
        comm.all_to_all(buffer(std::span<std::int64_t>(send_counts_)), one,
                        buffer(std::span<std::int64_t>(receive_counts_)), one);
        for (const std::int64_t n : receive_counts_) { n_received_ += n; }
    }

    template <class T>
    std::vector<T> sent(std::span<const T> values) const {
        std::vector<T> send(static_cast<std::size_t>(order_->start().back()));
        order_->template copy<T, 1>({values.data()}, {send.data()});
        return send;
    }

    /// @param make  what `sent` gives; called where an error is agreed on
    template <class T, class Make>
    std::vector<T> received(const Make& make) const {
        std::vector<T> send, receive;
        agree(comm_, [&] {
            send = make();
            receive.resize(static_cast<std::size_t>(n_received_));
        });
        comm_.all_to_all(buffer(std::span<T>(send)), send_counts_, buffer(std::span<T>(receive)), receive_counts_);
        return receive;
    }

private:
    Communicator& comm_;
    std::optional<SpaxelOrder> order_;
    std::vector<std::int64_t> send_counts_, receive_counts_;
    std::int64_t n_received_ = 0;
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
    Stars own;
    std::vector<std::int32_t> own_spaxel;
    {
        std::vector<std::int32_t> destination;
        agree(comm, [&] { destination = destinations(spaxel, owners, comm.rank()); });
        const Exchange exchange(where, destination, comm);
        const auto travel = [&](std::vector<float>& values) {
            return exchange.received<float>([&] {
                std::vector<float> send = exchange.sent<float>(values);
                std::vector<float>().swap(values);
                return send;
            });
        };
        own.vz = travel(stars.vz);
        own.initial_mass = travel(stars.initial_mass);
        own.mass = travel(stars.mass);
        own.metallicity = travel(stars.metallicity);
        own.age = travel(stars.age);
        own_spaxel = exchange.received<std::int32_t>([&] { return exchange.sent<std::int32_t>(spaxel); });
    }
    SpaxelStars out;
    agree(comm, [&] { out = order_by_spaxel(where, std::move(own), own_spaxel, owners.n_spaxel()); });
    return out;
}

} // namespace tessera
