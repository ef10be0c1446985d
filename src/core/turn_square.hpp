// Squares of numbers turned in registers: one source for every instruction set.
#pragma once

#include <cstddef>
#include <utility>

namespace tessera {

/// W floats in one register (GCC and Clang vector extension).
template <int W>
struct Register {
    typedef float type __attribute__((vector_size(W * sizeof(float)), may_alias));
};

/// One step of turning a square of W registers: the parts of rows a and b (b lies `distance` below a) that belong to each
/// other's places change sides.
template <int W, int distance, std::size_t... lane>
[[gnu::always_inline]] inline void exchange(typename Register<W>::type& a, typename Register<W>::type& b,
                                            std::index_sequence<lane...>) {
    const auto upper = __builtin_shufflevector(a, b, ((lane & distance) == 0 ? lane : W + lane - distance)...);
    b = __builtin_shufflevector(a, b, ((lane & distance) == 0 ? lane + distance : W + lane)...);
    a = upper;
}

/// Transposes W registers: turn<W, W / 2>(square). To be called where the instruction set has registers of that size.
template <int W, int distance>
[[gnu::always_inline]] inline void turn(typename Register<W>::type* square) {
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) {
        if ((i & distance) == 0) {
            exchange<W, distance>(square[i], square[i + distance], std::make_index_sequence<W>());
        }
    }
    if constexpr (distance > 1) { turn<W, distance / 2>(square); }
}

} // namespace tessera
