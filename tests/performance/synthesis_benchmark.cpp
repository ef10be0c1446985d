// Deposit, product and compression in the size of real work: 25 × 25 spaxels of MUSE, 3721 wavelengths, 392 nodes.
#include <cmath>
#include <numeric>

#include "synthesis/doppler.hpp"
#include "synthesis/row_product.hpp"
#include "synthesis/row_weights.hpp"
#include "synthesis/tile_kernel.hpp"
#include "tessera/ssp/compression.hpp"
#include "tests/performance/benchmark_support.hpp"

namespace tessera::bench {
namespace {

constexpr double redshift = 0.06;
constexpr double step_of_exact = 4.5e-5,
                 step_of_bins = 1.6e-4; // ln(Doppler factor): BC03-MILES seen by MUSE, tolerance 1e-3
constexpr double fastest = 2.5e-3;      // of the disc's stars

const WavelengthGrid& muse() {
    static const WavelengthGrid pixels = make_linear_wavelengths(4700.15, 9351.4, 1.25);
    return pixels;
}

PointRange points() { return points_read(large_library().wavelength, muse(), redshift, 2 * fastest); }

const ssp::Compression& basis_of_library() {
    static const ssp::Compression compression =
        ssp::compress(large_library(), {points().first, points().end},
                      ssp::population_prior(large_library(), {points().first, points().end}), 5e-4, {1});
    return compression;
}

/// The galaxy's stars, and what they need to become rows.
struct Rows {
    SpaxelStars stars;
    ssp::Interpolator interpolator;
    NodeColumns columns;
    bool compressed;
    Spectra spectra;
    Deposit deposit;

    Rows(std::int64_t n_star, ssp::Interpolation interpolation, double step, bool with_basis)
        : stars(disc(n_star)), interpolator(large_library(), interpolation, ssp::Outside::clamp), columns(all_nodes()),
          compressed(with_basis),
          spectra(with_basis ? Spectra::of_basis(large_library(), basis_of_library(), points(), 0)
                             : Spectra::of_nodes(large_library(), columns.node, points(), 0)),
          deposit{.stars = stars,
                  .interpolator = interpolator,
                  .columns = columns,
                  .grid = VelocityGrid::spanning(step, -fastest, fastest),
                  .doppler = Doppler::linear,
                  .compression = with_basis ? &basis_of_library() : nullptr,
                  .n_key_column = spectra.n_column} {}

