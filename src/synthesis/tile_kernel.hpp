#pragma once

#include <cstdint>
#include <string_view>

namespace tessera {

/// Pixels that a panel holds of every row, and spaxels that go through the matrix product together.
inline constexpr std::int64_t tile_pixels = 128;
inline constexpr std::int64_t tile_spaxels = 6;

/// The inner loops of the product of row weights (W) with templates (T): the only code that depends on the CPU's instruction
/// set. A panel is [row, tile_pixels], 64-byte aligned; `row[e]` names the row that weight e goes with.
struct TileKernels {
    std::string_view name = ""; ///< "AVX-512", "AVX2" or "baseline"
    /// What a multiply-add of `single` costs in those of `group`, to a power of the square root of two; measured by tessera_bench
    /// (docs/performance.md). Not at start-up: methods are chosen by it, and must be the same from run to run and on every rank.
    double cost_of_single = 2;
    double cost_of_fill = 10; ///< likewise of an element of a panel

    /// out[m, pixel] = sum over e of weight[e, m] · panel[row[e], pixel], for tile_spaxels spaxels m: the templates are read once
    /// for all of them.
    void (*group)(const float* panel, const std::uint32_t* row, const float* weight, std::int64_t n,
                  float* out) = nullptr;
    /// out[pixel] = sum over e of weight[e] · panel[row[e], pixel]: one spaxel, any rows.
    void (*single)(const float* panel, const std::uint32_t* row, const float* weight, std::int64_t n,
                   float* out) = nullptr;
    /// The rows of a panel for one Doppler factor: panel[column, pixel] = sum over t of band[pixel, t] · spectra[first[pixel] + t, column].
    /// @param n_pixel   at most tile_pixels; the rest of a row is set to zero
    /// @param n_column  a multiple of 16, as is the stride of `spectra`
    void (*fill)(const float* spectra, std::int64_t n_column, const std::int32_t* first, const float* band,
                 std::int64_t width, std::int64_t n_pixel, float* panel) = nullptr;
};

/// Those of this machine, chosen once.
const TileKernels& tile_kernels();

/// All that this machine can run, the widest first: for tests and benchmarks.
int n_tile_kernels();
const TileKernels& tile_kernels(int i);

} // namespace tessera
