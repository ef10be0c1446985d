#include "comm/mpi_under_way.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <string>

#include "core/cpu_clones.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

namespace {

/// Ranks of one node that stand for a node of their own; 0: all of them.
int ranks_per_node() {
    const char* text = std::getenv("TESSERA_RANKS_PER_NODE");
    if (text == nullptr || *text == '\0') { return 0; }
    char* end = nullptr;
    const long n = std::strtol(text, &end, 10);
    if (*end == '\0' && n > 0 && n <= 1'000'000) { return static_cast<int>(n); }
    throw Error({.kind = Kind::config,
                 .where = "TESSERA_RANKS_PER_NODE",
                 .found = std::string("\"") + text + "\"",
                 .expected = "a number of ranks, at least 1",
                 .cure = "Unset it: the ranks of a node are found without"});
}

TESSERA_CPU_CLONES
void add(const float* __restrict from, std::int64_t n, float* __restrict to) {
    for (std::int64_t i = 0; i < n; ++i) { to[i] += from[i]; }
}

/// Messages between this rank and others that are on their way. Counts of MPI 3 are int: longer ones go in pieces.
class Messages {
public:
    Messages(MPI_Comm comm, int tag) : comm_(comm), tag_(tag) {}

    void send(const float* data, std::int64_t count, int to) {
        in_pieces(count, [&](std::int64_t first, int n, MPI_Request& request) {
            check_mpi(MPI_Isend(data + first, n, MPI_FLOAT, to, tag_, comm_, &request), "MPI_Isend");
        });
    }
    void receive(float* data, std::int64_t count, int from) {
        in_pieces(count, [&](std::int64_t first, int n, MPI_Request& request) {
            check_mpi(MPI_Irecv(data + first, n, MPI_FLOAT, from, tag_, comm_, &request), "MPI_Irecv");
        });
    }
    bool arrived() {
        if (requests_.empty()) { return true; }
        int done = 0;
        check_mpi(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE),
                  "MPI_Testall");
        if (done != 0) { requests_.clear(); }
        return done != 0;
    }
    void wait() {
        check_mpi(MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE),
                  "MPI_Waitall");
        requests_.clear();
    }

private:
    template <class Post>
    void in_pieces(std::int64_t count, const Post& post) {
        constexpr std::int64_t piece = std::int64_t{1} << 28;
        for (std::int64_t first = 0; first < count; first += piece) {
            MPI_Request request = MPI_REQUEST_NULL;
            post(first, static_cast<int>(std::min(piece, count - first)), request);
            requests_.push_back(request);
        }
    }

    MPI_Comm comm_;
    int tag_;
    std::vector<MPI_Request> requests_;
};

/// The steps of a collective: messages, then work on what they brought, then perhaps messages again.
class Steps : public UnderWay {
public:
    void advance() noexcept final {
        try {
            while (!done_ && !failure_ && messages_.arrived()) { done_ = next(messages_); }
        } catch (...) { failure_ = std::current_exception(); }
    }
    void finish() final {
        if (failure_) { std::rethrow_exception(failure_); }
        while (!done_) {
            messages_.wait();
            done_ = next(messages_);
        }
    }

protected:
    Steps(MPI_Comm comm, int tag) : messages_(comm, tag) {}
    Messages& messages() { return messages_; }
    /// What comes after all messages have arrived. @return  whether that was all
    virtual bool next(Messages& messages) = 0;
    void leave() noexcept {
        try {
            if (!failure_) { finish(); }
        } catch (...) { failure_ = std::current_exception(); } // on the way out after another error
    }

private:
    Messages messages_;
    bool done_ = false;
    std::exception_ptr failure_;
};

constexpr int exchange_tag = 1, sum_tag = 2; // the blocking exchange has 0

