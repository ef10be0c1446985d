#include "synthesis/tile_kernel.hpp"

#include <array>

#include "core/cpu_clones.hpp"
#include "core/turn_square.hpp"

namespace tessera {

namespace {

#define TESSERA_INLINE [[gnu::always_inline]] inline

/// M spaxels × V registers of pixels at a time, all in registers; weights are [e, M].
template <int W, int M, int V>
TESSERA_INLINE void multiply(const float* panel, const std::uint32_t* row, const float* weight, std::int64_t n,
                             float* out) {
    using Vector = typename Register<W>::type;
    for (std::int64_t pixel = 0; pixel < tile_pixels; pixel += V * W) {
        Vector sum[M][V] = {};
        for (std::int64_t e = 0; e < n; ++e) {
            const auto* templates = reinterpret_cast<const Vector*>(panel + row[e] * tile_pixels + pixel);
#pragma GCC unroll 16
            for (int m = 0; m < M; ++m) {
                const float w = weight[e * M + m];
#pragma GCC unroll 16
                for (int v = 0; v < V; ++v) { sum[m][v] += w * templates[v]; }
            }
        }
#pragma GCC unroll 16
        for (int m = 0; m < M; ++m) {
#pragma GCC unroll 16
            for (int v = 0; v < V; ++v) {
                *reinterpret_cast<Vector*>(out + m * tile_pixels + pixel + v * W) = sum[m][v];
            }
        }
    }
}

/// W columns × W pixels at a time: registers run along the columns, then the square is turned.
template <int W>
TESSERA_INLINE void fill_panel(const float* spectra, std::int64_t n_column, const std::int32_t* first,
                               const float* band, std::int64_t width, std::int64_t n_pixel, float* panel) {
    using Vector = typename Register<W>::type;
    for (std::int64_t pixel = 0; pixel < tile_pixels; pixel += W) {
        for (std::int64_t column = 0; column < n_column; column += W) {
            Vector square[W];
#pragma GCC unroll 16
            for (int i = 0; i < W; ++i) {
                Vector sum = {};
                if (pixel + i < n_pixel) {
                    const float* light = spectra + first[pixel + i] * n_column + column;
                    const float* w = band + (pixel + i) * width;
                    for (std::int64_t t = 0; t < width; ++t) {
                        sum += w[t] * *reinterpret_cast<const Vector*>(light + t * n_column);
                    }
                }
                square[i] = sum;
            }
            turn<W, W / 2>(square);
#pragma GCC unroll 16
            for (int i = 0; i < W; ++i) {
                *reinterpret_cast<Vector*>(panel + (column + i) * tile_pixels + pixel) = square[i];
            }
        }
    }
}

constexpr int group_spaxels = static_cast<int>(tile_spaxels);

#define TESSERA_KERNELS(suffix, attribute, W, group_vectors, single_vectors)                                           \
    attribute void group_##suffix(const float* panel, const std::uint32_t* row, const float* weight, std::int64_t n,   \
                                  float* out) {                                                                        \
        multiply<W, group_spaxels, group_vectors>(panel, row, weight, n, out);                                         \
    }                                                                                                                  \
    attribute void single_##suffix(const float* panel, const std::uint32_t* row, const float* weight, std::int64_t n,  \
                                   float* out) {                                                                       \
        multiply<W, 1, single_vectors>(panel, row, weight, n, out);                                                    \
    }                                                                                                                  \
    attribute void fill_##suffix(const float* spectra, std::int64_t n_column, const std::int32_t* first,               \
                                 const float* band, std::int64_t width, std::int64_t n_pixel, float* panel) {          \
        fill_panel<W>(spectra, n_column, first, band, width, n_pixel, panel);                                          \
    }

// Registers: 32 of 16 floats (AVX-512), 16 of 8 (AVX2), 16 of 4. Six spaxels leave room for the templates.
TESSERA_KERNELS(baseline, , 4, 2, 8)
#if defined(TESSERA_X86_TARGETS)
TESSERA_KERNELS(avx512, TESSERA_AVX512, 16, 4, 8)
TESSERA_KERNELS(avx2, TESSERA_AVX2, 8, 2, 8)
#endif

struct Available {
    std::array<TileKernels, 3> kernels;
    int n = 0;

    Available() {
#if defined(TESSERA_X86_TARGETS)
        if (cpu_has_avx512()) {
            kernels[static_cast<std::size_t>(n++)] = {"AVX-512", 2, 10, group_avx512, single_avx512, fill_avx512};
        }
        if (cpu_has_avx2()) {
            kernels[static_cast<std::size_t>(n++)] = {"AVX2", 2, 14, group_avx2, single_avx2, fill_avx2};
        }
#endif
        kernels[static_cast<std::size_t>(n++)] = {"baseline", 1, 10, group_baseline, single_baseline, fill_baseline};
    }
};

const Available& available() {
    static const Available all;
    return all;
}

} // namespace

const TileKernels& tile_kernels() { return available().kernels.front(); }
int n_tile_kernels() { return available().n; }
const TileKernels& tile_kernels(int i) { return available().kernels[static_cast<std::size_t>(i)]; }

} // namespace tessera
