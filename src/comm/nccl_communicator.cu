// Collectives of GPU memory, enqueued on the streams of the queues that own it; those of host memory are left to MPI. NCCL's calls
// do not block (its communicators are made so): what waits for other ranks waits in poll(), with an eye on errors and the clock.
#include "comm/nccl_entry.hpp"

#if __has_include(<nccl.h>)
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <thread>
#include <utility>

#include "comm/nccl_library.hpp"
#include "comm/pairwise.hpp"
#include "device/cuda_check.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

namespace {

ncclDataType_t datatype(ElementType type) {
    switch (type) {
    case ElementType::byte: return ncclUint8;
    case ElementType::int32: return ncclInt32;
    case ElementType::int64: return ncclInt64;
    case ElementType::float32: return ncclFloat32;
    case ElementType::float64: return ncclFloat64;
    }
    throw Error({.where = "datatype", .found = "an unknown element type"});
}

ncclRedOp_t operation(Op op) {
    switch (op) {
    case Op::sum: return ncclSum;
    case Op::min: return ncclMin;
    case Op::max: return ncclMax;
    }
    throw Error({.where = "operation", .found = "an unknown operation"});
}

std::size_t count_of(const Buffer& buffer) { return static_cast<std::size_t>(buffer.count); }

/// How long a rank waits for the others, seconds.
double patience() {
    const char* set = std::getenv("TESSERA_NCCL_TIMEOUT");
    if (set == nullptr || *set == '\0') { return 300; }
    char* end = nullptr;
    const double seconds = std::strtod(set, &end);
    if (*end != '\0' || !(seconds > 0)) {
        throw Error({.kind = Kind::config,
                     .where = "the environment variable TESSERA_NCCL_TIMEOUT",
                     .found = "'" + std::string(set) + "'",
                     .expected = "seconds, above 0"});
    }
    return seconds;
}

/// An event behind a collective.
class Behind {
public:
    Behind(device::Queue& queue, const char* collective) : collective_(collective) {
        device::check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreateWithFlags");
        const cudaError_t code = cudaEventRecord(event_, static_cast<cudaStream_t>(queue.native()));
        if (code != cudaSuccess) {
            device::forget(cudaEventDestroy(event_));
            device::check(code, "cudaEventRecord");
        }
    }
    Behind(const Behind&) = delete;
    Behind& operator=(const Behind&) = delete;
    ~Behind() { device::forget(cudaEventDestroy(event_)); }

    const char* collective() const { return collective_; }
    bool reached() const {
        const cudaError_t code = cudaEventQuery(event_);
        if (code == cudaErrorNotReady) {
            device::forget(code);
            return false;
        }
        device::check(code, "cudaEventQuery");
        return true;
    }

private:
    cudaEvent_t event_ = nullptr;
    const char* collective_;
};

class NcclCommunicator final : public Communicator {
public:
    NcclCommunicator(Communicator& mpi, device::Accelerator& accelerator, const std::vector<char>& id)
        : nccl_(nccl_library()), mpi_(mpi), accelerator_(accelerator), patience_(patience()) {
        use_gpu();
        ncclUniqueId unique{};
        std::memcpy(&unique, id.data(), std::min(id.size(), sizeof unique));
        ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
        config.blocking = 0;
        const ncclResult_t code = nccl_.comm_init_rank_config(&comm_, mpi.size(), unique, mpi.rank(), &config);
        if (code != ncclSuccess && code != ncclInProgress) { abort(); }
        check_nccl(code, "ncclCommInitRankConfig");
        settle("ncclCommInitRankConfig");
    }

    /// Leaves as the others do: NCCL's farewell waits for them, so a rank that leaves by an exception must not say it.
    ~NcclCommunicator() override {
        if (comm_ == nullptr) { return; }
        device::forget(cudaSetDevice(accelerator_.info().index));
        if (std::uncaught_exceptions() == 0) {
            try {
                wait_for_collectives();
                const ncclComm_t comm = std::exchange(comm_, nullptr);
                check_nccl(nccl_.comm_destroy(comm), "ncclCommDestroy");
                return;
            } catch (const std::exception&) { // the collective's results were never asked for: nobody to tell
            }
        }
        abort();
    }
    NcclCommunicator(const NcclCommunicator&) = delete;
    NcclCommunicator& operator=(const NcclCommunicator&) = delete;

    int rank() const override { return mpi_.rank(); }
    int size() const override { return mpi_.size(); }
    int ranks_on_node() override { return mpi_.ranks_on_node(); }
    int rank_on_node() override { return mpi_.rank_on_node(); }
    const void* native() const override { return mpi_.native(); }

    std::unique_ptr<SharedCounter> counter() override { return mpi_.counter(); }

    std::unique_ptr<Communicator> split(int colour, int key, Others others) override {
        std::unique_ptr<Communicator> part = mpi_.split(colour, key, others);
        std::vector<char> id;
        agree(*part, [&] {
            if (part->is_root()) { id = unique_id(); }
        });
        part->broadcast(id, 0);
        std::unique_ptr<NcclCommunicator> out;
        agree(*part, [&] { out = std::make_unique<NcclCommunicator>(*part, accelerator_, id); });
        out->own_mpi_ = std::move(part);
        return out;
    }

