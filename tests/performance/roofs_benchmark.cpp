// What this machine can do at most: multiply-adds of a matrix product, and bytes to and from memory.
#include "tests/performance/benchmark_support.hpp"

namespace tessera::bench {
namespace {

void sgemm(benchmark::State& state) {
    const auto threads = static_cast<int>(state.range(0));
    for (auto _ : state) { benchmark::DoNotOptimize(matrix_rate(threads)); }
    if (matrix_rate(threads) > 0) {
        state.counters["GFMA/s"] = matrix_rate(threads) * 1e-9;
    } else {
        state.SkipWithError("no BLAS whose threads can be set");
    }
}
BENCHMARK(sgemm)->ArgName("threads")->Arg(1)->Arg(2)->Iterations(1);

void triad(benchmark::State& state) {
    const auto threads = static_cast<int>(state.range(0));
    for (auto _ : state) { benchmark::DoNotOptimize(triad_rate(threads)); }
    state.counters["GB/s"] = triad_rate(threads) * 1e-9;
}
BENCHMARK(triad)->ArgName("threads")->Arg(1)->Arg(2)->Iterations(1);

} // namespace
} // namespace tessera::bench

BENCHMARK_MAIN();
