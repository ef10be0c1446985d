#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "comm/mpi_handle.hpp"
#include "tessera/core/error.hpp"

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

char* at(Buffer buffer, std::int64_t element) {
    return static_cast<char*>(buffer.data) + element * size_of(buffer.type);
}

/// MPI 3 counts are int: larger transfers go in pieces of this many elements.
constexpr std::int64_t piece = std::int64_t{1} << 28;

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

    std::unique_ptr<Communicator> split(int colour, int key) override {
        MPI_Comm part = MPI_COMM_NULL;
        check_mpi(MPI_Comm_split(comm_, colour, key, &part), "MPI_Comm_split");
        return std::make_unique<MpiCommunicator>(part);
    }

    int ranks_on_node() override {
        MPI_Comm node = MPI_COMM_NULL;
        check_mpi(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &node), "MPI_Comm_split_type");
        int n = 1;
        check_mpi(MPI_Comm_size(node, &n), "MPI_Comm_size");
        check_mpi(MPI_Comm_free(&node), "MPI_Comm_free");
        return n;
    }

private:
    void do_all_reduce(Buffer data, Op op) override {
        for (std::int64_t first = 0; first < data.count; first += piece) {
            const int n = static_cast<int>(std::min(piece, data.count - first));
            check_mpi(MPI_Allreduce(MPI_IN_PLACE, at(data, first), n, datatype(data.type), operation(op), comm_),
                      "MPI_Allreduce");
        }
    }

    void do_reduce_scatter(Buffer send, Buffer receive, std::span<const std::int64_t> counts) override {
        const bool small = send.count <= std::numeric_limits<int>::max();
        if (small) {
            const std::vector<int> n(counts.begin(), counts.end());
            check_mpi(MPI_Reduce_scatter(send.data, receive.data, n.data(), datatype(send.type), MPI_SUM, comm_),
                      "MPI_Reduce_scatter");
            return;
        }
        std::int64_t first = 0;
        for (int r = 0; r < size_; ++r) {
            const std::int64_t count = counts[static_cast<std::size_t>(r)];
            for (std::int64_t done = 0; done < count; done += piece) {
                const int n = static_cast<int>(std::min(piece, count - done));
                check_mpi(MPI_Reduce(at(send, first + done), r == rank_ ? at(receive, done) : nullptr, n,
                                     datatype(send.type), MPI_SUM, r, comm_),
                          "MPI_Reduce");
            }
            first += count;
        }
    }

    void do_broadcast(Buffer data, int root) override {
        for (std::int64_t first = 0; first < data.count; first += piece) {
            const int n = static_cast<int>(std::min(piece, data.count - first));
            check_mpi(MPI_Bcast(at(data, first), n, datatype(data.type), root, comm_), "MPI_Bcast");
        }
    }

    void do_all_gather(Buffer send, Buffer receive, std::span<const std::int64_t> counts) override {
        if (receive.count <= std::numeric_limits<int>::max()) {
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
            const Buffer part{at(receive, first), counts[static_cast<std::size_t>(r)], receive.type};
            if (r == rank_) { std::copy_n(at(send, 0), send.bytes(), at(part, 0)); }
            do_broadcast(part, r);
            first += part.count;
        }
    }

    void do_all_to_all(Buffer send, std::span<const std::int64_t> send_counts, Buffer receive,
                       std::span<const std::int64_t> receive_counts) override {
        // Pairwise: in step s every rank sends to rank + s and receives from rank - s. 64-bit counts, bounded buffers.
        const auto offset = [](std::span<const std::int64_t> counts, int r) {
            std::int64_t sum = 0;
            for (int i = 0; i < r; ++i) { sum += counts[static_cast<std::size_t>(i)]; }
            return sum;
        };
        for (int step = 0; step < size_; ++step) {
            const int to = (rank_ + step) % size_;
            const int from = (rank_ - step + size_) % size_;
            const std::int64_t n_send = send_counts[static_cast<std::size_t>(to)];
            const std::int64_t n_receive = receive_counts[static_cast<std::size_t>(from)];
            char* source = at(send, offset(send_counts, to));
            char* target = at(receive, offset(receive_counts, from));
            if (step == 0) {
                std::copy_n(source, n_send * size_of(send.type), target);
                continue;
            }
            const std::int64_t longest = std::max(n_send, n_receive);
            for (std::int64_t done = 0; done < longest; done += piece) {
                const auto part = [done](std::int64_t n) {
                    return static_cast<int>(std::clamp(n - done, std::int64_t{0}, piece));
                };
                const auto place = [&](char* base, std::int64_t n) {
                    return base + std::min(done, n) * size_of(send.type);
                };
                // Either side may have fewer pieces: then it exchanges empty messages, in step with its partner's count.
                if (part(n_send) > 0 && part(n_receive) > 0) {
                    check_mpi(MPI_Sendrecv(place(source, n_send), part(n_send), datatype(send.type), to, 0,
                                           place(target, n_receive), part(n_receive), datatype(send.type), from, 0,
                                           comm_, MPI_STATUS_IGNORE),
                              "MPI_Sendrecv");
                } else if (part(n_send) > 0) {
                    check_mpi(MPI_Send(place(source, n_send), part(n_send), datatype(send.type), to, 0, comm_),
                              "MPI_Send");
                } else {
                    check_mpi(MPI_Recv(place(target, n_receive), part(n_receive), datatype(send.type), from, 0, comm_,
                                       MPI_STATUS_IGNORE),
                              "MPI_Recv");
                }
            }
        }
    }

    void do_barrier() override { check_mpi(MPI_Barrier(comm_), "MPI_Barrier"); }

    MPI_Comm comm_;
    int rank_ = 0, size_ = 1;
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