    void wait(device::Queue& queue) override {
        require_alive();
        use_gpu();
        wait_for_collectives();
        queue.finish();
    }

    static std::vector<char> unique_id() {
        ncclUniqueId id{};
        check_nccl(nccl_library().get_unique_id(&id), "ncclGetUniqueId");
        return {id.internal, id.internal + sizeof id.internal};
    }

private:
    void do_all_reduce(Buffer data, Op op) override {
        if (data.queue == nullptr) { return mpi_.all_reduce(data, op); }
        enqueue("all_reduce", *data.queue, [&](cudaStream_t stream) {
            if (data.count == 0) { return; }
            check_nccl(nccl_.all_reduce(data.data, data.data, count_of(data), datatype(data.type), operation(op), comm_,
                                        stream),
                       "ncclAllReduce");
        });
    }

    void do_reduce_scatter(Buffer send, Buffer receive, std::span<const std::int64_t> counts) override {
        if (send.queue == nullptr) { return mpi_.reduce_scatter(send, receive, counts); }
        enqueue("reduce_scatter", *send.queue, [&](cudaStream_t stream) {
            if (all_equal(counts)) {
                if (receive.count == 0) { return; }
                check_nccl(nccl_.reduce_scatter(send.data, receive.data, count_of(receive), datatype(send.type),
                                                ncclSum, comm_, stream),
                           "ncclReduceScatter");
                return;
            }
            each_part(counts, [&](int r, std::int64_t first, std::int64_t count) {
                check_nccl(nccl_.reduce(part_of(send, first, count).data, r == rank() ? receive.data : nullptr,
                                        static_cast<std::size_t>(count), datatype(send.type), ncclSum, r, comm_,
                                        stream),
                           "ncclReduce");
            });
        });
    }

    void do_broadcast(Buffer data, int root) override {
        if (data.queue == nullptr) { return mpi_.broadcast(data, root); }
        enqueue("broadcast", *data.queue, [&](cudaStream_t stream) {
            if (data.count == 0) { return; }
            check_nccl(nccl_.broadcast(data.data, data.data, count_of(data), datatype(data.type), root, comm_, stream),
                       "ncclBroadcast");
        });
    }

    void do_all_gather(Buffer send, Buffer receive, std::span<const std::int64_t> counts) override {
        if (send.queue == nullptr) { return mpi_.all_gather(send, receive, counts); }
        enqueue("all_gather", *send.queue, [&](cudaStream_t stream) {
            if (all_equal(counts)) {
                if (send.count == 0) { return; }
                check_nccl(
                    nccl_.all_gather(send.data, receive.data, count_of(send), datatype(send.type), comm_, stream),
                    "ncclAllGather");
                return;
            }
            each_part(counts, [&](int r, std::int64_t first, std::int64_t count) {
                void* part = part_of(receive, first, count).data;
                check_nccl(nccl_.broadcast(r == rank() ? send.data : part, part, static_cast<std::size_t>(count),
                                           datatype(send.type), r, comm_, stream),
                           "ncclBroadcast");
            });
        });
    }

    void do_all_to_all(Buffer send, std::span<const std::int64_t> send_counts, Buffer receive,
                       std::span<const std::int64_t> receive_counts) override {
        if (send.queue == nullptr) { return mpi_.all_to_all(send, send_counts, receive, receive_counts); }
        enqueue("all_to_all", *send.queue, [&](cudaStream_t stream) {
            // Pieces of 64-bit counts are one: the partner's count decides what is received, as with MPI.
            exchange_pairwise(
                rank(), size(), send, send_counts, receive, receive_counts,
                std::max<std::int64_t>(1, longest(send, receive)),
                [](const Buffer& from, const Buffer& to) { from.queue->copy(to.data, from.data, from.bytes()); },
                [&](const Buffer& from, int to_rank, const Buffer& to, int from_rank) {
                    if (from.count > 0) {
                        check_nccl(nccl_.send(from.data, count_of(from), datatype(from.type), to_rank, comm_, stream),
                                   "ncclSend");
                    }
                    if (to.count > 0) {
                        check_nccl(nccl_.recv(to.data, count_of(to), datatype(to.type), from_rank, comm_, stream),
                                   "ncclRecv");
                    }
                });
        });
    }

    void do_barrier() override { mpi_.barrier(); }

    static bool all_equal(std::span<const std::int64_t> counts) {
        return std::all_of(counts.begin(), counts.end(), [&](std::int64_t n) { return n == counts[0]; });
    }
    static std::int64_t longest(const Buffer& a, const Buffer& b) { return std::max(a.count, b.count); }

