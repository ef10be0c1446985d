#include "tests/performance/benchmark_support.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "tessera/core/random.hpp"
#include "tessera/device/device.hpp"

#ifdef TESSERA_HAS_BLAS
extern "C" {
void sgemm_(const char* transpose_a, const char* transpose_b, const int* m, const int* n, const int* k,
            const float* alpha, const float* a, const int* lda, const float* b, const int* ldb, const float* beta,
            float* c, const int* ldc);
void openblas_set_num_threads(int) __attribute__((weak)); // other BLAS libraries go by their environment
}
#endif

namespace tessera::bench {

namespace {

/// Least seconds of a call in a few.
template <class Call>
double least_seconds(int times, const Call& call) {
    double least = 1e9;
    for (int i = 0; i < times; ++i) {
        const Stopwatch watch;
        call();
        least = std::min(least, watch.seconds());
    }
    return least;
}

double measure_matrix([[maybe_unused]] int threads) {
#ifdef TESSERA_HAS_BLAS
    const int n = 1024;
    if (openblas_set_num_threads != nullptr) {
        openblas_set_num_threads(threads);
    } else if (threads > 1) {
        return 0;
    }
    const auto size = static_cast<std::size_t>(n) * n;
    const std::vector<float> a(size, 1.0F);
    const std::vector<float> b(size, 0.5F);
    std::vector<float> c(size, 0.0F);
    const float one = 1;
    const float zero = 0;
    const double seconds =
        least_seconds(20, [&] { sgemm_("N", "N", &n, &n, &n, &one, a.data(), &n, b.data(), &n, &zero, c.data(), &n); });
    return std::pow(n, 3) / seconds;
#else
    return 0;
#endif
}

double measure_triad(int threads) {
    constexpr std::int64_t n = std::int64_t{32} << 20;
    constexpr std::int64_t block = std::int64_t{1} << 14;
    std::vector<float> a(n, 0.0F);
    const std::vector<float> b(n, 1.0F);
    const std::vector<float> c(n, 2.0F);
    const double seconds = least_seconds(10, [&] {
        device::for_each({threads}, n / block, 64, [&](std::int64_t i) {
            for (std::int64_t k = i * block; k < (i + 1) * block; ++k) {
                const auto at = static_cast<std::size_t>(k);
                a[at] = b[at] + 3.0F * c[at];
            }
        });
        benchmark::DoNotOptimize(a.data());
        benchmark::ClobberMemory();
    });
    return 12.0 * n / seconds;
}

} // namespace

double matrix_rate(int threads) {
    static std::map<int, double> known;
    if (known.count(threads) == 0) { known[threads] = measure_matrix(threads); }
    return known[threads];
}

double triad_rate(int threads) {
    static std::map<int, double> known;
    if (known.count(threads) == 0) { known[threads] = measure_triad(threads); }
    return known[threads];
}

void report(benchmark::State& state, const Work& work, double seconds) {
    const double per_second = static_cast<double>(state.iterations()) / seconds;
    if (work.multiply_adds > 0) {
        state.counters["GFMA/s"] = work.multiply_adds * per_second * 1e-9;
        const double roof = matrix_rate(work.threads);
        if (roof > 0) { state.counters["of_sgemm"] = work.multiply_adds * per_second / roof; }
    }
    if (work.bytes > 0) {
        state.counters["GB/s"] = work.bytes * per_second * 1e-9;
        state.counters["of_triad"] = work.bytes * per_second / triad_rate(work.threads);
    }
    if (work.stars > 0) { state.counters["ns_a_star"] = 1e9 / (work.stars * per_second); }
    if (work.max_rel_error >= 0) { state.counters["max_rel_error"] = work.max_rel_error; }
}

const ssp::Library& large_library() {
    static const ssp::Library library = [] {
        ssp::Library out;
        out.name = out.source = "benchmark";
        for (int i = 0; i < 7; ++i) { out.metallicity.push_back(1e-4 * std::pow(1000.0, i / 6.0)); }
        for (int i = 0; i < 56; ++i) { out.age.push_back(1e-4 * std::pow(2e5, i / 55.0)); }
        for (int i = 0; i < 6789; ++i) { out.wavelength.push_back(3000 + i * (7000.0 / 6788)); }
        for (std::int64_t node = 0; node < out.n_node(); ++node) {
            const double age = static_cast<double>(node % 56) / 55;
            const double metals = static_cast<double>(node / 56) / 6;
            for (std::size_t l = 0; l < out.wavelength.size(); ++l) {
                double light = std::pow(10.0, -3 * age) * std::pow(out.wavelength[l] / 5500, 1.5 * age - 2);
                const double wavelength = out.wavelength[l];
                for (double line = std::floor(wavelength / 90) - 1; line < wavelength / 90 + 1; ++line) {
                    // Every line of the 80 depends on age and metallicity in a way of its own, as in real libraries.
                    const double depth =
                        0.2 + 0.2 * std::sin(line + age * std::fmod(line * 1.7, 7) + metals * std::fmod(line * 2.3, 5));
                    const double distance = (wavelength - 90 * line) / (2 + std::fmod(line, 5));
                    if (std::abs(distance) < 6) { light *= 1 - depth * std::exp(-0.5 * distance * distance); }
                }
                out.flux.push_back(static_cast<float>(light));
            }
        }
        return out;
    }();
    return library;
}

SpaxelStars disc(std::int64_t n_star) {
    constexpr std::int64_t side = 25;
    Stars stars;
    std::vector<std::int32_t> spaxel;
    for (std::int64_t i = 0; i < n_star; ++i) {
        const auto counter = static_cast<std::uint64_t>(i);
        const Philox place = Philox::at(1, 0, counter);
        const Philox kind = Philox::at(1, 1, counter);
        const double radius = -4 * std::log(place.uniform(0)); // spaxels
        const double angle = 6.283185307179586 * place.uniform(1);
        const double x = radius * std::cos(angle);
        const double y = 0.6 * radius * std::sin(angle);
        const auto ix = static_cast<std::int64_t>(std::floor(x + 12.5));
        const auto iy = static_cast<std::int64_t>(std::floor(y + 12.5));
        const bool inside = ix >= 0 && ix < side && iy >= 0 && iy < side;
        spaxel.push_back(inside ? static_cast<std::int32_t>(iy * side + ix) : -1);
        stars.initial_mass.push_back(static_cast<float>(1e5 * (0.5 + kind.uniform(0))));
        stars.age.push_back(static_cast<float>(13 * std::pow(kind.uniform(1), 1.5) + 0.01));
        stars.metallicity.push_back(static_cast<float>(0.02 * std::exp(0.5 * Philox::at(1, 2, counter).normal())));
        stars.vz.push_back(static_cast<float>(180 * std::tanh(radius / 3) * std::cos(angle) +
                                              60 * Philox::at(1, 3, counter).normal()));
    }
    stars.mass = stars.initial_mass;
    return order_by_spaxel({1}, std::move(stars), spaxel, side * side);
}

} // namespace tessera::bench
