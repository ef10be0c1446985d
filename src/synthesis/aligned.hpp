#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace tessera {

/// Allocates on 64-byte borders: a cache line, and the widest vector register.
template <class T>
struct CacheLineAllocator {
    using value_type = T;
    static constexpr std::align_val_t border{64};

    CacheLineAllocator() = default;
    template <class U>
    CacheLineAllocator(const CacheLineAllocator<U>&) {}
    T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), border)); }
    void deallocate(T* data, std::size_t) { ::operator delete(data, border); }
    template <class U>
    bool operator==(const CacheLineAllocator<U>&) const {
        return true;
    }
};

using AlignedFloats = std::vector<float, CacheLineAllocator<float>>;

} // namespace tessera