    /// part(rank, first element, count) for those that have any.
    template <class Part>
    static void each_part(std::span<const std::int64_t> counts, const Part& part) {
        std::int64_t first = 0;
        for (std::size_t r = 0; r < counts.size(); ++r) {
            if (counts[r] > 0) { part(static_cast<int>(r), first, counts[r]); }
            first += counts[r];
        }
    }

    /// Calls of one group on the queue's stream; returns when NCCL has enqueued them, not when they are done.
    template <class Calls>
    void enqueue(const char* collective, device::Queue& queue, const Calls& calls) {
        require_alive();
        use_gpu();
        forget_reached();
        check_nccl(nccl_.group_start(), "ncclGroupStart");
        try {
            calls(static_cast<cudaStream_t>(queue.native()));
        } catch (...) { // a group left open would take the next calls in
            forget_nccl(nccl_.group_end());
            abort();
            throw;
        }
        const ncclResult_t code = nccl_.group_end();
        if (code != ncclSuccess && code != ncclInProgress) { fail(collective, nccl_text(code)); }
        settle(collective);
        under_way_.emplace_back(queue, collective);
    }

    /// Until NCCL is done with what it was called for.
    void settle(const char* collective) {
        poll(collective, [&](ncclResult_t state) { return state == ncclSuccess; });
    }

    /// Until the GPU is done with all collectives.
    void wait_for_collectives() {
        while (!under_way_.empty()) {
            const Behind& next = under_way_.front();
            poll(next.collective(), [&](ncclResult_t) { return next.reached(); });
            under_way_.pop_front();
        }
    }

    void forget_reached() {
        while (!under_way_.empty() && under_way_.front().reached()) { under_way_.pop_front(); }
    }

    template <class Done>
    void poll(const char* collective, const Done& done) {
        using namespace std::chrono;
        const auto start = steady_clock::now();
        for (;;) {
            ncclResult_t state = ncclSuccess;
            const ncclResult_t code = nccl_.comm_get_async_error(comm_, &state);
            if (code != ncclSuccess) { fail(collective, nccl_text(code)); }
            if (state != ncclSuccess && state != ncclInProgress) { fail(collective, nccl_text(state)); }
            if (done(state)) { return; }
            const auto waited = duration<double>(steady_clock::now() - start).count();
            if (waited > patience_) {
                fail(collective, "not done after " + std::to_string(static_cast<long>(waited)) + " s");
            }
            // Short waits are common, and a sleep is longer than they are.
            waited < 1e-3 ? std::this_thread::yield() : std::this_thread::sleep_for(microseconds(20));
        }
    }

    [[noreturn]] void fail(const char* collective, const std::string& found) {
        failed_ = std::string(collective) + " on rank " + std::to_string(rank()) + ": " + found;
        abort();
        throw_failed();
    }

    void abort() {
        if (comm_ == nullptr) { return; }
        if (failed_.empty()) { failed_ = "a call on rank " + std::to_string(rank()); }
        // Stops NCCL's kernels; what this itself reports adds nothing to the error that brought us here.
        forget_nccl(nccl_.comm_abort(std::exchange(comm_, nullptr)));
    }

    [[noreturn]] void throw_failed() const {
        throw Error({.kind = Kind::resource,
                     .where = "NCCL, " + failed_,
                     .expected = "an exchange of all " + std::to_string(size()) + " ranks",
                     .cure = "Look for what another rank printed, and at the network between the nodes: "
                             "NCCL_DEBUG=INFO makes NCCL say more. TESSERA_NCCL_TIMEOUT sets the seconds to wait"});
    }

    void require_alive() const {
        if (comm_ == nullptr) { throw_failed(); }
    }

    void use_gpu() const { device::check(cudaSetDevice(accelerator_.info().index), "cudaSetDevice"); }

    const NcclLibrary& nccl_;
    std::unique_ptr<Communicator> own_mpi_; ///< of a split
    Communicator& mpi_;
    device::Accelerator& accelerator_;
    double patience_;
    ncclComm_t comm_ = nullptr;
    std::deque<Behind> under_way_;
    std::string failed_; ///< what ended it
};

std::string version_text() {
    int version = 0;
    check_nccl(nccl_library().get_version(&version), "ncclGetVersion");
    return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
           std::to_string(version % 100);
}

std::string gpu_identity(device::Accelerator& accelerator) {
    cudaDeviceProp properties{};
    device::check(cudaGetDeviceProperties(&properties, accelerator.info().index), "cudaGetDeviceProperties");
    return {properties.uuid.bytes, sizeof properties.uuid.bytes};
}

std::unique_ptr<Communicator> join(Communicator& mpi, device::Accelerator& accelerator, const std::vector<char>& id) {
    return std::make_unique<NcclCommunicator>(mpi, accelerator, id);
}

} // namespace

} // namespace tessera

extern "C" const tessera::NcclEntry* tessera_nccl_entry() {
    static const tessera::NcclEntry entry{tessera::version_text, tessera::gpu_identity,
                                          tessera::NcclCommunicator::unique_id, tessera::join};
    return &entry;
}
#endif