class Exchange final : public Steps {
public:
    Exchange(MPI_Comm comm, const Buffer& send, std::span<const std::int64_t> send_counts, const Buffer& receive,
             std::span<const std::int64_t> receive_counts)
        : Steps(comm, exchange_tag) {
        int rank = 0;
        check_mpi(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank");
        auto* to = static_cast<float*>(receive.data);
        const auto* from = static_cast<const float*>(send.data);
        float* own = nullptr;
        for (std::size_t r = 0; r < receive_counts.size(); ++r) {
            if (static_cast<int>(r) == rank) {
                own = to;
            } else {
                messages().receive(to, receive_counts[r], static_cast<int>(r));
            }
            to += receive_counts[r];
        }
        for (std::size_t r = 0; r < send_counts.size(); ++r) {
            if (static_cast<int>(r) == rank) {
                std::copy_n(from, send_counts[r], own);
            } else {
                messages().send(from, send_counts[r], static_cast<int>(r));
            }
            from += send_counts[r];
        }
    }
    ~Exchange() override { leave(); }

private:
    bool next(Messages& /*messages*/) override { return true; }
};

/// First inside the node: of everything that goes to a rank whose helper here this rank is, it receives the parts of the node's ranks and
/// adds them to its own. Then it sends each of those sums to the rank it is for, and receives its own from the helpers on the other nodes.
/// On one node, or with one rank on each, one of the two steps is empty. A rank sends all but what it keeps, once, in either case.
class Sum final : public Steps {
public:
    Sum(MPI_Comm comm, const NodeMap& nodes, const Buffer& send, const Buffer& receive,
        std::span<const std::int64_t> counts, std::vector<float>& room)
        : Steps(comm, sum_tag), nodes_(nodes), counts_(counts.begin(), counts.end()),
          send_(static_cast<float*>(send.data)), receive_(static_cast<float*>(receive.data)), room_(room) {
        check_mpi(MPI_Comm_rank(comm, &rank_), "MPI_Comm_rank");
        std::int64_t at = 0;
        for (const std::int64_t n : counts_) {
            first_.push_back(at);
            at += n;
        }
        const auto own_node = static_cast<std::size_t>(nodes.node[static_cast<std::size_t>(rank_)]);
        neighbours_ = nodes.ranks[own_node];
        for (int r = 0; r < static_cast<int>(counts_.size()); ++r) {
            if (helper_here(r) == rank_) { helped_.push_back(r); }
        }
        for (int node = 0; node < static_cast<int>(nodes.ranks.size()); ++node) {
            if (node != static_cast<int>(own_node)) { others_.push_back(nodes.helper(node, rank_)); }
        }
        std::int64_t n_helped = 0;
        for (const int r : helped_) { n_helped += count(r); }
        const auto inside = static_cast<std::int64_t>(neighbours_.size() - 1) * n_helped;
        const auto between = static_cast<std::int64_t>(others_.size()) * count(rank_);
        if (std::ssize(room_) < std::max(inside, between)) {
            room_.resize(static_cast<std::size_t>(std::max(inside, between)));
        }
        float* to = room_.data();
        for (const int from : neighbours_) {
            if (from == rank_) { continue; }
            for (const int r : helped_) {
                messages().receive(to, count(r), from);
                to += count(r);
            }
        }
        for (int r = 0; r < static_cast<int>(counts_.size()); ++r) {
            if (helper_here(r) != rank_) { messages().send(part(r), count(r), helper_here(r)); }
        }
    }
    ~Sum() override { leave(); }

private:
    std::int64_t count(int r) const { return counts_[static_cast<std::size_t>(r)]; }
    float* part(int r) const { return send_ + first_[static_cast<std::size_t>(r)]; }
    int helper_here(int r) const { return nodes_.helper(nodes_.node[static_cast<std::size_t>(rank_)], r); }

