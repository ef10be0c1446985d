// The inner loops of the product W · T on every instruction set of this machine, in sizes of real work: a panel of 512 KiB holds 2
// Doppler rows of 400 nodes, or 16 of 64 basis spectra.
#include <cmath>

#include "synthesis/aligned.hpp"
#include "synthesis/tile_kernel.hpp"
#include "tessera/core/random.hpp"
#include "tests/performance/benchmark_support.hpp"

namespace tessera::bench {
namespace {

constexpr auto n_tile = static_cast<std::size_t>(tile_pixels);
constexpr auto n_group = static_cast<std::size_t>(tile_spaxels);

template <class Vector>
Vector random_floats(std::size_t n, std::uint64_t stream) {
    Vector out(n);
    for (std::size_t i = 0; i < n; ++i) { out[i] = static_cast<float>(Philox::at(5, stream, i).uniform(0)); }
    return out;
}

/// Panel, rows and weights of `width` spaxels; every row of the panel once.
struct Product {
    std::size_t n, width;
    AlignedFloats panel, out;
    std::vector<std::uint32_t> row;
    std::vector<float> weight;

    Product(std::size_t n_row, std::size_t n_spaxel)
        : n(n_row), width(n_spaxel), panel(random_floats<AlignedFloats>(n_row * n_tile, 1)), out(n_spaxel * n_tile),
          row(n_row), weight(random_floats<std::vector<float>>(n_row * n_spaxel, 2)) {
        for (std::size_t e = 0; e < n; ++e) { row[e] = static_cast<std::uint32_t>(e); }
    }
    double multiply_adds() const { return static_cast<double>(n * width * n_tile); }
    double error() const {
        double largest = 0;
        for (std::size_t m = 0; m < width; ++m) {
            for (std::size_t k = 0; k < n_tile; ++k) {
                double sum = 0;
                for (std::size_t e = 0; e < n; ++e) {
                    sum += static_cast<double>(weight[e * width + m]) * panel[row[e] * n_tile + k];
                }
                largest = std::max(largest, std::abs(out[m * n_tile + k] / sum - 1));
            }
        }
        return largest;
    }
};

void product(benchmark::State& state, std::size_t n_spaxel) {
    const TileKernels& kernels = tile_kernels(static_cast<int>(state.range(0)));
    Product work(static_cast<std::size_t>(state.range(1)), n_spaxel);
    const auto kernel = n_spaxel == 1 ? kernels.single : kernels.group;
    const Stopwatch watch;
    for (auto _ : state) {
        kernel(work.panel.data(), work.row.data(), work.weight.data(), static_cast<std::int64_t>(work.n),
               work.out.data());
        benchmark::ClobberMemory();
    }
    report(state, {.multiply_adds = work.multiply_adds(), .max_rel_error = work.error()}, watch.seconds());
    state.SetLabel(std::string(kernels.name));
}
void group(benchmark::State& state) { product(state, n_group); }
void single(benchmark::State& state) { product(state, 1); }

/// One Doppler row of a panel: pixels of 1.25 Angstrom over points of 0.9, three or four points a pixel.
void fill(benchmark::State& state) {
    const TileKernels& kernels = tile_kernels(static_cast<int>(state.range(0)));
    const std::int64_t n_column = state.range(1);
    const std::int64_t width = state.range(2);
    const std::int64_t n_point = 2 * tile_pixels;
    const auto spectra = random_floats<AlignedFloats>(static_cast<std::size_t>(n_point * n_column), 3);
    const auto band = random_floats<std::vector<float>>(n_tile * static_cast<std::size_t>(width), 4);
    std::vector<std::int32_t> first;
    for (std::int64_t k = 0; k < tile_pixels; ++k) { first.push_back(static_cast<std::int32_t>(1.4 * double(k))); }
    AlignedFloats panel(static_cast<std::size_t>(n_column) * n_tile);
    const Stopwatch watch;
    for (auto _ : state) {
        kernels.fill(spectra.data(), n_column, first.data(), band.data(), width, tile_pixels, panel.data());
        benchmark::ClobberMemory();
    }
    const double seconds = watch.seconds();
    double error = 0;
    for (std::int64_t c = 0; c < n_column; ++c) {
        for (std::int64_t k = 0; k < tile_pixels; ++k) {
            double sum = 0;
            for (std::int64_t t = 0; t < width; ++t) {
                sum += static_cast<double>(band[static_cast<std::size_t>(k * width + t)]) *
                       spectra[static_cast<std::size_t>((first[static_cast<std::size_t>(k)] + t) * n_column + c)];
            }
            error = std::max(error, std::abs(panel[static_cast<std::size_t>(c * tile_pixels + k)] / sum - 1));
        }
    }
    report(state, {.multiply_adds = static_cast<double>(n_column * tile_pixels * width), .max_rel_error = error},
           seconds);
    state.counters["ns_an_element"] =
        1e9 * seconds / (static_cast<double>(state.iterations()) * static_cast<double>(n_column * tile_pixels));
    state.SetLabel(std::string(kernels.name));
}

void sizes_of_products(benchmark::internal::Benchmark* benchmark) {
    for (int i = 0; i < n_tile_kernels(); ++i) {
        for (const std::int64_t n : {64, 784, 1024}) { benchmark->Args({i, n}); }
    }
}
void sizes_of_panels(benchmark::internal::Benchmark* benchmark) {
    for (int i = 0; i < n_tile_kernels(); ++i) {
        for (const std::int64_t n_column : {64, 400}) {
            for (const std::int64_t width : {3, 4}) { benchmark->Args({i, n_column, width}); }
        }
    }
}
BENCHMARK(group)->ArgNames({"set", "weights"})->Apply(sizes_of_products)->UseRealTime();
BENCHMARK(single)->ArgNames({"set", "weights"})->Apply(sizes_of_products)->UseRealTime();
BENCHMARK(fill)->ArgNames({"set", "columns", "points"})->Apply(sizes_of_panels)->UseRealTime();

} // namespace
} // namespace tessera::bench
