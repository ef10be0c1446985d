#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "tessera/core/view.hpp"

namespace tessera::device {

/// The body of a loop that may run on an accelerator: arithmetic alone, no allocation, no exception. It is copied there byte by
/// byte, so its pointers are the accelerator's. `name` is unique: the library of CUDA kernels is searched by it.
template <class Body>
concept KernelBody = std::is_trivially_copyable_v<Body> && requires(const Body& body, std::int64_t i) {
    { Body::name } -> std::convertible_to<const char*>;
    body(i);
};

/// What a queue needs to know of a loop body.
struct Kernel {
    const char* name;
    std::size_t bytes;
    void (*on_host)(const void* body, std::int64_t first,
                    std::int64_t end); ///< the loop [first, end), for the emulation
};

template <KernelBody Body>
const Kernel& kernel_of() {
    static constexpr Kernel kernel{Body::name, sizeof(Body),
                                   [](const void* body, std::int64_t first, std::int64_t end) {
                                       const Body& each = *static_cast<const Body*>(body);
                                       for (std::int64_t i = first; i < end; ++i) { each(i); }
                                   }};
    return kernel;
}

/// Bytes between members become zero: nothing that once lay there is taken for a pointer.
template <class T>
void clear_padding([[maybe_unused]] T& object) {
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
    __builtin_clear_padding(&object);
#endif
#endif
}

/// sum += value where other i's of the same loop do it too. In integers, so that the order does not matter.
TESSERA_HD inline void add_shared(std::int64_t& sum, std::int64_t value) {
#if defined(__CUDA_ARCH__)
    // Two's complement: adding as unsigned is the same.
    atomicAdd(reinterpret_cast<unsigned long long*>(&sum), static_cast<unsigned long long>(value));
#else
    __atomic_fetch_add(&sum, value, __ATOMIC_RELAXED);
#endif
}

/// largest = max(largest, value) where other i's of the same loop do it too.
TESSERA_HD inline void max_shared(std::uint32_t& largest, std::uint32_t value) {
#if defined(__CUDA_ARCH__)
    atomicMax(&largest, value);
#else
    std::uint32_t found = __atomic_load_n(&largest, __ATOMIC_RELAXED);
    while (found < value &&
           !__atomic_compare_exchange_n(&largest, &found, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
#endif
}

/// least = the smaller of the two, where other i's do it too.
TESSERA_HD inline void lower_shared(std::int64_t& least, std::int64_t value) {
#if defined(__CUDA_ARCH__)
    atomicMin(reinterpret_cast<long long*>(&least), static_cast<long long>(value));
#else
    std::int64_t before = __atomic_load_n(&least, __ATOMIC_RELAXED);
    while (value < before &&
           !__atomic_compare_exchange_n(&least, &before, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
#endif
}

/// place = value where other i's write the same.
template <class T>
TESSERA_HD void set_shared(T& place, T value) {
#if defined(__CUDA_ARCH__)
    place = value;
#else
    __atomic_store_n(&place, value, __ATOMIC_RELAXED);
#endif
}

/// i / n for counts: 64-bit divisions take a GPU several times as long, and are seldom needed.
TESSERA_HD inline std::int64_t quotient(std::int64_t i, std::int64_t n) {
    if (((i | n) >> 32) == 0) {
        return static_cast<std::int64_t>(static_cast<std::uint32_t>(i) / static_cast<std::uint32_t>(n));
    }
    return i / n;
}

/// The bits of a float.
TESSERA_HD inline std::uint32_t bits_of(float value) {
#if defined(__CUDA_ARCH__)
    return __float_as_uint(value);
#else
    return std::bit_cast<std::uint32_t>(value);
#endif
}

} // namespace tessera::device