    bool next(Messages& messages) override {
        const float* arrived = room_.data();
        if (!summed_inside_) {
            summed_inside_ = true;
            for (const int from : neighbours_) {
                if (from == rank_) { continue; }
                for (const int r : helped_) {
                    add(arrived, count(r), part(r));
                    arrived += count(r);
                }
            }
            float* to = room_.data();
            for (const int from : others_) {
                messages.receive(to, count(rank_), from);
                to += count(rank_);
            }
            for (const int r : helped_) {
                if (nodes_.node[static_cast<std::size_t>(r)] != nodes_.node[static_cast<std::size_t>(rank_)]) {
                    messages.send(part(r), count(r), r);
                }
            }
            return false;
        }
        for (std::size_t i = 0; i < others_.size(); ++i) {
            add(arrived, count(rank_), part(rank_));
            arrived += count(rank_);
        }
        std::copy_n(part(rank_), count(rank_), receive_);
        return true;
    }

    const NodeMap& nodes_;
    std::vector<std::int64_t> counts_, first_; ///< [rank]
    float* send_;
    float* receive_;
    std::vector<float>& room_;
    int rank_ = 0;
    std::vector<int> neighbours_; ///< of this node, this rank among them
    std::vector<int> helped_;     ///< ranks whose sums on this node are made here, itself among them
    std::vector<int> others_;     ///< on each other node the one that helps this rank
    bool summed_inside_ = false;
};

} // namespace

std::int64_t NodeMap::sent_between(int rank, std::span<const std::int64_t> counts) const {
    const int own = node[static_cast<std::size_t>(rank)];
    std::int64_t sum = 0;
    for (std::size_t r = 0; r < counts.size(); ++r) {
        if (node[r] != own && helper(own, static_cast<int>(r)) == rank) { sum += counts[r]; }
    }
    return sum;
}

NodeMap find_nodes(MPI_Comm comm) {
    const int group = ranks_per_node();
    int rank = 0, size = 1;
    check_mpi(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(comm, &size), "MPI_Comm_size");
    MPI_Comm node = MPI_COMM_NULL;
    check_mpi(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &node), "MPI_Comm_split_type");
    std::array<int, 2> own{rank, 0}; // first rank of the node, number in it
    check_mpi(MPI_Comm_rank(node, &own[1]), "MPI_Comm_rank");
    check_mpi(MPI_Bcast(own.data(), 1, MPI_INT, 0, node), "MPI_Bcast");
    check_mpi(MPI_Comm_free(&node), "MPI_Comm_free");
    std::vector<std::array<int, 2>> all(static_cast<std::size_t>(size));
    check_mpi(MPI_Allgather(own.data(), 2, MPI_INT, all.data(), 2, MPI_INT, comm), "MPI_Allgather");
    NodeMap map;
    std::vector<std::array<int, 2>> known; // node, group in it
    for (int r = 0; r < size; ++r) {
        const auto [first, place] = all[static_cast<std::size_t>(r)];
        const std::array<int, 2> key{first, group > 0 ? place / group : 0};
        const auto at = std::find(known.begin(), known.end(), key) - known.begin();
        if (at == std::ssize(known)) {
            known.push_back(key);
            map.ranks.emplace_back();
        }
        auto& ranks = map.ranks[static_cast<std::size_t>(at)];
        map.node.push_back(static_cast<int>(at));
        map.place.push_back(static_cast<int>(ranks.size()));
        ranks.push_back(r);
    }
    return map;
}

std::unique_ptr<UnderWay> start_summing(MPI_Comm comm, const NodeMap& nodes, Buffer send, Buffer receive,
                                        std::span<const std::int64_t> counts, std::vector<float>& room) {
    return std::make_unique<Sum>(comm, nodes, send, receive, counts, room);
}

std::unique_ptr<UnderWay> start_exchange(MPI_Comm comm, Buffer send, std::span<const std::int64_t> send_counts,
                                         Buffer receive, std::span<const std::int64_t> receive_counts) {
    return std::make_unique<Exchange>(comm, send, send_counts, receive, receive_counts);
}

} // namespace tessera
