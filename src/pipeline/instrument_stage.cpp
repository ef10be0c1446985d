#include "pipeline/instrument_stage.hpp"

#include <algorithm>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/region.hpp"
#include "tessera/instrument/convolve.hpp"

namespace tessera {

namespace {

/// The planes of the slab that lie in the telescope's band, renumbered from the band's first pixel; margin cut off.
CubeSlab band_planes(const Plan& plan, const CubeSlab& slab, std::int64_t margin) {
    const WaveRange band = plan.band_range();
    const std::int64_t first = std::clamp(slab.range().first, band.first, band.end());
    const std::int64_t end = std::clamp(slab.range().end(), first, band.end());
    CubeSlab out({first - band.first, end - first}, slab.n_y() - 2 * margin, slab.n_x() - 2 * margin);
    for (std::int64_t w = 0; w < out.n_wave(); ++w) {
        for (std::int64_t y = 0; y < out.n_y(); ++y) {
            const float* from = &slab.flux()(first - slab.range().first + w, y + margin, margin);
            std::copy_n(from, out.n_x(), &out.flux()(w, y, 0));
        }
    }
    return out;
}

} // namespace

ObservedCube observe(const Plan& plan, CubeSlab&& summed, Communicator& comm) {
    ObservedCube out;
    const bool stages = plan.config.output.stages;
    if (stages) { out.accumulated = band_planes(plan, summed, plan.field.margin); }
    CubeSlab blurred;
    {
        const Region region("psf");
        agree(comm, [&] {
            blurred = convolve(summed, plan.psf, plan.field.margin, Convolution::automatic, plan.where.threads);
        });
        summed = CubeSlab();
    }
    if (stages) { out.psf = band_planes(plan, blurred, 0); }
    {
        const Region region("lsf");
        if (plan.lsf.is_identity()) {
            out.flux = band_planes(plan, blurred, 0);
        } else {
            const CubeSlab ghosts = with_ghosts(blurred, plan.lsf.half_width(), plan.pixels.size(), comm);
            agree(comm, [&] {
                out.flux = band_planes(plan, apply_lsf(ghosts, blurred.range(), plan.lsf, plan.where.threads), 0);
            });
        }
        blurred = CubeSlab();
    }
    if (stages) { out.lsf = out.flux; }
    {
        const Region region("noise");
        const NoiseScene scene{.wavelengths = &plan.band,
                               .spaxel_size = plan.telescope.spaxel_size,
                               .flux_unit = plan.flux_unit(),
                               .n_thread = plan.where.threads};
        out.variance = add_noise(out.flux, plan.config.noise, scene, comm);
    }
    return out;
}

} // namespace tessera
