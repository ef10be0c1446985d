#pragma once

#include <cstdint>

#include "tessera/core/options.hpp"
#include "tessera/cube/cube.hpp"
#include "tessera/instrument/psf.hpp"

namespace tessera {

enum class Convolution { automatic, direct, fft };
template <>
struct EnumWords<Convolution> {
    static constexpr std::array words{std::pair{Convolution::automatic, std::string_view("auto")},
                                      std::pair{Convolution::direct, std::string_view("direct")},
                                      std::pair{Convolution::fft, std::string_view("fft")}};
};

/// Every plane of the slab convolved with the kernel, zero outside the slab (no wrap-around), cropped to the field.
/// With margin 0 this is SciPy's `same`, even kernels included: the result starts at floor((n - 1) / 2) of the full one.
/// With a margin of at least kernel.reach() no light is lost or missing inside the field.
/// Where the slab has no negative value the result has none, and it is 0 where no light reaches.
/// @param slab    [wave, n_y + 2 margin, n_x + 2 margin]; given away (std::move) its memory becomes the result's, plane by plane
/// @return        [wave, n_y, n_x], same wavelengths and units
/// @param n_thread  0: OpenMP's own number
/// @param method  direct: sums (two passes of one dimension for a separable kernel); fft: FFTW in double; auto: the cheaper
/// @par Cost      a plane: N·(n_y + n_x) separable, N·n_y·n_x direct, ~5 N log2 N FFT of the padded plane; threads over planes
/// @par Memory    besides the slab: convolution_scratch
CubeSlab convolve(CubeSlab slab, const Kernel2D& kernel, std::int64_t margin,
                  Convolution method = Convolution::automatic, int n_thread = 0);

/// Bytes that `auto` takes besides the slab, for a field of n_y x n_x spaxels (without margin).
std::int64_t convolution_scratch(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x, int n_thread);

/// What `auto` takes for a field of n_y x n_x spaxels (without margin).
Convolution cheaper_convolution(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x);

} // namespace tessera
