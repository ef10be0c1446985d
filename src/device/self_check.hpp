#pragma once

#include <cmath>
#include <cstdint>

#include "tessera/core/random.hpp"
#include "tessera/core/view.hpp"
#include "tessera/device/kernel.hpp"

namespace tessera::device {

/// Loops that no stage needs: tests and `gpu_check` run them on an accelerator, whose answer they know.

/// y[i] = factor · x[i] + y[i]: two reads and a write, nothing else.
struct SelfCheckScale {
    static constexpr const char* name = "device/self_check_scale";
    const float* x;
    float* y;
    float factor;
    TESSERA_HD void operator()(std::int64_t i) const { y[i] = factor * x[i] + y[i]; }
};

/// count[i % n_bin] += i, by many threads at once.
struct SelfCheckSum {
    static constexpr const char* name = "device/self_check_sum";
    std::int64_t* count;
    std::int64_t n_bin;
    TESSERA_HD void operator()(std::int64_t i) const { add_shared(count[i % n_bin], i); }
};

/// The words of the random generator, which are integers and hence the same everywhere.
struct SelfCheckRandom {
    static constexpr const char* name = "device/self_check_random";
    std::uint32_t* word; ///< [i, 4]
    std::uint64_t seed;
    TESSERA_HD void operator()(std::int64_t i) const {
        const Philox random = Philox::at(seed, 1, static_cast<std::uint64_t>(i));
        for (int k = 0; k < 4; ++k) { word[4 * i + k] = random.word[k]; }
    }
};

/// Functions of the mathematical library, which round differently from the host's in the last bits.
struct SelfCheckMath {
    static constexpr const char* name = "device/self_check_math";
    double* out; ///< [i, 4]
    TESSERA_HD void operator()(std::int64_t i) const {
        const double x = 1e-3 * static_cast<double>(i + 1);
        out[4 * i] = std::sqrt(x);
        out[4 * i + 1] = std::log(x);
        out[4 * i + 2] = std::exp(-x);
        out[4 * i + 3] = std::cos(x);
    }
};

/// Keeps a queue busy for a while, and then writes: what comes too early finds zeros.
struct SelfCheckSlow {
    static constexpr const char* name = "device/self_check_slow";
    float* out;
    std::int64_t n_step;
    TESSERA_HD void operator()(std::int64_t i) const {
        float x = 1;
        for (std::int64_t k = 0; k < n_step; ++k) { x = x * 0.5F + 0.5F; } // stays 1, which no compiler sees
        out[i] = x;
    }
};

} // namespace tessera::device