    static NodeColumns all_nodes() {
        NodeColumns out;
        out.node.resize(static_cast<std::size_t>(large_library().n_node()));
        std::iota(out.node.begin(), out.node.end(), 0);
        out.column = out.node;
        return out;
    }
    std::vector<RowList> lists(int threads) const {
        std::vector<RowList> out(static_cast<std::size_t>(stars.n_spaxel()));
        device::for_each({threads}, stars.n_spaxel(), 1, [&](std::int64_t s) {
            thread_local DepositScratch scratch;
            out[static_cast<std::size_t>(s)] = deposit_stars(deposit, s, scratch);
        });
        return out;
    }
    /// Largest relative deviation of the mass in the weights of a spaxel, where the weights are those of nodes.
    double error_of(const std::vector<RowList>& lists) const {
        double largest = compressed ? -1 : 0;
        for (const RowList& list : lists) {
            if (compressed || list.key.empty()) { continue; }
            const auto s = static_cast<std::size_t>(list.spaxel);
            const double mass = std::accumulate(stars.initial_mass.begin() + stars.start[s],
                                                stars.initial_mass.begin() + stars.start[s + 1], 0.0);
            const double sum = std::accumulate(list.weight.begin(), list.weight.end(), 0.0);
            largest = std::max(largest, std::abs(sum / mass - 1));
        }
        return largest;
    }
};

Rows rows_of(const benchmark::State& state) {
    const bool bins = state.range(1) != 0;
    return {state.range(0), ssp::Interpolation::linear, bins ? step_of_bins : step_of_exact, state.range(1) == 2};
}

constexpr const char* method_names[] = {"exact", "binned", "compressed"};

void deposit(benchmark::State& state) {
    const Rows rows = rows_of(state);
    const auto threads = static_cast<int>(state.range(2));
    std::vector<RowList> lists;
    const Stopwatch watch;
    for (auto _ : state) { lists = rows.lists(threads); }
    report(state,
           {.bytes = 20.0 * static_cast<double>(rows.stars.size()),
            .stars = static_cast<double>(rows.stars.size()),
            .threads = threads,
            .max_rel_error = rows.error_of(lists)},
           watch.seconds());
    state.SetLabel(method_names[state.range(1)]);
}

/// A spaxel's product in double, in some pixels: the largest relative deviation.
double error_of_product(const PartialCube& cube, const RowList& list, const RowTemplates& templates) {
    constexpr std::int64_t first = 1280;
    constexpr std::int64_t n = 16;
    const Spectra& spectra = templates.spectra;
    std::vector<double> sum(n, 0.0);
    std::vector<double> row(static_cast<std::size_t>(spectra.n_column));
    for (std::size_t e = 0; e < list.key.size();) {
        const std::int64_t at = list.key[e] / spectra.n_column;
        const double factor =
            templates.at_rest * std::exp(static_cast<double>(templates.grid.first + at) * templates.grid.step);
        const PixelBands bands(spectra.wavelength, templates.pixels, first, first + n, factor);
        std::fill(row.begin(), row.end(), 0.0);
        for (; e < list.key.size() && list.key[e] / spectra.n_column == at; ++e) {
            row[list.key[e] % static_cast<std::size_t>(spectra.n_column)] = list.weight[e];
        }
        for (std::int64_t k = 0; k < n; ++k) {
            for (std::int64_t t = 0; t < bands.width; ++t) {
                const float* light =
                    spectra.light.data() + (bands.first[static_cast<std::size_t>(k)] + t) * spectra.n_column;
                const double band = bands.weight[static_cast<std::size_t>(k * bands.width + t)];
                for (std::size_t c = 0; c < row.size(); ++c) {
                    sum[static_cast<std::size_t>(k)] += band * row[c] * light[c];
                }
            }
        }
    }
    double largest = 0;
    for (std::int64_t k = 0; k < n; ++k) {
        largest =
            std::max(largest, std::abs(cube.flux()(list.spaxel, first + k) / sum[static_cast<std::size_t>(k)] - 1));
    }
    return largest;
}

/// W · T with R; multiply-adds are those of the weights, the panels come on top.
void multiply(benchmark::State& state) {
    const Rows rows = rows_of(state);
    const auto threads = static_cast<int>(state.range(2));
    const std::vector<RowList> lists = rows.lists(threads);
    const RowTemplates templates{rows.spectra, rows.deposit.grid, muse(), 1 + redshift};
    double weights = 0;
    for (const RowList& list : lists) { weights += static_cast<double>(list.size()); }
    PartialCube cube(rows.stars.n_spaxel(), muse().size());
    WholeCube whole(cube);
    double seconds = 0;
    for (auto _ : state) {
        std::fill_n(cube.flux().data(), cube.n_spaxel() * cube.n_wave(), 0.0F);
        const Stopwatch watch;
        RowProduct(std::vector(lists), templates, tile_kernels().cost_of_single, {threads})
            .add_to(whole.open(0, 0), {threads});
        state.SetIterationTime(watch.seconds());
        seconds += watch.seconds();
    }
    double error = 0;
    for (const std::size_t s : {312U, 318U, 400U}) {
        if (lists[s].size() > 0) { error = std::max(error, error_of_product(cube, lists[s], templates)); }
    }
    report(state,
           {.multiply_adds = weights * static_cast<double>(muse().size()), .threads = threads, .max_rel_error = error},
           seconds);
    state.counters["weights"] = weights;
    state.SetLabel(method_names[state.range(1)]);
}

/// Finding the basis: five passes over the library for every vector.
void compress(benchmark::State& state) {
    const ssp::WavelengthRange range{points().first, points().end};
    const auto importance = ssp::population_prior(large_library(), range);
    const double tolerance = 1.0 / static_cast<double>(state.range(0));
    const auto threads = static_cast<int>(state.range(1));
    ssp::Compression made;
    const Stopwatch watch;
    for (auto _ : state) { made = ssp::compress(large_library(), range, importance, tolerance, {threads}); }
    const double seconds = watch.seconds();
    const double passes =
        5.0 * static_cast<double>(made.rank * large_library().n_node()) * static_cast<double>(range.end - range.first);
    report(state, {.multiply_adds = passes, .threads = threads}, seconds);
    state.counters["mean_error"] = // what the tolerance bounds, as found
        std::inner_product(importance.begin(), importance.end(), made.error.begin(), 0.0);
    state.counters["rank"] = static_cast<double>(made.rank);
}

void galaxies(benchmark::internal::Benchmark* benchmark) {
    for (const std::int64_t n_star : {100000, 1000000}) {
        for (const std::int64_t method : {0, 1, 2}) {
            for (const std::int64_t threads : {1, 2}) { benchmark->Args({n_star, method, threads}); }
        }
    }
}
BENCHMARK(deposit)
    ->ArgNames({"stars", "method", "threads"})
    ->Apply(galaxies)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(multiply)
    ->ArgNames({"stars", "method", "threads"})
    ->Apply(galaxies)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(compress)
    ->ArgNames({"one_in", "threads"})
    ->ArgsProduct({{100, 2000}, {1, 2}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

} // namespace
} // namespace tessera::bench
