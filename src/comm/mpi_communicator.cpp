#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "comm/mpi_handle.hpp"
#include "comm/mpi_under_way.hpp"
#if defined(OPEN_MPI)
#include <mpi-ext.h>
#endif

#include "comm/pairwise.hpp"
#include "comm/staging.hpp"
#include "tessera/core/error.hpp"
#include "tessera/device/accelerator.hpp"

namespace tessera {

namespace {

MPI_Datatype datatype(ElementType type) {
    switch (type) {
    case ElementType::byte: return MPI_BYTE;
    case ElementType::int32: return MPI_INT32_T;
    case ElementType::int64: return MPI_INT64_T;
    case ElementType::float32: return MPI_FLOAT;
    case ElementType::float64: return MPI_DOUBLE;
    }
    throw Error({.where = "datatype", .found = "an unknown element type"});
}

MPI_Op operation(Op op) {
    switch (op) {
    case Op::sum: return MPI_SUM;
    case Op::min: return MPI_MIN;
    case Op::max: return MPI_MAX;
    }
    throw Error({.where = "operation", .found = "an unknown operation"});
}

/// MPI 3 counts are int: larger transfers go in pieces of this many elements.
constexpr std::int64_t piece = std::int64_t{1} << 28;

/// Whether this MPI takes pointers to a GPU's memory. TESSERA_MPI_STAGING=on denies it: some transports fail on memory that comes out of
/// a pool, as ours does, whatever the library says of itself.
bool reads_gpu_memory() {
    const char* staging = std::getenv("TESSERA_MPI_STAGING");
    if (staging != nullptr && std::string_view(staging) == "on") { return false; }
#if defined(OMPI_HAVE_MPI_EXT_CUDA)
    return MPIX_Query_cuda_support() == 1;
#else
    return false;
#endif
}

/// Whether the collective must go by way of the host. Where not, MPI is given the pointer, once its queue is done.
bool must_stage(const Buffer& buffer) {
    if (buffer.queue == nullptr) { return false; }
    static const bool direct = reads_gpu_memory();
    if (!direct || buffer.queue->accelerator().info().kind != "cuda") { return true; }
    buffer.queue->finish();
    return false;
}

/// A rank's own part of what it receives.
void copy_own(const Buffer& from, const Buffer& to) {
    if (from.queue != nullptr) {
        from.queue->copy(to.data, from.data, from.bytes());
    } else {
        std::copy_n(static_cast<const char*>(from.data), from.bytes(), static_cast<char*>(to.data));
    }
}

/// A number in rank 0's window.
class MpiCounter final : public SharedCounter {
public:
    explicit MpiCounter(MPI_Comm comm) {
        int rank = 0;
        check_mpi(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank");
        void* memory = nullptr;
        const MPI_Aint bytes = rank == 0 ? static_cast<MPI_Aint>(sizeof(std::int64_t)) : 0;
        check_mpi(
            MPI_Win_allocate(bytes, static_cast<int>(sizeof(std::int64_t)), MPI_INFO_NULL, comm, &memory, &window_),
            "MPI_Win_allocate");
        check_mpi(MPI_Win_lock_all(0, window_), "MPI_Win_lock_all");
        if (rank == 0) {
            *static_cast<std::int64_t*>(memory) = 0;
            check_mpi(MPI_Win_sync(window_), "MPI_Win_sync");
        }
        check_mpi(MPI_Barrier(comm), "MPI_Barrier"); // nobody counts before the 0 is there
    }
    ~MpiCounter() override {
        // Freeing is collective. A rank on its way out alone after an error must not wait here for the others.
        if (std::uncaught_exceptions() > exceptions_) { return; }
        MPI_Win_unlock_all(window_);
        MPI_Win_free(&window_);
    }
    MpiCounter(const MpiCounter&) = delete;
    MpiCounter& operator=(const MpiCounter&) = delete;

    std::int64_t fetch_add(std::int64_t n) override {
        std::int64_t before = 0;
        check_mpi(MPI_Fetch_and_op(&n, &before, MPI_INT64_T, 0, 0, MPI_SUM, window_), "MPI_Fetch_and_op");
        check_mpi(MPI_Win_flush(0, window_), "MPI_Win_flush");
        return before;
    }

private:
    MPI_Win window_ = MPI_WIN_NULL;
    int exceptions_ = std::uncaught_exceptions();
};

class MpiCommunicator final : public Communicator {
public:
    /// Takes over `comm` and frees it.
    explicit MpiCommunicator(MPI_Comm comm) : comm_(comm) {
        check_mpi(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
        check_mpi(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
        check_mpi(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
    }
    ~MpiCommunicator() override { MPI_Comm_free(&comm_); }
    MpiCommunicator(const MpiCommunicator&) = delete;
    MpiCommunicator& operator=(const MpiCommunicator&) = delete;

    int rank() const override { return rank_; }
    int size() const override { return size_; }
    const void* native() const override { return &comm_; }

    std::unique_ptr<Communicator> split(int colour, int key, Others others) override {
        MPI_Comm part = MPI_COMM_NULL;
        check_mpi(MPI_Comm_split(comm_, colour, key, &part), "MPI_Comm_split");
        auto group = std::make_unique<MpiCommunicator>(part);
        if (others == Others::work) { group->crowd_ = node(); }
        return group;
    }

    std::unique_ptr<SharedCounter> counter() override { return std::make_unique<MpiCounter>(comm_); }

    int ranks_on_node() override { return node().first; }
    int rank_on_node() override { return node().second; }

private:
    /// Ranks on this node, and which of them this one is.
    std::pair<int, int> node() {
        if (crowd_) { return *crowd_; }
        MPI_Comm node = MPI_COMM_NULL;
        check_mpi(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &node), "MPI_Comm_split_type");
        std::pair<int, int> out{1, 0};
        check_mpi(MPI_Comm_size(node, &out.first), "MPI_Comm_size");
        check_mpi(MPI_Comm_rank(node, &out.second), "MPI_Comm_rank");
        check_mpi(MPI_Comm_free(&node), "MPI_Comm_free");
        return out;
    }

    std::unique_ptr<UnderWay> do_start_reduce_scatter(Buffer send, Buffer receive, std::span<const std::int64_t> counts,
                                                      std::vector<float>& room) override {
        if (!nodes_) { nodes_ = find_nodes(comm_); }
        count_between("reduce_scatter", nodes_->sent_between(rank_, counts) * size_of(send.type));
        return start_summing(comm_, *nodes_, send, receive, counts, room);
    }

    std::unique_ptr<UnderWay> do_start_all_to_all(Buffer send, std::span<const std::int64_t> send_counts,
                                                  Buffer receive,
                                                  std::span<const std::int64_t> receive_counts) override {
        return start_exchange(comm_, send, send_counts, receive, receive_counts);
    }

    void do_all_reduce(Buffer data, Op op) override {
        if (must_stage(data)) {
            through_host(data, Way::both, [&](Buffer host) { do_all_reduce(host, op); });
            return;
        }
        for (std::int64_t first = 0; first < data.count; first += piece) {
            const Buffer now = part_of(data, first, std::min(piece, data.count - first));
            check_mpi(MPI_Allreduce(MPI_IN_PLACE, now.data, static_cast<int>(now.count), datatype(now.type),
                                    operation(op), comm_),
                      "MPI_Allreduce");
        }
    }

    void do_reduce_scatter(Buffer send, Buffer receive, std::span<const std::int64_t> counts) override {
        if (must_stage(send)) {
            reduce_scatter_through_host(
                send, receive, counts,
                [&](Buffer from, Buffer to, std::span<const std::int64_t> n) { do_reduce_scatter(from, to, n); });
            return;
        }
        if (send.count <= std::numeric_limits<int>::max()) {
            const std::vector<int> n(counts.begin(), counts.end());
            check_mpi(MPI_Reduce_scatter(send.data, receive.data, n.data(), datatype(send.type), MPI_SUM, comm_),
                      "MPI_Reduce_scatter");
            return;
        }
        std::int64_t first = 0;
        for (int r = 0; r < size_; ++r) {
            const std::int64_t count = counts[static_cast<std::size_t>(r)];
            for (std::int64_t done = 0; done < count; done += piece) {
                const std::int64_t n = std::min(piece, count - done);
                check_mpi(MPI_Reduce(part_of(send, first + done, n).data,
                                     r == rank_ ? part_of(receive, done, n).data : nullptr, static_cast<int>(n),
                                     datatype(send.type), MPI_SUM, r, comm_),
                          "MPI_Reduce");
            }
            first += count;
        }
    }

    void do_broadcast(Buffer data, int root) override {
        if (must_stage(data)) {
            through_host(data, rank_ == root ? Way::down : Way::up, [&](Buffer host) { do_broadcast(host, root); });
            return;
        }
        for (std::int64_t first = 0; first < data.count; first += piece) {
            const Buffer now = part_of(data, first, std::min(piece, data.count - first));
            check_mpi(MPI_Bcast(now.data, static_cast<int>(now.count), datatype(now.type), root, comm_), "MPI_Bcast");
        }
    }

    void do_all_gather(Buffer send, Buffer receive, std::span<const std::int64_t> counts) override {
        if (!must_stage(send) && receive.count <= std::numeric_limits<int>::max()) {
            const std::vector<int> n(counts.begin(), counts.end());
            std::vector<int> first(n.size(), 0);
            for (std::size_t r = 1; r < n.size(); ++r) { first[r] = first[r - 1] + n[r - 1]; }
            check_mpi(MPI_Allgatherv(send.data, static_cast<int>(send.count), datatype(send.type), receive.data,
                                     n.data(), first.data(), datatype(send.type), comm_),
                      "MPI_Allgatherv");
            return;
        }
        std::int64_t first = 0;
        for (int r = 0; r < size_; ++r) {
            const Buffer part = part_of(receive, first, counts[static_cast<std::size_t>(r)]);
            if (r == rank_ && part.count > 0) { copy_own(send, part); }
            do_broadcast(part, r);
            first += part.count;
        }
    }

    void do_all_to_all(Buffer send, std::span<const std::int64_t> send_counts, Buffer receive,
                       std::span<const std::int64_t> receive_counts) override {
        const auto exchange = [&](const Buffer& from, int to_rank, const Buffer& to, int from_rank) {
            exchange_with(from, to_rank, to, from_rank);
        };
        if (must_stage(send)) {
            all_to_all_through_host(rank_, size_, send, send_counts, receive, receive_counts, exchange);
            return;
        }
        exchange_pairwise(rank_, size_, send, send_counts, receive, receive_counts, piece, copy_own, exchange);
    }

    void exchange_with(const Buffer& send, int to, const Buffer& receive, int from) {
        const MPI_Datatype type = datatype(send.type);
        const int n_send = static_cast<int>(send.count), n_receive = static_cast<int>(receive.count);
        if (n_send > 0 && n_receive > 0) {
            check_mpi(MPI_Sendrecv(send.data, n_send, type, to, 0, receive.data, n_receive, type, from, 0, comm_,
                                   MPI_STATUS_IGNORE),
                      "MPI_Sendrecv");
        } else if (n_send > 0) {
            check_mpi(MPI_Send(send.data, n_send, type, to, 0, comm_), "MPI_Send");
        } else {
            check_mpi(MPI_Recv(receive.data, n_receive, type, from, 0, comm_, MPI_STATUS_IGNORE), "MPI_Recv");
        }
    }

    void do_barrier() override { check_mpi(MPI_Barrier(comm_), "MPI_Barrier"); }

    bool do_sleep_until_all_arrive(std::optional<double> patience) override {
        MPI_Request request = MPI_REQUEST_NULL;
        check_mpi(MPI_Ibarrier(comm_, &request), "MPI_Ibarrier");
        const auto start = std::chrono::steady_clock::now();
        const auto longest = std::chrono::duration<double>(patience.value_or(0));
        for (;;) {
            int done = 0;
            check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
            if (done != 0) { return true; }
            if (patience && std::chrono::steady_clock::now() - start > longest) { return false; }
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }

    MPI_Comm comm_;
    int rank_ = 0, size_ = 1;
    std::optional<NodeMap> nodes_; ///< found when first needed
    std::optional<std::pair<int, int>>
        crowd_; ///< node() of the whole that this group is a part of, where all of it works
};

} // namespace

std::unique_ptr<Communicator> take_over(MPI_Comm comm) { return std::make_unique<MpiCommunicator>(comm); }

void check_mpi(int code, const char* call) {
    if (code == MPI_SUCCESS) { return; }
    std::array<char, MPI_MAX_ERROR_STRING> text{};
    int length = 0;
    MPI_Error_string(code, text.data(), &length);
    throw Error(
        {.where = call, .found = std::string(text.data(), static_cast<std::size_t>(length)), .expected = "success"});
}

} // namespace tessera
