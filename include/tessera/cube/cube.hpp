#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tessera/core/options.hpp"
#include "tessera/core/view.hpp"
#include "tessera/cube/grid.hpp"
#include "tessera/device/device.hpp"

namespace tessera {

class Communicator;

/// One rank's sum over its own stars, in all wavelengths and the whole (padded) field, or some of its spaxels: flux [spaxel, wave], wavelength fastest, as synthesis
/// fills it. Zero when made.
class PartialCube {
public:
    PartialCube(std::int64_t n_spaxel, std::int64_t n_wave)
        : n_spaxel_(n_spaxel), n_wave_(n_wave), flux_(static_cast<std::size_t>(n_spaxel * n_wave)) {}
    std::int64_t n_spaxel() const { return n_spaxel_; }
    std::int64_t n_wave() const { return n_wave_; }
    std::int64_t bytes() const { return n_spaxel_ * n_wave_ * static_cast<std::int64_t>(sizeof(float)); }
    View<float, 2> flux() { return View<float, 2>(flux_.data(), n_spaxel_, n_wave_); }
    View<const float, 2> flux() const { return View<const float, 2>(flux_.data(), n_spaxel_, n_wave_); }

private:
    std::int64_t n_spaxel_, n_wave_;
    std::vector<float> flux_;
};

/// A range of wavelength planes of the summed cube: flux [wave, y, x]; what the instrument and output stages work on.
class CubeSlab {
public:
    CubeSlab() = default;
    CubeSlab(WaveRange range, std::int64_t n_y, std::int64_t n_x)
        : range_(range), n_y_(n_y), n_x_(n_x), flux_(static_cast<std::size_t>(range.count * n_y * n_x)) {}
    const WaveRange& range() const { return range_; } ///< global wavelength indices
    std::int64_t n_wave() const { return range_.count; }
    std::int64_t n_y() const { return n_y_; }
    std::int64_t n_x() const { return n_x_; }
    View<float, 3> flux() { return View<float, 3>(flux_.data(), range_.count, n_y_, n_x_); }
    View<const float, 3> flux() const { return View<const float, 3>(flux_.data(), range_.count, n_y_, n_x_); }
    std::vector<float>& data() { return flux_; }
    const std::vector<float>& data() const { return flux_; }

    /// Cuts down to planes `kept` of range(), which get the numbers from `first` on. In place: the planes move to the front, and the
    /// memory behind them goes back to the system (unless keeps_freed_memory). @throws Error(Kind::internal)  planes that the slab does not have
    void keep_planes(WaveRange kept, std::int64_t first);
    /// Planes of a smaller field, which lie one after the other at the front of data(); the memory behind them goes back to the system.
    void shrink_planes(std::int64_t n_y, std::int64_t n_x);

private:
    WaveRange range_;
    std::int64_t n_y_ = 0, n_x_ = 0;
    std::vector<float> flux_;
};

enum class Reduction { automatic, allreduce, reduce_scatter, exchange, weights };
template <>
struct EnumWords<Reduction> {
    static constexpr std::array words{std::pair{Reduction::automatic, std::string_view("auto")},
                                      std::pair{Reduction::allreduce, std::string_view("allreduce")},
                                      std::pair{Reduction::reduce_scatter, std::string_view("reduce-scatter")},
                                      std::pair{Reduction::exchange, std::string_view("exchange")},
                                      std::pair{Reduction::weights, std::string_view("weights")}};
};

/// Sums the partial cubes of all ranks on every rank (the paper's way), of which each keeps its slab `slab_of(n_wave, rank, size)`. The
/// other ways, which hold no whole cube, are those of cube_blocks.hpp. The partial cube is consumed: its memory is free on return.
/// @param n_y, n_x  padded field, n_y·n_x = partial.n_spaxel(), spaxel = iy·n_x + ix
/// @param where     threads of the transpose
/// @par Cost  one transpose of the slab; bytes sent a rank: twice (P-1)/P of the cube
CubeSlab reduce_all(PartialCube&& partial, std::int64_t n_y, std::int64_t n_x, Communicator& comm,
                    const device::Host& where = {});

/// Planes of other ranks on either side of a slab, in a run of spaxels: at most as many as were asked for, fewer at the ends of the
/// cube, none for a slab without planes.
struct GhostPlanes {
    WaveRange below, above;    ///< global wavelength indices, next to the slab's own
    std::int64_t n_spaxel = 0; ///< of the run
    std::vector<float> flux;   ///< [below, then above; spaxel]
    /// The run of spaxels in plane `wave`, which is one of below or above.
    const float* row(std::int64_t wave) const {
        return flux.data() + (wave < below.end() ? wave - below.first : below.count + wave - above.first) * n_spaxel;
    }
};

/// The ghost planes of this rank's slab, spaxels `first` to `first + n_spaxel` of each plane [y, x]; correct also where a slab is
/// thinner than n_ghost or empty. Collective. @par Cost  one all_to_all, as many floats to send as to receive
/// @throws Error(Kind::internal)  on every rank, where one's slab is not its slab_of(n_wave, rank, size)
GhostPlanes exchange_ghosts(const CubeSlab& slab, std::int64_t first, std::int64_t n_spaxel, std::int64_t n_ghost,
                            std::int64_t n_wave, Communicator& comm);

} // namespace tessera
