#include <algorithm>
#include <vector>

#include "instrument/weighted_sum.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/device/device.hpp"
#include "tessera/instrument/lsf.hpp"

namespace tessera {
namespace {

/// Spaxels that a thread takes at a time: so few that the planes under the kernel stay in its cache.
constexpr std::int64_t tile = 1024;

/// Ghost planes that are sent and received at a time, bytes.
constexpr std::int64_t strip_bytes = std::int64_t{8} << 20;

/// Strips of spaxels in which ghost planes are exchanged: the same on every rank.
std::int64_t n_strip(const Lsf& lsf, std::int64_t n_spaxel, int n_rank) {
    if (n_rank == 1) { return 1; }
    const std::int64_t planes = 4 * lsf.half_width(); // from and to either side
    return std::clamp<std::int64_t>(planes * n_spaxel * static_cast<std::int64_t>(sizeof(float)) / strip_bytes, 1,
                                    std::clamp<std::int64_t>(n_spaxel, 1, 64));
}

/// The planes under the kernel as they were before, of some spaxels.
class Originals {
public:
    explicit Originals(std::int64_t half_width)
        : n_plane_(2 * half_width + 1), flux_(static_cast<std::size_t>(n_plane_ * tile)) {}
    float* row(std::int64_t wave) { return flux_.data() + offset(wave); }
    std::int64_t offset(std::int64_t wave) const { return wave % n_plane_ * tile; }
    const float* data() const { return flux_.data(); }

private:
    std::int64_t n_plane_;
    std::vector<float> flux_;
};

/// Spaxels [first, first + n) of all planes of a slab, n <= tile.
/// @param ghosts  of the strip that begins at spaxel `strip`
void convolve_tile(CubeSlab& slab, const GhostPlanes& ghosts, std::int64_t strip, std::int64_t first, std::int64_t n,
                   const Lsf& lsf, Originals& originals) {
    const WaveRange own = slab.range(),
                    have{own.first - ghosts.below.count, ghosts.below.count + own.count + ghosts.above.count};
    const std::int64_t half_width = lsf.half_width();
    std::vector<std::int64_t> under; // planes under the kernel
    std::vector<float> taps;
    std::int64_t next = have.first; // the first plane that has not been kept yet
    for (std::int64_t wave = own.first; wave < own.end(); ++wave) {
        for (; next < have.end() && next <= wave + half_width; ++next) {
            const bool is_own = next >= own.first && next < own.end();
            const float* from = is_own ? slab.flux().row(next - own.first) + first : ghosts.row(next) + (first - strip);
            std::copy_n(from, n, originals.row(next));
        }
        const auto& kernel = lsf.kernels[static_cast<std::size_t>(lsf.kernel_of[static_cast<std::size_t>(wave)])];
        const std::int64_t half = std::ssize(kernel) / 2;
        under.clear();
        taps.clear();
        for (std::int64_t j = -half; j <= half; ++j) {
            std::int64_t from = wave + j;
            if (from < have.first || from >= have.end()) {
                if (lsf.edge == Lsf::Edge::zero) { continue; }
                from = std::clamp<std::int64_t>(from, have.first, have.end() - 1);
            }
            under.push_back(originals.offset(from));
            taps.push_back(static_cast<float>(kernel[static_cast<std::size_t>(j + half)]));
        }
        weighted_sum(originals.data(), under, taps, n, slab.flux().row(wave - own.first) + first);
    }
}

} // namespace

void apply_lsf(CubeSlab& slab, const Lsf& lsf, Communicator& comm, int n_thread) {
    if (lsf.is_identity()) { return; }
    const device::Host where{device::threads_for(n_thread, 1)};
    std::vector<Originals> originals;
    agree(comm, [&] {
        for (int thread = 0; thread < where.threads; ++thread) { originals.emplace_back(lsf.half_width()); }
    });
    const std::int64_t n_spaxel = slab.n_y() * slab.n_x(), n = n_strip(lsf, n_spaxel, comm.size());
    for (std::int64_t strip = 0; strip < n; ++strip) {
        const std::int64_t begin = n_spaxel * strip / n, end = n_spaxel * (strip + 1) / n;
        const GhostPlanes ghosts =
            exchange_ghosts(slab, begin, end - begin, lsf.half_width(), std::ssize(lsf.kernel_of), comm);
        device::run_blocks(where, where.threads, [&](std::int64_t thread) {
            const std::int64_t last = begin + (end - begin) * (thread + 1) / where.threads;
            for (std::int64_t s = begin + (end - begin) * thread / where.threads; s < last; s += tile) {
                convolve_tile(slab, ghosts, begin, s, std::min(tile, last - s), lsf,
                              originals[static_cast<std::size_t>(thread)]);
            }
        });
    }
}

std::int64_t lsf_scratch(const Lsf& lsf, std::int64_t n_spaxel, int n_rank, int n_thread) {
    if (lsf.is_identity()) { return 0; }
    const std::int64_t half_width = lsf.half_width(), n = n_strip(lsf, n_spaxel, n_rank);
    const std::int64_t ghosts = n_rank == 1 ? 0 : 4 * half_width * ((n_spaxel + n - 1) / n);
    return (ghosts + n_thread * (2 * half_width + 1) * tile) * static_cast<std::int64_t>(sizeof(float));
}

} // namespace tessera
