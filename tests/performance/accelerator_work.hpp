#pragma once

#include <cstdint>
#include <string>

#include "tessera/device/accelerator.hpp"

namespace tessera::bench {

/// What an operation cannot do without, counted from its sizes.
struct Work {
    double bytes = 0;         ///< to and from memory: every array once
    double cache_bytes = 0;   ///< read again and again, from the second-level cache
    double multiply_adds = 0; ///< single precision, or integers
    double doubles = 0;       ///< multiply-adds in double precision
    double shared_adds = 0;   ///< additions to memory that others add to as well
    Work& operator+=(const Work& more);
};

/// Of a loop body, found by the name of its kernel; nothing for a kernel that is not worth counting. What depends on numbers in the
/// accelerator's memory (stars that a loop passes over, templates that nobody wants) is counted as if all were wanted.
/// @param n_star    stars that are looked at, where the body does not say it
/// @param readable  the emulation, all work before done: those numbers are looked at
Work work_of(const std::string& kernel, const void* body, std::int64_t n, std::int64_t n_star, bool readable);
Work work_of(const device::Product& product);
/// One direction of a batch of transforms.
Work work_of_fft(std::int64_t n_batch, std::int64_t n_y, std::int64_t n_x);

/// What an accelerator can do in a second.
struct Rates {
    std::string name = "prediction: 4 TB/s, 60 TFLOP/s";
    double bytes = 4e12;
    double cache_bytes = 6e12;
    double multiply_adds = 30e12;
    double doubles = 15e12;
    double shared_adds = 5e10;
    double host_bytes = 5e10; ///< to and from the host
    double launch = 4e-6;     ///< s, an operation at least
};

/// The least time of an operation, and what limits it ("memory", "arithmetic", …).
struct Limit {
    double seconds = 0;
    const char* by = "launch";
};
Limit limit_of(const std::string& name, const Work& work, const Rates& rates);

} // namespace tessera::bench
