#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

#include "tessera/device/kernel.hpp"

namespace tessera::device {

template <class T>
class Buffer;

/// A point in the work of a queue: reached when all that the queue was given before is done.
class Mark {
public:
    virtual ~Mark() = default;
};
using MarkPointer = std::shared_ptr<Mark>;

/// Matrix product in single precision, row-major, `n_batch` of them a stride apart:
/// out[i, j] (+)= sum over k of left[k, i] · right[k, j].
struct Product {
    const float* left = nullptr;  ///< [k, i], rows `left_row` apart
    const float* right = nullptr; ///< [k, j], rows `right_row` apart
    float* out = nullptr;         ///< [i, j], rows `out_row` apart
    std::int64_t n_i = 0, n_j = 0, n_k = 0;
    std::int64_t left_row = 0, right_row = 0, out_row = 0;
    bool accumulate = false; ///< adds to what stands in `out`
    std::int64_t n_batch = 1;
    std::int64_t left_stride = 0, right_stride = 0, out_stride = 0;
};

/// Batched two-dimensional transforms of real planes [batch, y, x] to half-complex ones [batch, y, x / 2 + 1] and back, without
/// normalisation. Planned once, used often.
class FftPlan {
public:
    virtual ~FftPlan() = default;
    /// @param spectrum  [batch, n_y, n_x / 2 + 1] pairs of real and imaginary part
    virtual void forward(const float* planes, float* spectrum) = 0;
    virtual void inverse(float* spectrum, float* planes) = 0; ///< `spectrum` is overwritten
};

/// Work for an accelerator, done in the order it is given (a CUDA stream). Calls return at once; pointers are the
/// accelerator's unless a parameter is called `host`. What one queue leaves for another needs a mark, or wait_for.
/// @throws Error(Kind::resource)  any call: with the name of the failing CUDA call and its text, perhaps of earlier work
class Queue {
public:
    virtual ~Queue() = default;

    /// body(i) for i in [0, n), in any order and together.
    template <KernelBody Body>
    void for_each(std::int64_t n, const Body& body) {
        if (n <= 0) { return; }
        Body copy = body;
        clear_padding(copy);
        launch(kernel_of<Body>(), &copy, n);
    }
    /// What for_each comes to, for a queue that hands on what it is given; n > 0.
    virtual void launch(const Kernel& kernel, const void* body, std::int64_t n) = 0;

    /// `host` must neither change nor go before finish() or a reached mark. It is faster where it is pinned.
    template <class T>
    void upload(Buffer<T>& to, std::span<const T> host, std::int64_t first = 0);
    template <class T>
    void upload(Buffer<T>& to, const std::vector<T>& host) {
        upload(to, std::span<const T>(host));
    }
    /// `host` is only to be read after finish() or a reached mark.
    template <class T>
    void download(const Buffer<T>& from, std::span<T> host, std::int64_t first = 0);
    virtual void copy_in(void* to, const void* host, std::int64_t bytes) = 0;
    virtual void copy_out(void* host, const void* from, std::int64_t bytes) = 0;
    virtual void copy(void* to, const void* from, std::int64_t bytes) = 0;
    virtual void zero(void* memory, std::int64_t bytes) = 0;
    template <class T>
    void zero(Buffer<T>& buffer) {
        zero(buffer.data(), buffer.bytes());
    }

    virtual void multiply(const Product& product) = 0;
    /// Stable, ascending, by the lowest `n_bit` bits. The results stand in the `_out` arrays; the inputs are left alone.
    virtual void sort_by_key(const std::uint32_t* keys, const std::uint32_t* values, std::uint32_t* keys_out,
                             std::uint32_t* values_out, std::int64_t n, int n_bit) = 0;
    /// out[i] = in[0] + … + in[i - 1]; in and out may be the same.
    virtual void exclusive_sum(const std::int64_t* in, std::int64_t* out, std::int64_t n) = 0;

    virtual MarkPointer mark() = 0;
    virtual void wait_for(const MarkPointer& mark) = 0; ///< what this queue is given next comes after the mark
    void wait_for(Queue& other) { wait_for(other.mark()); }
    virtual void finish() = 0;                           ///< the host waits until all is done
    virtual void host_wait(const MarkPointer& mark) = 0; ///< the host waits for the mark
    /// Seconds between two marks of this queue, both reached.
    virtual double seconds_between(const MarkPointer& from, const MarkPointer& to) = 0;

