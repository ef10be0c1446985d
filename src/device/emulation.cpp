// The host in the place of a GPU. What a queue is given waits until someone must have it done (a finish, a wait, a mark), so that
// code which forgets to wait reads old numbers here as it would there; and each access is compared with the order that queues and
// marks promise.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <complex>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "device/emulated_fft.hpp"
#include "device/memory_ledger.hpp"
#include "tessera/core/error.hpp"
#include "tessera/device/accelerator.hpp"
#include "tessera/device/device.hpp"

namespace tessera::device {

namespace {

class EmulatedAccelerator;

struct EmulatedMark final : Mark {
    std::size_t actor = 0;
    std::int64_t count = 0; ///< operations of the queue before it
    Clock clock{};
    std::shared_ptr<double> seconds = std::make_shared<double>(-1); ///< when it was reached
};

const EmulatedMark& own(const MarkPointer& mark) { return static_cast<const EmulatedMark&>(*mark); }

/// Memory that an operation of a library reads and writes.
struct Range {
    const void* memory;
    std::int64_t bytes;
    bool writes;
};

class EmulatedQueue final : public Queue {
public:
    EmulatedQueue(EmulatedAccelerator& accelerator, std::size_t actor);

    void copy_in(void* to, const void* host, std::int64_t bytes) override;
    void copy_out(void* host, const void* from, std::int64_t bytes) override;
    void copy(void* to, const void* from, std::int64_t bytes) override;
    void zero(void* memory, std::int64_t bytes) override;
    void multiply(const Product& product) override;
    void sort_by_key(const std::uint32_t* keys, const std::uint32_t* values, std::uint32_t* keys_out,
                     std::uint32_t* values_out, std::int64_t n, int n_bit) override;
    void exclusive_sum(const std::int64_t* in, std::int64_t* out, std::int64_t n) override;
    MarkPointer mark() override;
    void wait_for(const MarkPointer& mark) override;
    void finish() override {
        ++work().waits;
        run_until(given_);
        join(host_clock(), clock_);
    }
    void host_wait(const MarkPointer& mark) override;
    double seconds_between(const MarkPointer& from, const MarkPointer& to) override {
        return *own(to).seconds - *own(from).seconds;
    }

    /// An operation with the memory that it uses.
    void give(std::string name, std::vector<Range> ranges, std::function<void()> work);
    Step next_step(std::string name);
    void give_step(const Step& step, std::function<void()> work);
    void run_until(std::int64_t count);
    WorkCounts& work();

private:
    void launch(const Kernel& kernel, const void* body, std::int64_t n) override;
    void run_kernel(const Kernel& kernel, const std::vector<std::byte>& body, std::int64_t n, const Step& step);
    Clock& host_clock();
    MemoryLedger& ledger();

    EmulatedAccelerator& accelerator_;
    std::size_t actor_;
    Clock clock_{};
    std::int64_t given_ = 0, done_ = 0;
    std::deque<std::function<void()>> waiting_;
};

class EmulatedAccelerator final : public Accelerator {
public:
    explicit EmulatedAccelerator(const EmulationOptions& options) : options_(options) {
        info_ = {.kind = "emulated", .name = "emulation on the host", .index = 0, .memory = options.memory};
        for (std::size_t a = 0; a < host_actor; ++a) { queues_.push_back(std::make_unique<EmulatedQueue>(*this, a)); }
    }
    EmulatedAccelerator(const EmulatedAccelerator&) = delete;
    EmulatedAccelerator& operator=(const EmulatedAccelerator&) = delete;
    ~EmulatedAccelerator() override { drop_kept(); }
    const AcceleratorInfo& info() const override { return info_; }
    std::int64_t free_memory() override { return options_.memory - used_; }
    Queue& compute() override { return *queues_[0]; }
    Queue& transfer() override { return *queues_[1]; }
    Queue& exchange() override { return *queues_[2]; }

