#include "instrument/weighted_sum.hpp"

#include <cstring>

#include "core/cpu_clones.hpp"

namespace tessera {

namespace {

constexpr std::int64_t lanes = 16;

// GCC and Clang vector extension: where registers are smaller the compiler takes several.
typedef float Lanes __attribute__((vector_size(lanes * sizeof(float))));

/// sum += w · from, wherever `from` lies.
[[gnu::always_inline]] inline void add(Lanes& sum, float w, const float* from) {
    Lanes values;
    std::memcpy(&values, from, sizeof(values));
    sum += w * values;
}
[[gnu::always_inline]] inline void store(const Lanes& sum, float* to) { std::memcpy(to, &sum, sizeof(sum)); }

TESSERA_CPU_CLONES
void sum(const float* from, const std::int64_t* offset, const float* weight, std::size_t n_tap, std::int64_t n,
         float* result) {
    std::int64_t i = 0;
    for (; i + 4 * lanes <= n; i += 4 * lanes) {
        Lanes a{}, b{}, c{}, d{};
        for (std::size_t k = 0; k < n_tap; ++k) {
            const float* in = from + offset[k] + i;
            const float w = weight[k];
            add(a, w, in);
            add(b, w, in + lanes);
            add(c, w, in + 2 * lanes);
            add(d, w, in + 3 * lanes);
        }
        float* out = result + i;
        store(a, out);
        store(b, out + lanes);
        store(c, out + 2 * lanes);
        store(d, out + 3 * lanes);
    }
    while (i < n && n >= lanes) {
        if (i + lanes > n) { i = n - lanes; } // some once more
        Lanes a{};
        for (std::size_t k = 0; k < n_tap; ++k) { add(a, weight[k], from + offset[k] + i); }
        store(a, result + i);
        i += lanes;
    }
    for (; i < n; ++i) {
        float a = 0;
        for (std::size_t k = 0; k < n_tap; ++k) { a += weight[k] * from[offset[k] + i]; }
        result[i] = a;
    }
}

} // namespace

void weighted_sum(const float* from, std::span<const std::int64_t> offset, std::span<const float> weight,
                  std::int64_t n, float* result) {
    sum(from, offset.data(), weight.data(), weight.size(), n, result);
}

} // namespace tessera
