#include "tests/performance/measured_accelerator.hpp"

#include <utility>

namespace tessera::bench {

using device::MarkPointer;
using device::Queue;

class MeasuredQueue final : public Queue {
public:
    MeasuredQueue(MeasuredAccelerator& owner, Queue& inner) : Queue(owner), owner_(owner), inner_(inner) {}
    Queue& inner() { return inner_; }

    /// give() does the work; timed while the accelerator records.
    template <class Give>
    void time(const char* name, const Work& work, const Give& give) {
        if (!owner_.recording_) {
            give();
            return;
        }
        MarkPointer begin = inner_.mark();
        give();
        owner_.pending_.push_back({{owner_.stage_, name, work}, &inner_, std::move(begin), inner_.mark()});
    }
    static Work moved(std::int64_t bytes) { return {.bytes = static_cast<double>(bytes)}; }

    void launch(const device::Kernel& kernel, const void* body, std::int64_t n) override {
        Work work;
        if (owner_.recording_) {
            if (owner_.counting_) { inner_.finish(); }
            work = work_of(kernel.name, body, n, owner_.n_star_, owner_.counting_);
        }
        time(kernel.name, work, [&] { inner_.launch(kernel, body, n); });
    }
    void copy_in(void* to, const void* host, std::int64_t bytes) override {
        time("copy to the device", moved(bytes), [&] { inner_.copy_in(to, host, bytes); });
    }
    void copy_out(void* host, const void* from, std::int64_t bytes) override {
        time("copy to the host", moved(bytes), [&] { inner_.copy_out(host, from, bytes); });
    }
    void copy(void* to, const void* from, std::int64_t bytes) override {
        time("copy", moved(2 * bytes), [&] { inner_.copy(to, from, bytes); });
    }
    using Queue::zero;
    void zero(void* memory, std::int64_t bytes) override {
        time("zero", moved(bytes), [&] { inner_.zero(memory, bytes); });
    }
    void multiply(const device::Product& product) override {
        time("product", work_of(product), [&] { inner_.multiply(product); });
    }
    void sort_by_key(const std::uint32_t* keys, const std::uint32_t* values, std::uint32_t* keys_out,
                     std::uint32_t* values_out, std::int64_t n, int n_bit) override {
        const std::int64_t n_pass = (n_bit + 7) / 8; // keys are counted once, then keys and values go once a digit
        time("sort", moved(n * (4 + 16 * n_pass)),
             [&] { inner_.sort_by_key(keys, values, keys_out, values_out, n, n_bit); });
    }
    void exclusive_sum(const std::int64_t* in, std::int64_t* out, std::int64_t n) override {
        time("exclusive sum", moved(16 * n), [&] { inner_.exclusive_sum(in, out, n); });
    }
    MarkPointer mark() override { return inner_.mark(); }
    using Queue::wait_for;
    void wait_for(const MarkPointer& mark) override { inner_.wait_for(mark); }
    void finish() override { inner_.finish(); }
    void host_wait(const MarkPointer& mark) override { inner_.host_wait(mark); }
    double seconds_between(const MarkPointer& from, const MarkPointer& to) override {
        return inner_.seconds_between(from, to);
    }
    void* native() override { return inner_.native(); }

private:
    MeasuredAccelerator& owner_;
    Queue& inner_;
};

namespace {

Queue& inner_of(Queue& queue) { return static_cast<MeasuredQueue&>(queue).inner(); }

class MeasuredFft final : public device::FftPlan {
public:
    MeasuredFft(std::unique_ptr<device::FftPlan> inner, MeasuredQueue& queue, const Work& work)
        : inner_(std::move(inner)), queue_(queue), work_(work) {}
    void forward(const float* planes, float* spectrum) override {
        queue_.time("fft", work_, [&] { inner_->forward(planes, spectrum); });
    }
    void inverse(float* spectrum, float* planes) override {
        queue_.time("inverse fft", work_, [&] { inner_->inverse(spectrum, planes); });
    }

private:
    std::unique_ptr<device::FftPlan> inner_;
    MeasuredQueue& queue_;
    Work work_;
};

} // namespace

MeasuredAccelerator::MeasuredAccelerator(std::shared_ptr<device::Accelerator> inner) : inner_(std::move(inner)) {
    for (Queue* queue : {&inner_->compute(), &inner_->transfer(), &inner_->exchange()}) {
        queues_.push_back(std::make_unique<MeasuredQueue>(*this, *queue));
    }
}
MeasuredAccelerator::~MeasuredAccelerator() { drop_kept(); }

Queue& MeasuredAccelerator::compute() { return *queues_[0]; }
Queue& MeasuredAccelerator::transfer() { return *queues_[1]; }
Queue& MeasuredAccelerator::exchange() { return *queues_[2]; }

void MeasuredAccelerator::record(std::int64_t n_star, bool counting) {
    pending_.clear();
    n_star_ = n_star;
    recording_ = true;
    counting_ = counting;
}

std::vector<Operation> MeasuredAccelerator::take() {
    recording_ = false;
    for (const auto& queue : queues_) { queue->inner().finish(); }
    std::vector<Operation> out;
    for (Pending& pending : pending_) {
        pending.operation.seconds = pending.queue->seconds_between(pending.begin, pending.end);
        out.push_back(std::move(pending.operation));
    }
    pending_.clear();
    return out;
}

void* MeasuredAccelerator::reserve(std::int64_t bytes, Queue& queue, const char* what) {
    return inner_->reserve(bytes, inner_of(queue), what);
}
void MeasuredAccelerator::release(void* memory, Queue& queue) noexcept { inner_->release(memory, inner_of(queue)); }

std::unique_ptr<device::FftPlan> MeasuredAccelerator::plan_fft(Queue& queue, std::int64_t n_batch, std::int64_t n_y,
                                                               std::int64_t n_x) {
    return std::make_unique<MeasuredFft>(inner_->plan_fft(inner_of(queue), n_batch, n_y, n_x),
                                         static_cast<MeasuredQueue&>(queue), work_of_fft(n_batch, n_y, n_x));
}

} // namespace tessera::bench
