#include "tessera/synthesis/work_estimate.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <vector>

#include "synthesis/aligned.hpp"
#include "synthesis/tile_kernel.hpp"

namespace tessera {

double SpaxelWork::operator()(double n_star) const {
    if (n_star <= 0) { return 0; }
    return spaxel + star * n_star + pair * pairs(n_star);
}

double SpaxelWork::pairs(double n_star) const {
    // Roots alone: they come out the same on every machine.
    const double alone = per_star * n_star, root = std::sqrt(alone);
    return std::min({alone, shared * root / (1 + overlap * std::sqrt(root)), most_pairs});
}

double measured_product_rate() {
    constexpr std::int64_t n_row = 256, n_call = 25;
    const AlignedFloats panel(static_cast<std::size_t>(n_row * tile_pixels), 1.0F);
    const std::vector<float> weight(static_cast<std::size_t>(n_row * tile_spaxels), 1.0F);
    std::vector<std::uint32_t> row(static_cast<std::size_t>(n_row));
    std::iota(row.begin(), row.end(), 0U);
    AlignedFloats out(static_cast<std::size_t>(tile_spaxels * tile_pixels));
    double best = 0;
    for (int i = 0; i < 5; ++i) { // a processor may be asleep at first
        const auto start = std::chrono::steady_clock::now();
        for (std::int64_t k = 0; k < n_call; ++k) {
            tile_kernels().group(panel.data(), row.data(), weight.data(), n_row, out.data());
        }
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
        best = std::max(best, static_cast<double>(n_call * n_row * tile_spaxels * tile_pixels) / seconds.count());
    }
    return best;
}

SpaxelWork spaxel_work(const ssp::Library& library, const WavelengthGrid& pixels, const SynthesisOptions& options) {
    const auto n_pixel = static_cast<double>(pixels.size());
    constexpr double row_element = 1e-9;           // a spaxel's spectrum is cleared, written, turned and sent
    if (options.resampling == Resampling::rubix) { // every star by itself: 18 µs for 3721 pixels
        return {.star = 5e-9 * n_pixel, .most_pairs = 0, .spaxel = row_element * n_pixel};
    }
    const bool linear = options.interpolation == ssp::Interpolation::linear;
    // Rows between stars of +-300 km/s at the steps that libraries such as BC03-MILES take at 1e-3; finer as the fourth root.
    const double finer = std::pow(1e-3 / options.tolerance, 0.25);
    const double exact_rows = 60 * finer + 4, bin_rows = 21 * finer + 4;
    const auto n_node = static_cast<double>(library.n_node());
    const double likely_rank = std::clamp(56 * std::pow(1e-3 / options.tolerance, 0.45), 8.0, 256.0);
    // Panels included; the more of its pairs a spaxel shares with others, the faster.
    double most = bin_rows * n_node, pair = 0.04e-9;
    double shared = 26, overlap = 0.43; // of bins: fewer rows, sooner full
    switch (options.method) {
    case Method::exact:
        most = exact_rows * n_node;
        pair = 0.05e-9;
        shared = 18;
        overlap = 0.18;
        break;
    case Method::binned: break;
    case Method::automatic: most = bin_rows * std::min(likely_rank, n_node); break;
    case Method::compressed:
        most = bin_rows * std::min(likely_rank, n_node);
        pair = 0.03e-9;
        break;
    }
    return {.star = linear ? 60e-9 : 150e-9,
            .pair = pair * n_pixel,
            .per_star = linear ? 16.0 : 64.0,
            .most_pairs = most,
            .spaxel = row_element * n_pixel,
            .shared = shared,
            .overlap = overlap};
}

} // namespace tessera
