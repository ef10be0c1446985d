#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <new>

#include <fftw3.h>

/// FFTW's planner and memory.
namespace tessera {

/// The planner is the one part of FFTW that two threads must not enter together.
inline std::mutex& fftw_planner() {
    static std::mutex mutex;
    return mutex;
}

struct FftwFree {
    void operator()(double* memory) const { fftw_free(memory); }
};
/// As FFTW wants it aligned.
using FftwScratch = std::unique_ptr<double, FftwFree>;

inline FftwScratch fftw_scratch(std::int64_t n_double) {
    FftwScratch memory(fftw_alloc_real(static_cast<std::size_t>(n_double)));
    if (!memory) { throw std::bad_alloc(); }
    return memory;
}

inline fftw_complex* as_complex(double* memory) { return reinterpret_cast<fftw_complex*>(memory); }

/// Always the same plan (FFTW_ESTIMATE), and so the same bits, on every rank and in every run.
class FftwPlan {
public:
    template <class Make, class... Arguments>
    explicit FftwPlan(Make make, Arguments... arguments) {
        const std::lock_guard lock(fftw_planner());
        plan_ = make(arguments..., FFTW_ESTIMATE);
        if (plan_ == nullptr) { throw std::bad_alloc(); }
    }
    FftwPlan(const FftwPlan&) = delete;
    FftwPlan& operator=(const FftwPlan&) = delete;
    ~FftwPlan() {
        const std::lock_guard lock(fftw_planner());
        fftw_destroy_plan(plan_);
    }
    fftw_plan get() const { return plan_; }

private:
    fftw_plan plan_ = nullptr;
};

} // namespace tessera
