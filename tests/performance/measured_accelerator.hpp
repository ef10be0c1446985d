#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tessera/device/accelerator.hpp"
#include "tests/performance/accelerator_work.hpp"

namespace tessera::bench {

/// One thing that a queue was given, timed by marks before and after it.
struct Operation {
    std::string stage, name;
    Work work;
    double seconds = 0;
};

class MeasuredQueue;

/// An accelerator that hands everything on to another one and, while it records, puts a mark before and after each operation. Marks keep
/// kernels from following each other closely: what a whole run takes is to be measured without recording.
class MeasuredAccelerator final : public device::Accelerator {
public:
    explicit MeasuredAccelerator(std::shared_ptr<device::Accelerator> inner);
    ~MeasuredAccelerator() override;

    /// Operations from now on are kept. @param n_star  in the run, for the work of kernels that look at all of them
    /// @param counting  on the emulation: work is counted exactly, one operation after the other
    void record(std::int64_t n_star, bool counting);
    void stage(std::string name) { stage_ = std::move(name); }
    /// Waits, stops recording and takes what was kept.
    std::vector<Operation> take();

    const device::AcceleratorInfo& info() const override { return inner_->info(); }
    std::int64_t free_memory() override { return inner_->free_memory(); }
    device::Queue& compute() override;
    device::Queue& transfer() override;
    device::Queue& exchange() override;
    void* reserve(std::int64_t bytes, device::Queue& queue, const char* what) override;
    void release(void* memory, device::Queue& queue) noexcept override;
    void* reserve_pinned(std::int64_t bytes) override { return inner_->reserve_pinned(bytes); }
    void release_pinned(void* memory) noexcept override { inner_->release_pinned(memory); }
    std::unique_ptr<device::FftPlan> plan_fft(device::Queue& queue, std::int64_t n_batch, std::int64_t n_y,
                                              std::int64_t n_x) override;

private:
    friend class MeasuredQueue;
    struct Pending {
        Operation operation;
        device::Queue* queue;
        device::MarkPointer begin, end;
    };
    std::shared_ptr<device::Accelerator> inner_;
    std::vector<std::unique_ptr<MeasuredQueue>> queues_;
    std::vector<Pending> pending_;
    std::string stage_;
    std::int64_t n_star_ = 0;
    bool recording_ = false, counting_ = false;
};

} // namespace tessera::bench