    void* reserve(std::int64_t bytes, Queue& queue, const char* what) override {
        if (bytes > free_memory()) { drop_kept(); }
        if (bytes > free_memory()) {
            throw Error({.kind = Kind::resource,
                         .where = fmt::format("memory of the accelerator ({})", info_.name),
                         .found = fmt::format("{} bytes free of {}", free_memory(), options_.memory),
                         .expected = fmt::format("{} bytes for {}", bytes, what),
                         .cure = "Use more ranks with an accelerator each, or parallel.device: cpu"});
        }
        auto& own_queue = static_cast<EmulatedQueue&>(queue);
        const Step step = own_queue.next_step(fmt::format("reserve {}", what));
        void* memory = ledger_.reserve(bytes, what, step);
        own_queue.give_step(step, [] {});
        used_ += bytes;
        ++info_.work.reservations;
        sizes_[memory] = bytes;
        return memory;
    }
    void release(void* memory, Queue& queue) noexcept override {
        auto& own_queue = static_cast<EmulatedQueue&>(queue);
        used_ -= sizes_[memory];
        sizes_.erase(memory);
        const Step step = own_queue.next_step("release");
        own_queue.give_step(step, [this, memory, step] { ledger_.release(memory, step); });
    }
    void* reserve_pinned(std::int64_t bytes) override { return ::operator new(static_cast<std::size_t>(bytes)); }
    void release_pinned(void* memory) noexcept override { ::operator delete(memory); }
    std::unique_ptr<FftPlan> plan_fft(Queue& queue, std::int64_t n_batch, std::int64_t n_y, std::int64_t n_x) override {
        const auto fft = std::make_shared<EmulatedFft>(n_batch, n_y, n_x);
        ++info_.work.fft_plans;
        return std::make_unique<Plan>(static_cast<EmulatedQueue&>(queue), fft);
    }

    MemoryLedger& ledger() { return ledger_; }
    Clock& host_clock() { return host_clock_; }
    EmulatedQueue& queue(std::size_t actor) { return *queues_[actor]; }
    const EmulationOptions& options() const { return options_; }
    AcceleratorInfo& counts() { return info_; }
    void fail(std::exception_ptr failure) { failure_ = std::move(failure); }
    const std::exception_ptr& failure() const { return failure_; }

private:
    class Plan final : public FftPlan {
    public:
        Plan(EmulatedQueue& queue, std::shared_ptr<EmulatedFft> fft) : queue_(queue), fft_(std::move(fft)) {}
        void forward(const float* planes, float* spectrum) override {
            ++queue_.work().launches;
            queue_.give("fft", {{planes, fft_->plane_bytes(), false}, {spectrum, fft_->spectrum_bytes(), true}},
                        [fft = fft_, planes, spectrum] { fft->forward(planes, spectrum); });
        }
        void inverse(float* spectrum, float* planes) override {
            ++queue_.work().launches;
            queue_.give("inverse fft", {{spectrum, fft_->spectrum_bytes(), true}, {planes, fft_->plane_bytes(), true}},
                        [fft = fft_, planes, spectrum] { fft->inverse(spectrum, planes); });
        }

    private:
        EmulatedQueue& queue_;
        std::shared_ptr<EmulatedFft> fft_;
    };

