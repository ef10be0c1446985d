#pragma once

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

/// sum += value where other i's of the same loop do it too. In integers, so that the order does not matter.
TESSERA_HD inline void add_shared(std::int64_t& sum, std::int64_t value) {
#if defined(__CUDA_ARCH__)
    // Two's complement: adding as unsigned is the same.
    atomicAdd(reinterpret_cast<unsigned long long*>(&sum), static_cast<unsigned long long>(value));
#else
    __atomic_fetch_add(&sum, value, __ATOMIC_RELAXED);
#endif
}

} // namespace tessera::device