    virtual void* native() { return nullptr; } ///< the cudaStream_t; null in the emulation
    class Accelerator& accelerator() const { return *accelerator_; }

protected:
    explicit Queue(Accelerator& accelerator) : accelerator_(&accelerator) {}

private:
    Accelerator* accelerator_;
};

/// What an accelerator was given so far, all queues together: what a galaxy costs besides arithmetic. Counted.
struct WorkCounts {
    std::int64_t launches = 0;     ///< loops, products, transforms, sorts, sums; zeroing and copies within its memory
    std::int64_t uploads = 0;      ///< copies from the host
    std::int64_t downloads = 0;    ///< copies to the host
    std::int64_t reservations = 0; ///< of its memory
    std::int64_t fft_plans = 0;    ///< made
    std::int64_t waits = 0;        ///< of the host, for a queue or a mark

    WorkCounts since(const WorkCounts& before) const {
        return {launches - before.launches,         uploads - before.uploads,     downloads - before.downloads,
                reservations - before.reservations, fft_plans - before.fft_plans, waits - before.waits};
    }
};

struct AcceleratorInfo {
    std::string kind;            ///< "cuda" or "emulated"
    std::string name;            ///< of the product
    int index = 0;               ///< on the node
    std::int64_t memory = 0;     ///< bytes
    std::int64_t copy_bytes = 0; ///< host to device so far, and back: counted
    std::int64_t back_bytes = 0;
    WorkCounts work = {};
};

/// A processor with memory and queues of its own: a GPU, or its emulation on the host. One a rank; not for several threads.
class Accelerator {
public:
    virtual ~Accelerator() = default;
    virtual const AcceleratorInfo& info() const = 0;
    virtual std::int64_t free_memory() = 0; ///< bytes that could be had now
    /// How many ranks, this one included, use it: each plans with its share of what is free.
    void share_among(int n_rank) { n_rank_ = n_rank; }
    std::int64_t free_share() { return free_memory() / n_rank_; }

    /// Three queues: kernels, copies from and to the host, exchange with other ranks.
    virtual Queue& compute() = 0;
    virtual Queue& transfer() = 0;
    virtual Queue& exchange() = 0;

    /// Memory for what `queue` is given next. @param what  for the error, e.g. "row weights"
    /// @throws Error(Kind::resource)  there is not so much: says how much is asked for, how much is left
    virtual void* reserve(std::int64_t bytes, Queue& queue, const char* what) = 0;
    /// Goes back when `queue` has done what it was given so far.
    virtual void release(void* memory, Queue& queue) noexcept = 0;
    /// Host memory that copies are fast from and to.
    virtual void* reserve_pinned(std::int64_t bytes) = 0;
    virtual void release_pinned(void* memory) noexcept = 0;

    virtual std::unique_ptr<FftPlan> plan_fft(Queue& queue, std::int64_t n_batch, std::int64_t n_y,
                                              std::int64_t n_x) = 0;

    /// What many galaxies have in common there: make() the first time, the same again for an equal key, whoever asks. What was asked
    /// for last stays, at most 64 things and a sixteenth of the memory; anything larger is its user's alone.
    /// @param key    names it with all that it depends on;  bytes  of the accelerator's memory that it takes
    /// @param make   a std::shared_ptr<T>, ready for what the compute queue is given next
    template <class T, class Make>
    std::shared_ptr<T> keep(const std::string& key, std::int64_t bytes, const Make& make) {
        const std::string typed = typeid(T).name() + key;
        if (const std::shared_ptr<const void> there = kept(typed)) {
            return std::const_pointer_cast<T>(std::static_pointer_cast<const T>(there));
        }
        std::shared_ptr<T> made = make();
        add_kept(typed, bytes, made);
        return made;
    }
    /// Lets go of all that keep() keeps. Accelerators do so before they say that there is no memory, and as the first thing when they go.
    void drop_kept() noexcept { kept_.clear(); }

private:
    struct Kept {
        std::string key;
        std::int64_t bytes = 0;
        std::shared_ptr<const void> thing;
    };
    std::shared_ptr<const void> kept(const std::string& key);
    void add_kept(const std::string& key, std::int64_t bytes, const std::shared_ptr<const void>& thing);