    EmulationOptions options_;
    AcceleratorInfo info_;
    MemoryLedger ledger_;
    Clock host_clock_{};
    std::int64_t used_ = 0;
    std::exception_ptr failure_;
    std::map<void*, std::int64_t> sizes_;
    std::vector<std::unique_ptr<EmulatedQueue>> queues_;
};

EmulatedQueue::EmulatedQueue(EmulatedAccelerator& accelerator, std::size_t actor)
    : Queue(accelerator), accelerator_(accelerator), actor_(actor) {}

Clock& EmulatedQueue::host_clock() { return accelerator_.host_clock(); }
MemoryLedger& EmulatedQueue::ledger() { return accelerator_.ledger(); }
WorkCounts& EmulatedQueue::work() { return accelerator_.counts().work; }

Step EmulatedQueue::next_step(std::string name) {
    join(clock_, host_clock()); // what the host has waited for is done
    ++clock_[actor_];
    return {std::move(name), actor_, clock_};
}

void EmulatedQueue::give_step(const Step& /*step*/, std::function<void()> work) {
    ++given_;
    waiting_.push_back(std::move(work));
}

void EmulatedQueue::run_until(std::int64_t count) {
    // Like a GPU's, an error stays: nothing is done after it, and every wait reports it.
    if (accelerator_.failure()) { std::rethrow_exception(accelerator_.failure()); }
    while (done_ < count) {
        const std::function<void()> work = std::move(waiting_.front());
        waiting_.pop_front();
        ++done_;
        try {
            work();
        } catch (...) {
            accelerator_.fail(std::current_exception());
            throw;
        }
    }
}

void EmulatedQueue::give(std::string name, std::vector<Range> ranges, std::function<void()> work) {
    const Step step = next_step(std::move(name));
    give_step(step, [this, step, ranges = std::move(ranges), work = std::move(work)] {
        for (const Range& range : ranges) {
            if (range.bytes == 0) { continue; }
            auto& piece = ledger().piece_of(range.memory, range.bytes, step);
            if (!accelerator_.options().checked) { continue; }
            range.writes ? ledger().write(piece, step) : ledger().read(piece, step);
        }
        work();
    });
}

void EmulatedQueue::copy_in(void* to, const void* host, std::int64_t bytes) {
    accelerator_.counts().copy_bytes += bytes;
    ++work().uploads;
    give("copy from the host", {{to, bytes, true}}, [=] { std::memcpy(to, host, static_cast<std::size_t>(bytes)); });
}

void EmulatedQueue::copy_out(void* host, const void* from, std::int64_t bytes) {
    accelerator_.counts().back_bytes += bytes;
    ++work().downloads;
    give("copy to the host", {{from, bytes, false}}, [=] { std::memcpy(host, from, static_cast<std::size_t>(bytes)); });
}

void EmulatedQueue::copy(void* to, const void* from, std::int64_t bytes) {
    ++work().launches;
    give("copy", {{from, bytes, false}, {to, bytes, true}},
         [=] { std::memmove(to, from, static_cast<std::size_t>(bytes)); });
}

void EmulatedQueue::zero(void* memory, std::int64_t bytes) {
    ++work().launches;
    give("zero", {{memory, bytes, true}}, [=] { std::memset(memory, 0, static_cast<std::size_t>(bytes)); });
}

void EmulatedQueue::multiply(const Product& p) {
    if (p.n_i == 0 || p.n_j == 0 || p.n_batch == 0) { return; }
    ++work().launches;
    const auto extent = [&](std::int64_t rows, std::int64_t row, std::int64_t n, std::int64_t stride) {
        return rows == 0 ? 0
                         : ((rows - 1) * row + n + (p.n_batch - 1) * stride) * static_cast<std::int64_t>(sizeof(float));
    };
    give("product",
         {{p.left, extent(p.n_k, p.left_row, p.n_i, p.left_stride), false},
          {p.right, extent(p.n_k, p.right_row, p.n_j, p.right_stride), false},
          {p.out, extent(p.n_i, p.out_row, p.n_j, p.out_stride), true}},
         [p, threads = accelerator_.options().threads] {
             device::for_each(Host{threads}, p.n_batch * p.n_i, 16, [&](std::int64_t at) {
                 const std::int64_t batch = at / p.n_i;
                 const std::int64_t i = at % p.n_i;
                 const float* left = p.left + batch * p.left_stride + i;
                 const float* right = p.right + batch * p.right_stride;
                 float* out = p.out + batch * p.out_stride + i * p.out_row;
                 if (!p.accumulate) { std::fill_n(out, p.n_j, 0.0F); }
                 for (std::int64_t k = 0; k < p.n_k; ++k) {
                     const float factor = left[k * p.left_row];
                     const float* row = right + k * p.right_row;
                     for (std::int64_t j = 0; j < p.n_j; ++j) { out[j] += factor * row[j]; }
                 }
             });
         });
}

void EmulatedQueue::sort_by_key(const std::uint32_t* keys, const std::uint32_t* values, std::uint32_t* keys_out,
                                std::uint32_t* values_out, std::int64_t n, int n_bit) {
    const std::int64_t bytes = n * static_cast<std::int64_t>(sizeof(std::uint32_t));
    ++work().launches;
    give("sort", {{keys, bytes, false}, {values, bytes, false}, {keys_out, bytes, true}, {values_out, bytes, true}},
         [=] {
             const std::uint32_t mask = n_bit >= 32 ? ~0U : (1U << static_cast<unsigned>(n_bit)) - 1;
             std::vector<std::int64_t> order(static_cast<std::size_t>(n));
             std::iota(order.begin(), order.end(), std::int64_t{0});
             std::stable_sort(order.begin(), order.end(),
                              [&](std::int64_t a, std::int64_t b) { return (keys[a] & mask) < (keys[b] & mask); });
             for (std::int64_t i = 0; i < n; ++i) {
                 keys_out[i] = keys[order[static_cast<std::size_t>(i)]];
                 values_out[i] = values[order[static_cast<std::size_t>(i)]];
             }
         });
}

void EmulatedQueue::exclusive_sum(const std::int64_t* in, std::int64_t* out, std::int64_t n) {
    const std::int64_t bytes = n * static_cast<std::int64_t>(sizeof(std::int64_t));
    ++work().launches;
    give("exclusive sum", {{in, bytes, false}, {out, bytes, true}},
         [=] { std::exclusive_scan(in, in + n, out, std::int64_t{0}); });
}

MarkPointer EmulatedQueue::mark() {
    auto mark = std::make_shared<EmulatedMark>();
    const Step step = next_step("mark");
    give_step(step, [seconds = mark->seconds] {
        *seconds = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    });
    mark->actor = actor_;
    mark->count = given_;
    mark->clock = step.clock;
    return mark;
}

void EmulatedQueue::wait_for(const MarkPointer& mark) {
    const EmulatedMark& other = own(mark);
    join(clock_, other.clock);
    give_step(next_step("wait"),
              [this, actor = other.actor, count = other.count] { accelerator_.queue(actor).run_until(count); });
}

void EmulatedQueue::host_wait(const MarkPointer& mark) {
    const EmulatedMark& other = own(mark);
    ++work().waits;
    accelerator_.queue(other.actor).run_until(other.count);
    join(host_clock(), other.clock);
}

void EmulatedQueue::launch(const Kernel& kernel, const void* body, std::int64_t n) {
    std::vector<std::byte> copy(kernel.bytes);
    std::memcpy(copy.data(), body, kernel.bytes);
    ++work().launches;
    const Step step = next_step(kernel.name);
    give_step(step, [this, &kernel, copy = std::move(copy), n, step] { run_kernel(kernel, copy, n, step); });
}

void EmulatedQueue::run_kernel(const Kernel& kernel, const std::vector<std::byte>& body, std::int64_t n,
                               const Step& step) {
    // What it may touch is found by its pointers, what it writes by the difference: nothing has to be declared.
    std::vector<MemoryLedger::Piece*> pieces;
    std::vector<std::vector<std::byte>> before;
    if (accelerator_.options().checked) {
        pieces = ledger().pieces_in(body, step);
        for (auto* piece : pieces) {
            ledger().read(*piece, step);
            const auto bytes = MemoryLedger::bytes_of(*piece);
            before.emplace_back(bytes.begin(), bytes.end());
        }
    }
    // From the end, in small parts: a GPU promises no order.
    constexpr std::int64_t grain = 256;
    const std::int64_t n_part = (n + grain - 1) / grain;
    device::for_each(Host{accelerator_.options().threads}, n_part, 1, [&](std::int64_t part) {
        const std::int64_t first = (n_part - 1 - part) * grain;
        kernel.on_host(body.data(), first, std::min(n, first + grain));
    });
    for (std::size_t i = 0; i < before.size(); ++i) {
        const auto bytes = MemoryLedger::bytes_of(*pieces[i]);
        if (!std::equal(bytes.begin(), bytes.end(), before[i].begin())) { ledger().write(*pieces[i], step); }
    }
}

} // namespace

std::unique_ptr<Accelerator> emulate(const EmulationOptions& options) {
    return std::make_unique<EmulatedAccelerator>(options);
}

} // namespace tessera::device
