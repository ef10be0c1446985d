#include "comm/staging.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "comm/pairwise.hpp"
#include "tessera/device/accelerator.hpp"

namespace tessera {

namespace {

/// Pinned memory for `count` elements of a type.
class Stage {
public:
    Stage(device::Queue& queue, ElementType type, std::int64_t count)
        : memory_(queue.accelerator(), count * size_of(type)), type_(type) {}
    Buffer first(std::int64_t count) { return {memory_.data(), count, type_}; }

private:
    device::Pinned<char> memory_;
    ElementType type_;
};

void fetch(device::Queue& queue, const Buffer& from, const Buffer& host) {
    if (host.count > 0) { queue.copy_out(host.data, from.data, host.bytes()); }
}

void give(device::Queue& queue, const Buffer& host, const Buffer& to) {
    if (host.count > 0) { queue.copy_in(to.data, host.data, host.bytes()); }
}

std::int64_t piece_of(ElementType type) { return staging_bytes / size_of(type); }

} // namespace

// Two stages take turns. All copies are on one queue, so one that comes down into a stage does so after what the stage held has gone up.
void through_host(const Buffer& data, Way way, const std::function<void(Buffer)>& work) {
    device::Queue& queue = *data.queue;
    const std::int64_t piece = std::min(piece_of(data.type), data.count);
    std::array<Stage, 2> stage{Stage(queue, data.type, piece), Stage(queue, data.type, data.count > piece ? piece : 0)};
    std::array<device::MarkPointer, 2> ready;
    const auto count_from = [&](std::int64_t first) { return std::min(piece, data.count - first); };
    const auto come_down = [&](std::int64_t first, std::size_t at) {
        if (way != Way::up) {
            fetch(queue, part_of(data, first, count_from(first)), stage[at].first(count_from(first)));
        }
        ready[at] = queue.mark(); // also: what the stage held before has gone up
    };
    if (data.count > 0) { come_down(0, 0); }
    std::size_t at = 0;
    for (std::int64_t first = 0; first < data.count; first += piece, at = 1 - at) {
        if (first + piece < data.count) { come_down(first + piece, 1 - at); }
        const Buffer host = stage[at].first(count_from(first));
        queue.host_wait(ready[at]);
        work(host);
        if (way != Way::down) { give(queue, host, part_of(data, first, host.count)); }
    }
    queue.finish();
}

void reduce_scatter_through_host(const Buffer& send, const Buffer& receive, std::span<const std::int64_t> counts,
                                 const std::function<void(Buffer, Buffer, std::span<const std::int64_t>)>& work) {
    device::Queue& queue = *send.queue;
    // In a round every rank receives the next `piece` elements of its own, or what is left of them.
    const auto n_rank = static_cast<std::int64_t>(counts.size());
    const std::int64_t longest = *std::max_element(counts.begin(), counts.end());
    const std::int64_t piece =
        std::clamp<std::int64_t>(piece_of(send.type) / n_rank, 1, std::max<std::int64_t>(1, longest));
    struct Round {
        Stage send, receive;
        std::vector<std::int64_t> counts;
        device::MarkPointer ready;
    };
    const auto round_of = [&] {
        return Round{Stage(queue, send.type, piece * n_rank), Stage(queue, send.type, piece), {}, nullptr};
    };
    std::array<Round, 2> rounds{round_of(), round_of()};
    const auto come_down = [&](std::int64_t done, Round& round) {
        round.counts.clear();
        std::int64_t first = 0, staged = 0;
        for (const std::int64_t count : counts) {
            const std::int64_t n = std::clamp<std::int64_t>(count - done, 0, piece);
            fetch(queue, part_of(send, first + std::min(done, count), n),
                  part_of(round.send.first(piece * n_rank), staged, n));
            round.counts.push_back(n);
            first += count;
            staged += n;
        }
        round.ready = queue.mark();
    };
    if (longest > 0) { come_down(0, rounds[0]); }
    std::size_t at = 0;
    for (std::int64_t done = 0; done < longest; done += piece, at = 1 - at) {
        if (done + piece < longest) { come_down(done + piece, rounds[1 - at]); }
        Round& round = rounds[at];
        queue.host_wait(round.ready);
        std::int64_t staged = 0;
        for (const std::int64_t n : round.counts) { staged += n; }
        const std::int64_t own = std::clamp<std::int64_t>(receive.count - done, 0, piece);
        work(round.send.first(staged), round.receive.first(own), round.counts);
        give(queue, round.receive.first(own), part_of(receive, std::min(done, receive.count), own));
    }
    queue.finish();
}

void all_to_all_through_host(int rank, int size, const Buffer& send, std::span<const std::int64_t> send_counts,
                             const Buffer& receive, std::span<const std::int64_t> receive_counts,
                             const std::function<void(Buffer, int, Buffer, int)>& exchange) {
    device::Queue& queue = *send.queue;
    const auto most = [&](std::span<const std::int64_t> counts) {
        return std::min(piece_of(send.type), *std::max_element(counts.begin(), counts.end()));
    };
    Stage down(queue, send.type, most(send_counts)), up(queue, send.type, most(receive_counts));
    exchange_pairwise(
        rank, size, send, send_counts, receive, receive_counts, piece_of(send.type),
        [&](const Buffer& from, const Buffer& to) { queue.copy(to.data, from.data, from.bytes()); },
        [&](const Buffer& from, int to_rank, const Buffer& to, int from_rank) {
            fetch(queue, from, down.first(from.count));
            queue.finish(); // and what was received before has gone up
            exchange(down.first(from.count), to_rank, up.first(to.count), from_rank);
            give(queue, up.first(to.count), to);
        });
    queue.finish();
}

} // namespace tessera
