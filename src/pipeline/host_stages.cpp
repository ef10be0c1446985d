#include "pipeline/host_stages.hpp"

#include <array>

#include "tessera/comm/communicator.hpp"

namespace tessera {

void HostStages::project(Galaxy& galaxy) {
    rotate(plan_.where, galaxy.stars, galaxy.rotation.matrix);
    // Nobody asks for these any more: what comes next takes their room.
    drop({&galaxy.stars.z, &galaxy.stars.vx, &galaxy.stars.vy});
    galaxy.projection = tessera::project(plan_.where, galaxy.stars, plan_.field, comm_);
    check_field(plan_, galaxy.projection);
    std::vector<std::int64_t> rows = std::move(galaxy.stars.row);
    drop({&galaxy.stars.x, &galaxy.stars.y});
    agree(comm_, [&] {
        sky_ = order_by_spaxel(plan_.where, std::move(galaxy.stars), galaxy.projection.spaxel, plan_.field.n_padded());
    });
    galaxy.stars = Stars();
    galaxy.stars.row = std::move(rows);
    if (!plan_.config.output.stages) { std::vector<std::int32_t>().swap(galaxy.projection.spaxel); }
}

void HostStages::synthesise(SynthesisReport& report, const Progress& progress) {
    partial_ = tessera::synthesise(sky_, plan_.library, plan_.config.ssp.outside, plan_.pixels,
                                   plan_.config.galaxy.redshift, plan_.config.synthesis, plan_.where, comm_, report,
                                   progress, std::array{plan_.band.edges.front(), plan_.band.edges.back()});
    sky_ = SpaxelStars(); // the maps are made of sums that synthesis took on its way
}

void HostStages::reduce() {
    summed_ = tessera::reduce(std::move(partial_), plan_.field.padded_y(), plan_.field.padded_x(),
                              plan_.config.parallel.reduction, comm_, plan_.where);
    const double factor = plan_.luminosity_to_output();
    for (float& value : summed_.data()) { value = static_cast<float>(value * factor); }
}

ObservedCube HostStages::observe() { return tessera::observe(plan_, std::move(summed_), comm_); }

} // namespace tessera
