#include "cube/transpose.hpp"

#include <algorithm>
#include <cstring>

#include "core/cpu_clones.hpp"
#include "core/turn_square.hpp"

namespace tessera {

namespace {

constexpr std::int64_t block = 64; ///< wavelengths

/// rows[row · pitch + wave] to planes[wave · stride + row].
template <int W>
[[gnu::always_inline]] inline void turn_rows(const float* rows, std::int64_t pitch, std::int64_t n_row,
                                             std::int64_t n_wave, float* planes, std::int64_t stride) {
    const std::int64_t whole_rows = n_row / W * W, whole_waves = n_wave / W * W;
    for (std::int64_t row = 0; row < whole_rows; row += W) {
        for (std::int64_t wave = 0; wave < whole_waves; wave += W) {
            typename Register<W>::type square[W];
#pragma GCC unroll 16
            for (int i = 0; i < W; ++i) { std::memcpy(&square[i], rows + (row + i) * pitch + wave, sizeof(square[i])); }
            turn<W, W / 2>(square);
#pragma GCC unroll 16
            for (int i = 0; i < W; ++i) {
                std::memcpy(planes + (wave + i) * stride + row, &square[i], sizeof(square[i]));
            }
        }
    }
    for (std::int64_t wave = 0; wave < n_wave; ++wave) {
        for (std::int64_t row = wave < whole_waves ? whole_rows : 0; row < n_row; ++row) {
            planes[wave * stride + row] = rows[row * pitch + wave];
        }
    }
}

using Turn = void (*)(const float*, std::int64_t, std::int64_t, std::int64_t, float*, std::int64_t);

#define TESSERA_TURN(suffix, attribute, W)                                                                             \
    attribute void turn_##suffix(const float* rows, std::int64_t pitch, std::int64_t n_row, std::int64_t n_wave,       \
                                 float* planes, std::int64_t stride) {                                                 \
        turn_rows<W>(rows, pitch, n_row, n_wave, planes, stride);                                                      \
    }
TESSERA_TURN(baseline, , 4)
#if defined(TESSERA_X86_TARGETS)
TESSERA_TURN(avx512, TESSERA_AVX512, 16)
TESSERA_TURN(avx2, TESSERA_AVX2, 8)
#endif
#undef TESSERA_TURN

Turn best_turn() {
#if defined(TESSERA_X86_TARGETS)
    if (cpu_has_avx512()) { return turn_avx512; }
    if (cpu_has_avx2()) { return turn_avx2; }
#endif
    return turn_baseline;
}

} // namespace

void transpose_planes(const device::Host& where, View<const float, 2> rows, std::int64_t first_wave,
                      std::int64_t n_wave, float* planes, std::int64_t stride) {
    static const Turn turn_strip = best_turn();
    constexpr std::int64_t strip = 64 * block;
    const std::int64_t n_row = rows.extent(0), pitch = rows.extent(1);
    const std::int64_t n_strip = (n_row + strip - 1) / strip;
    device::for_each(where, (n_wave + block - 1) / block * n_strip, 1, [&](std::int64_t task) {
        const std::int64_t wave = task / n_strip * block, row = task % n_strip * strip;
        turn_strip(rows.data() + row * pitch + first_wave + wave, pitch, std::min(strip, n_row - row),
                   std::min(block, n_wave - wave), planes + wave * stride + row, stride);
    });
}

} // namespace tessera
