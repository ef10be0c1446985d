#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#if defined(__CUDACC__)
#define TESSERA_HD __host__ __device__
#else
#define TESSERA_HD
#endif

namespace tessera {

/// A non-owning array of N dimensions, slowest first, contiguous. Host or device memory; only indexing happens here.
/// Cheap to copy: a pointer and N 64-bit extents.
template <class T, int N>
class View {
public:
    static_assert(N >= 1);
    View() = default;
    template <class... Extent>
        requires(sizeof...(Extent) == N)
    TESSERA_HD explicit View(T* data, Extent... extent) : data_(data), extent_{static_cast<std::int64_t>(extent)...} {}

    /// A view of const elements from one of mutable ones.
    TESSERA_HD operator View<const T, N>() const
        requires(!std::is_const_v<T>)
    {
        View<const T, N> other;
        other.data_ = data_;
        for (int d = 0; d < N; ++d) { other.extent_[d] = extent_[d]; }
        return other;
    }

    template <class... Index>
        requires(sizeof...(Index) == N)
    TESSERA_HD T& operator()(Index... index) const {
        const std::int64_t at[N] = {static_cast<std::int64_t>(index)...};
        std::int64_t flat = at[0];
        for (int d = 1; d < N; ++d) { flat = flat * extent_[d] + at[d]; }
        return data_[flat];
    }

    /// Row `i` of the slowest dimension: the pointer to its first element.
    TESSERA_HD T* row(std::int64_t i) const {
        std::int64_t stride = 1;
        for (int d = 1; d < N; ++d) { stride *= extent_[d]; }
        return data_ + i * stride;
    }

    TESSERA_HD T* data() const { return data_; }
    TESSERA_HD std::int64_t extent(int d) const { return extent_[d]; }
    TESSERA_HD std::int64_t size() const {
        std::int64_t n = 1;
        for (int d = 0; d < N; ++d) { n *= extent_[d]; }
        return n;
    }

private:
    template <class, int>
    friend class View;
    T* data_ = nullptr;
    std::int64_t extent_[N] = {};
};

} // namespace tessera
