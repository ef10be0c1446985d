#pragma once

#include <cstdint>

#include "tessera/core/options.hpp"
#include "tessera/cube/cube.hpp"
#include "tessera/instrument/psf.hpp"

namespace tessera {

class Communicator;

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

/// The same by transforms that all ranks share, a plane's rows, then its columns, then its rows again divided among them, for planes
/// whose transform does not fit into one rank's memory and for fewer planes than ranks. In double, as the other; the rounding differs.
/// The identity is only cropped. Collective.
/// @param slab    this rank's planes of a cube of `n_wave`, slab_of(n_wave, rank, size)
/// @throws Error(Kind::internal)  on every rank, where one's slab is another
/// @par Cost      all planes' transforms over all ranks; sends a rank's part of the planes four times, twice as complex doubles
/// @par Memory    besides the slab: distributed_scratch, a P-th of the planes of a round
CubeSlab convolve_over_ranks(CubeSlab slab, const Kernel2D& kernel, std::int64_t margin, std::int64_t n_wave,
                             Communicator& comm, int n_thread = 0);

/// Bytes that it takes besides the slab, for a field of n_y x n_x spaxels (without margin).
std::int64_t distributed_scratch(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x, std::int64_t n_wave,
                                 int n_rank, int n_thread);

/// What a plane costs: seconds of a thread by the cheaper method and by transforms that ranks share, bytes that those send, all ranks
/// together, their own parts included. @par Source  measured on fields of 25 to 300 spaxels with kernels of 5 to 141
struct PlaneCost {
    double seconds = 0, shared_seconds = 0, shared_bytes = 0;
    PlaneCost(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x);
};
/// Messages of a rank to each other rank, for all planes of a cube.
std::int64_t distributed_messages(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x, std::int64_t n_wave,
                                  int n_rank);

/// What `auto` takes for a field of n_y x n_x spaxels (without margin).
Convolution cheaper_convolution(const Kernel2D& kernel, std::int64_t n_y, std::int64_t n_x);

} // namespace tessera
