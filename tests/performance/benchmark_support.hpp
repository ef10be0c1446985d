#pragma once

// What the benchmarks share: the machine's roofs, measured in the same run, and a galaxy of a real size.
#include <chrono>

#include <benchmark/benchmark.h>

#include "tessera/ssp/library.hpp"
#include "tessera/view/spaxel_stars.hpp"

namespace tessera::bench {

/// Single-precision matrix product of a BLAS (1024 × 1024 × 1024) on so many threads, multiply-adds per second; 0 without a BLAS.
/// Measured once. Debian's OpenBLAS takes some CPUs with AVX-512 for older ones: OPENBLAS_CORETYPE=SkylakeX in the environment tells it.
double matrix_rate(int threads);

/// STREAM triad a = b + s · c on 3 × 128 MiB (McCalpin 1995), bytes per second, 12 an element. Measured once.
double triad_rate(int threads);

/// Seconds since it was made.
class Stopwatch {
public:
    double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point start_ = Clock::now();
};

/// What one iteration did, for the counters of a benchmark.
struct Work {
    double multiply_adds = 0;
    double bytes = 0; ///< moved to and from memory
    double stars = 0;
    int threads = 1;
    double max_rel_error = -1; ///< against a plain formula in double; < 0: not measured
};

/// Rates, their share of the roof on as many threads, and the error, as counters. @param seconds  of all iterations
void report(benchmark::State& state, const Work& work, double seconds);

/// 56 ages × 7 metallicities × 6789 wavelengths from 3000 to 10000 Angstrom, as BC03-MILES has; continua with lines, no physics.
const ssp::Library& large_library();

/// An inclined, rotating disc on 25 × 25 spaxels: ages, metallicities and velocities of a galaxy. Seeds fixed.
SpaxelStars disc(std::int64_t n_star);

} // namespace tessera::bench