    int n_rank_ = 1;
    std::list<Kept> kept_; ///< the latest first
};

/// An array in an accelerator's memory, of trivially copyable elements; contents undefined when made. Belongs to a queue: other queues
/// that use it must be waited for by that one before it goes.
template <class T>
class Buffer {
public:
    static_assert(std::is_trivially_copyable_v<T>);
    Buffer() = default;
    Buffer(Queue& queue, std::int64_t n, const char* what)
        : queue_(&queue), data_(n > 0 ? static_cast<T*>(queue.accelerator().reserve(
                                            n * static_cast<std::int64_t>(sizeof(T)), queue, what))
                                      : nullptr),
          n_(n) {}
    Buffer(Queue& queue, const std::vector<T>& host, const char* what)
        : Buffer(queue, static_cast<std::int64_t>(host.size()), what) {
        queue.upload(*this, host);
    }
    Buffer(Buffer&& other) noexcept
        : queue_(std::exchange(other.queue_, nullptr)), data_(std::exchange(other.data_, nullptr)),
          n_(std::exchange(other.n_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(queue_, other.queue_);
        std::swap(data_, other.data_);
        std::swap(n_, other.n_);
        return *this;
    }
    ~Buffer() {
        if (data_ != nullptr) { queue_->accelerator().release(data_, *queue_); }
    }

    T* data() { return data_; }
    const T* data() const { return data_; }
    std::int64_t size() const { return n_; }
    std::int64_t bytes() const { return n_ * static_cast<std::int64_t>(sizeof(T)); }

private:
    Queue* queue_ = nullptr;
    T* data_ = nullptr;
    std::int64_t n_ = 0;
};

/// An array in pinned host memory.
template <class T>
class Pinned {
public:
    static_assert(std::is_trivially_copyable_v<T>);
    Pinned() = default;
    Pinned(Accelerator& accelerator, std::int64_t n)
        : accelerator_(&accelerator),
          data_(n > 0 ? static_cast<T*>(accelerator.reserve_pinned(n * static_cast<std::int64_t>(sizeof(T))))
                      : nullptr),
          n_(n) {}
    Pinned(Pinned&& other) noexcept
        : accelerator_(other.accelerator_), data_(std::exchange(other.data_, nullptr)), n_(std::exchange(other.n_, 0)) {
    }
    Pinned& operator=(Pinned&& other) noexcept {
        std::swap(accelerator_, other.accelerator_);
        std::swap(data_, other.data_);
        std::swap(n_, other.n_);
        return *this;
    }
    ~Pinned() {
        if (data_ != nullptr) { accelerator_->release_pinned(data_); }
    }
    T* data() { return data_; }
    std::int64_t size() const { return n_; }
    std::span<T> span() { return {data_, static_cast<std::size_t>(n_)}; }

private:
    Accelerator* accelerator_ = nullptr;
    T* data_ = nullptr;
    std::int64_t n_ = 0;
};

template <class T>
void Queue::upload(Buffer<T>& to, std::span<const T> host, std::int64_t first) {
    if (!host.empty()) { copy_in(to.data() + first, host.data(), static_cast<std::int64_t>(host.size_bytes())); }
}

template <class T>
void Queue::download(const Buffer<T>& from, std::span<T> host, std::int64_t first) {
    if (!host.empty()) { copy_out(host.data(), from.data() + first, static_cast<std::int64_t>(host.size_bytes())); }
}

/// How strictly the emulation looks at what it is given.
struct EmulationOptions {
    std::int64_t memory = std::int64_t{1} << 34; ///< that it pretends to have, bytes
    bool checked = true;                         ///< use after free, missing waits and host pointers are errors
    int threads = 1;
};

/// The host in the place of a GPU: the same calls, the same order of work, nothing done before it must be.
/// @throws Error(Kind::internal)  from its queues: work that a GPU would get wrong, with the name of the kernel
std::unique_ptr<Accelerator> emulate(const EmulationOptions& options = {});

/// GPU `index` of this node, through the library of CUDA parts, which is loaded now.
/// @throws Error(Kind::resource)  no such library, driver or GPU: says what was looked for, where, and what was found
std::unique_ptr<Accelerator> open_cuda(int index);

/// @throws Error(Kind::config)  not a word that open_accelerator knows
void check_device_name(std::string_view asked);

/// What `parallel.device` asks for: "cpu" (null), "cuda" or "cuda:N", "emulated" (with as much memory as TESSERA_EMULATED_MEMORY says, bytes), "auto" (a GPU where there is one, else null). Without a
/// number the ranks of a node take its GPUs in turn.
/// @throws Error(Kind::resource)  asked for and not there
std::unique_ptr<Accelerator> open_accelerator(std::string_view asked, int rank_on_node, int threads);

/// A rank's accelerator for one galaxy after the other: opened when it is first asked for, then the same one.
class AcceleratorSlot {
public:
    /// As open_accelerator, which is called again when other things are asked for than the last time.
    std::shared_ptr<Accelerator> open(std::string_view asked, int rank_on_node, int threads);
    /// After an error, which may stay with an accelerator: the next one is opened anew.
    void drop() { accelerator_.reset(); }

private:
    std::string asked_;
    int rank_on_node_ = 0, threads_ = 0;
    std::shared_ptr<Accelerator> accelerator_;
};

} // namespace tessera::device
