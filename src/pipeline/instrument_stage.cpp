#include "pipeline/instrument_stage.hpp"

#include <algorithm>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/region.hpp"
#include "tessera/instrument/convolve.hpp"

namespace tessera {

namespace {

/// The part of the range that lies in the telescope's band.
WaveRange in_band(const Plan& plan, WaveRange range) {
    const WaveRange band = plan.band_range();
    const std::int64_t first = std::clamp(range.first, band.first, band.end());
    return {first, std::clamp(range.end(), first, band.end()) - first};
}

/// A copy of the planes that lie in the band, renumbered from its first pixel; margin cut off.
CubeSlab band_planes(const Plan& plan, const CubeSlab& slab, std::int64_t margin) {
    const WaveRange planes = in_band(plan, slab.range());
    CubeSlab out({planes.first - plan.n_before, planes.count}, slab.n_y() - 2 * margin, slab.n_x() - 2 * margin);
    for (std::int64_t w = 0; w < out.n_wave(); ++w) {
        for (std::int64_t y = 0; y < out.n_y(); ++y) {
            const float* from = &slab.flux()(planes.first - slab.range().first + w, y + margin, margin);
            std::copy_n(from, out.n_x(), &out.flux()(w, y, 0));
        }
    }
    return out;
}

} // namespace

ObservedCube observe(const Plan& plan, CubeSlab&& summed, Communicator& comm) {
    ObservedCube out;
    const bool stages = plan.config.output.stages;
    CubeSlab slab = std::move(summed); // all that follows happens in its memory
    {
        const Region region("psf");
        const std::int64_t margin = plan.field.margin;
        agree(comm, [&] {
            if (stages) { out.accumulated = band_planes(plan, slab, margin); }
        });
        if (plan.convolution == ConvolutionLayout::distributed) {
            slab = convolve_over_ranks(std::move(slab), plan.psf, margin, plan.pixels.size(), comm, plan.where.threads);
        } else {
            agree(comm, [&] {
                slab = convolve(std::move(slab), plan.psf, margin, Convolution::automatic, plan.where.threads);
            });
        }
        agree(comm, [&] {
            if (stages) { out.psf = band_planes(plan, slab, 0); }
        });
    }
    {
        const Region region("lsf");
        apply_lsf(slab, plan.lsf, comm, plan.where.threads);
        agree(comm, [&] {
            const WaveRange kept = in_band(plan, slab.range());
            slab.keep_planes(kept, kept.first - plan.n_before);
            if (stages) { out.lsf = slab; }
        });
        out.flux = std::move(slab);
    }
    {
        const Region region("noise");
        const NoiseScene scene{.wavelengths = &plan.band,
                               .spaxel_size = plan.telescope.spaxel_size,
                               .flux_unit = plan.flux_unit(),
                               .n_thread = plan.where.threads};
        out.variance = add_noise(out.flux, plan.noise(), scene, comm);
    }
    return out;
}

} // namespace tessera
