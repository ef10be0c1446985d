#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tessera {

namespace device {
class Queue;
}

enum class Op { sum, min, max };

/// What the ranks of the other groups do while a group of a split works.
enum class Others {
    idle, ///< they wait: the group has its nodes to itself
    work, ///< all groups work at once and share memory, cores and GPUs of their nodes
};

/// A number that all ranks of a group count up, one at a time, without any of them having to answer.
class SharedCounter {
public:
    virtual ~SharedCounter() = default;
    /// Adds `n`. @return  what it was before; not collective
    virtual std::int64_t fetch_add(std::int64_t n) = 0;
};

/// Element types that travel between ranks.
enum class ElementType { byte, int32, int64, float32, float64 };

template <class T>
struct ElementTypeOf;
template <>
struct ElementTypeOf<char> {
    static constexpr ElementType value = ElementType::byte;
};
template <>
struct ElementTypeOf<std::uint8_t> {
    static constexpr ElementType value = ElementType::byte;
};
template <>
struct ElementTypeOf<std::int32_t> {
    static constexpr ElementType value = ElementType::int32;
};
template <>
struct ElementTypeOf<std::int64_t> {
    static constexpr ElementType value = ElementType::int64;
};
template <>
struct ElementTypeOf<float> {
    static constexpr ElementType value = ElementType::float32;
};
template <>
struct ElementTypeOf<double> {
    static constexpr ElementType value = ElementType::float64;
};

std::int64_t size_of(ElementType type);

/// Memory that a collective reads or writes: pointer, 64-bit count of elements, their type, and where it lies.
/// With a queue it is memory of that queue's accelerator: the collective comes after what the queue was given before, and what the
/// queue is given next comes after the collective. All buffers of one call, on all ranks, are of the host or all of accelerators.
struct Buffer {
    void* data = nullptr;
    std::int64_t count = 0;
    ElementType type = ElementType::byte;
    device::Queue* queue = nullptr; ///< null: host memory
    std::int64_t bytes() const { return count * size_of(type); }
};

template <class T>
Buffer buffer(std::span<T> items) {
    return {const_cast<std::remove_const_t<T>*>(items.data()), static_cast<std::int64_t>(items.size()),
            ElementTypeOf<std::remove_const_t<T>>::value};
}

/// What one rank did in one kind of collective. `bytes` counts what this rank must send at least: (P-1)/P of its buffer in
/// a reduce-scatter, twice that in an all-reduce.
struct Traffic {
    struct Entry {
        std::int64_t calls = 0;
        std::int64_t bytes = 0;
        double seconds = 0;                              ///< inside the call, waiting for the others included
        std::int64_t device_calls = 0, device_bytes = 0; ///< of these, with an accelerator's memory
        std::int64_t bytes_between =
            0; ///< of these, to other nodes: of start_reduce_scatter, the others leave it to MPI
    };
    std::map<std::string, Entry> collective; ///< by name: "all_reduce", "reduce_scatter", "broadcast", "gather", …
    /// The same by the Region in which it was called ("lsf", "synthesis/survey"; empty outside of all), then by name.
    std::map<std::string, std::map<std::string, Entry>> by_region;
    std::int64_t bytes(const std::string& name) const;
    /// What another communicator did with an accelerator's memory: the rest it may have left to this one.
    void add_device_part(const Traffic& other);
};

/// A collective that goes on while its rank does other work. Its buffers must stay, untouched, until it has finished; dropped before that,
/// it finishes first.
class UnderWay {
public:
    virtual ~UnderWay() = default;
    /// Pushes the messages on, now and then, from the thread that started them: few networks go on without. What fails is thrown by finish().
    virtual void advance() noexcept = 0;
    /// Returns when this rank has all that is meant for it and may use its buffers again. Once.
    virtual void finish() = 0;
};

/// A group of ranks. Every public call but rank(), size() and traffic() is collective: all ranks call it, in one order.
/// Messages are kept apart from the caller's own by a duplicated communicator. Counts are 64-bit throughout.
class Communicator {
public:
    virtual ~Communicator() = default;
    virtual int rank() const = 0;
    virtual int size() const = 0;
    bool is_root() const { return rank() == 0; }

    /// Element-wise over ranks, in place. The order of summation depends on the number of ranks only.
    void all_reduce(Buffer data, Op op);
    template <class T>
    void all_reduce(std::vector<T>& data, Op op) {
        all_reduce(buffer(std::span<T>(data)), op);
    }
    template <class T>
    T all_reduce_value(T value, Op op) {
        all_reduce(buffer(std::span<T>(&value, 1)), op);
        return value;
    }

    /// Sum over ranks; rank r receives its own `counts[r]` consecutive elements (ragged counts and zeros are fine).
    /// `send.count` = sum of counts; `receive.count` = counts[rank()].
    void reduce_scatter(Buffer send, Buffer receive, std::span<const std::int64_t> counts);

    void broadcast(Buffer data, int root);
    void broadcast(std::string& text, int root);
    template <class T>
    void broadcast(std::vector<T>& data, int root) { ///< the length travels too
        std::int64_t n = static_cast<std::int64_t>(data.size());
        broadcast(buffer(std::span<std::int64_t>(&n, 1)), root);
        data.resize(static_cast<std::size_t>(n));
        broadcast(buffer(std::span<T>(data)), root);
    }
    template <class T>
    T broadcast_value(T value, int root) {
        broadcast(buffer(std::span<T>(&value, 1)), root);
        return value;
    }

