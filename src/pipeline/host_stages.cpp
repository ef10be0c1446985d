#include "pipeline/host_stages.hpp"

#include <array>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/log.hpp"
#include "tessera/view/star_exchange.hpp"

namespace tessera {

void HostStages::project(std::span<Galaxy* const> galaxies) {
    Galaxy& galaxy = *galaxies.front();
    rotate(plan_.where, galaxy.stars, galaxy.rotation.matrix);
    // Nobody asks for these any more: what comes next takes their room.
    drop({&galaxy.stars.z, &galaxy.stars.vx, &galaxy.stars.vy});
    galaxy.projection = tessera::project(plan_.where, galaxy.stars, plan_.field, comm_);
    std::vector<std::int64_t> rows = std::move(galaxy.stars.row);
    drop({&galaxy.stars.x, &galaxy.stars.y});
    reduction_ = choose_reduction(
        plan_, [&] { return stars_in_spaxels(galaxy.projection.spaxel, plan_.field.n_padded(), comm_); }, comm_);
    galaxy.reduction = reduction_.method;
    galaxy.reduction_reason = reduction_.reason;
    if (exchanges()) {
        sky_ = exchange_by_spaxel(plan_.where, std::move(galaxy.stars), galaxy.projection.spaxel, reduction_.owners,
                                  comm_);
    } else {
        agree(comm_, [&] {
            sky_ =
                order_by_spaxel(plan_.where, std::move(galaxy.stars), galaxy.projection.spaxel, plan_.field.n_padded());
        });
    }
    galaxy.stars = Stars();
    galaxy.stars.row = std::move(rows);
    if (!plan_.config.output.stages) { std::vector<std::int32_t>().swap(galaxy.projection.spaxel); }
}

void HostStages::synthesise(std::span<SynthesisReport> reports, const Progress& progress,
                            const std::function<void()>& check) {
    SynthesisReport& report = reports.front();
    const Reduction way = reduction_.method;
    const std::array band{plan_.band.edges.front(), plan_.band.edges.back()};
    if (way == Reduction::allreduce && comm_.size() > 1) {
        partial_ = tessera::synthesise(sky_, plan_.library, plan_.config.ssp.outside, plan_.pixels,
                                       plan_.config.galaxy.redshift, plan_.config.synthesis, plan_.where, comm_, report,
                                       progress, band);
    } else {
        const CubeBlocks blocks = plan_.blocks(way, comm_.size(), comm_.broadcast_value(plan_.where.threads, 0));
        slab_ = blocks_of(blocks);
        slab_->after_each(check);
        log::detail(fmt::format("the cube is made in {} blocks: {} of spaxels times {} of wavelengths", blocks.count(),
                                blocks.n_part, blocks.n_wave_block));
        synthesise_into(*slab_, sky_, plan_.library, plan_.config.ssp.outside, plan_.pixels,
                        plan_.config.galaxy.redshift, plan_.config.synthesis, plan_.where, comm_, report, progress,
                        band);
    }
    sky_ = SpaxelStars(); // the maps are made of sums that synthesis took on its way
}

std::unique_ptr<SlabBlocks> HostStages::blocks_of(const CubeBlocks& blocks) const {
    const std::int64_t n_y = plan_.field.padded_y(), n_x = plan_.field.padded_x();
    if (exchanges()) { return collect_in_blocks(blocks, reduction_.owners, n_y, n_x, comm_, plan_.where); }
    if (comm_.size() > 1 && reduction_.method == Reduction::weights) {
        return make_own_planes(blocks, n_y, n_x, comm_, plan_.where);
    }
    return sum_in_blocks(blocks, n_y, n_x, comm_, plan_.where);
}

void HostStages::reduce(std::size_t /*galaxy*/) {
    if (slab_) { // most of it was done while it was made
        summed_ = slab_->finish();
        slab_.reset();
        reduction_.owners = SpaxelOwners();
    } else {
        summed_ = reduce_all(std::move(partial_), plan_.field.padded_y(), plan_.field.padded_x(), comm_, plan_.where);
    }
    const double factor = plan_.luminosity_to_output();
    for (float& value : summed_.data()) { value = static_cast<float>(value * factor); }
}

ObservedCube HostStages::observe(std::size_t /*galaxy*/, double /*share*/) {
    return tessera::observe(plan_, std::move(summed_), comm_);
}

} // namespace tessera