    /// One value of each rank, in rank order, on every rank.
    template <class T>
    std::vector<T> all_gather_value(T value) {
        std::vector<T> out(static_cast<std::size_t>(size()));
        all_gather_bytes({&value, 1, ElementTypeOf<T>::value}, buffer(std::span<T>(out)));
        return out;
    }
    /// The concatenation of every rank's items (ragged), in rank order, on every rank.
    template <class T>
    std::vector<T> all_gather(std::span<const T> items) {
        const auto counts = all_gather_value(static_cast<std::int64_t>(items.size()));
        std::int64_t total = 0;
        for (const std::int64_t n : counts) { total += n; }
        std::vector<T> out(static_cast<std::size_t>(total));
        all_gather(buffer(items), buffer(std::span<T>(out)), counts);
        return out;
    }
    /// The same where every rank knows the counts: `send.count` = counts[rank()], `receive.count` = their sum.
    void all_gather(Buffer send, Buffer receive, std::span<const std::int64_t> counts);

    /// Ragged exchange: the first send_counts[0] elements go to rank 0, the next send_counts[1] to rank 1, …; received
    /// elements arrive in rank order. Counts are in elements; the buffers' counts are their sums.
    void all_to_all(Buffer send, std::span<const std::int64_t> send_counts, Buffer receive,
                    std::span<const std::int64_t> receive_counts);

    /// The same two, of host memory, as collectives under way: their bytes are counted here, their seconds as they pass. One at a time.
    /// The sums are in an order that depends on the ranks and their nodes, not on what arrives first. Where several nodes have ranks and
    /// one of them several, the ranks of a node sum first and send on one part each (docs/design.md).
    /// @param send  is used up: contents undefined afterwards
    /// @param room  for what arrives before it is summed: about as much as `send`. Grows as needed, to be used again
    std::unique_ptr<UnderWay> start_reduce_scatter(Buffer send, Buffer receive, std::span<const std::int64_t> counts,
                                                   std::vector<float>& room);
    std::unique_ptr<UnderWay> start_all_to_all(Buffer send, std::span<const std::int64_t> send_counts, Buffer receive,
                                               std::span<const std::int64_t> receive_counts);

    /// Sum of `value` over the ranks before this one; 0 on rank 0.
    std::int64_t exclusive_sum(std::int64_t value);

    void barrier();

    /// A barrier at which those that came early sleep instead of spinning: for ranks that have nothing to do while others work on
    /// the same node. Late by up to some milliseconds.
    /// @param patience  seconds to wait at most; none: for ever
    /// @return          whether all have come; where not, the group can only be ended
    bool sleep_until_all_arrive(std::optional<double> patience = {});

    /// The host waits until `queue` has done all that it was given, collectives of this group included.
    /// @throws Error(Kind::resource)  a collective failed, or takes so long that another rank must have failed
    virtual void wait(device::Queue& queue);

    /// Ranks with the same colour form a new group, ordered by key then rank.
    /// @param others  `work`: ranks_on_node() and rank_on_node() of the group go on counting the ranks of all groups
    virtual std::unique_ptr<Communicator> split(int colour, int key, Others others) = 0;
    std::unique_ptr<Communicator> split(int colour, int key) { return split(colour, key, Others::idle); }

    /// A counter that begins at 0; collective, and so is its end. Adding is one-sided: it waits for no other rank's program, but on
    /// a network without atomic operations of its own for rank 0's next call of MPI.
    virtual std::unique_ptr<SharedCounter> counter() = 0;

    /// How many ranks share this node's memory, this one included: those of this group, unless others work beside it.
    virtual int ranks_on_node() = 0;
    /// Which of them this one is, from 0, in the order of rank().
    virtual int rank_on_node() = 0;

    /// A pointer to the MPI_Comm for libraries that need it (parallel HDF5); nullptr for Self.
    virtual const void* native() const = 0;

    const Traffic& traffic() const { return traffic_; }

protected:
    /// Of the bytes of a collective that is counted, those that leave the node.
    void count_between(const char* name, std::int64_t bytes);

private:
    void all_gather_bytes(Buffer send, Buffer receive);
    template <class Call>
    void counted(const char* name, std::int64_t bytes, bool on_device, Call&& call);
    class Timed;

    virtual void do_all_reduce(Buffer data, Op op) = 0;
    virtual void do_reduce_scatter(Buffer send, Buffer receive, std::span<const std::int64_t> counts) = 0;
    virtual void do_broadcast(Buffer data, int root) = 0;
    virtual void do_all_gather(Buffer send, Buffer receive, std::span<const std::int64_t> counts) = 0;
    virtual void do_all_to_all(Buffer send, std::span<const std::int64_t> send_counts, Buffer receive,
                               std::span<const std::int64_t> receive_counts) = 0;
    /// Null: it is done already, as here, by the blocking ones.
    virtual std::unique_ptr<UnderWay> do_start_reduce_scatter(Buffer send, Buffer receive,
                                                              std::span<const std::int64_t> counts,
                                                              std::vector<float>& room);
    virtual std::unique_ptr<UnderWay> do_start_all_to_all(Buffer send, std::span<const std::int64_t> send_counts,
                                                          Buffer receive, std::span<const std::int64_t> receive_counts);
    virtual void do_barrier() = 0;
    virtual bool do_sleep_until_all_arrive(std::optional<double> /*patience*/) {
        do_barrier();
        return true;
    }

    Traffic traffic_;
};

/// One rank alone: every collective is the identity.
std::unique_ptr<Communicator> make_self_communicator();

/// Runs `work` on this rank, then all ranks compare notes: if it threw anywhere, every rank throws the Error of the lowest
/// rank that failed, so that all leave with the same message and exit code and nobody waits. `work` must not communicate.
/// std::bad_alloc becomes Kind::resource; any other exception Kind::internal.
void agree(Communicator& comm, const std::function<void()>& work);

} // namespace tessera
