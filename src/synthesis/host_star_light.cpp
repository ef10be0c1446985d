#include <algorithm>
#include <iterator>

#include "synthesis/star_light.hpp"
#include "synthesis/tile_kernel.hpp"

namespace tessera {

WorkCosts HostStarLight::costs() const { return {.single = cost_of_single_, .fill = tile_kernels().cost_of_fill}; }

std::vector<NodeClass> HostStarLight::node_classes(Communicator& comm) {
    return tessera::node_classes(stars_, input_.interpolator, input_.library.n_node(), input_.where, comm);
}

Survey HostStarLight::survey(const std::vector<NodeLight>& nodes, bool with_sketches, Communicator& comm) {
    return survey_stars(stars_, input_.interpolator, input_.library, outside_, nodes, input_.where, comm,
                        with_sketches);
}

void HostStarLight::add(const RowKind& kind, const RowKind& /*exact*/, const NodeColumns& columns,
                        const std::vector<std::int64_t>& spaxels, bool /*last*/,
                        const std::function<void(std::int64_t)>& done) {
    std::vector<std::int64_t> own;
    std::copy_if(spaxels.begin(), spaxels.end(), std::back_inserter(own),
                 [&](std::int64_t s) { return row_of_spaxel_[static_cast<std::size_t>(s)] >= 0; });
    add_spaxels(stars_, input_, kind, columns, cost_of_single_, own, row_of_spaxel_, cube_, done);
}

PartialCube HostStarLight::spectra(const RowKind& kind, const RowKind& /*exact*/, const NodeColumns& columns,
                                   const std::vector<std::int64_t>& spaxels) {
    PartialCube out(static_cast<std::int64_t>(spaxels.size()), cube_.n_wave());
    std::vector<std::int64_t> row_of_spaxel(static_cast<std::size_t>(n_spaxel()), -1);
    for (std::size_t i = 0; i < spaxels.size(); ++i) {
        row_of_spaxel[static_cast<std::size_t>(spaxels[i])] = static_cast<std::int64_t>(i);
    }
    add_spaxels(stars_, input_, kind, columns, cost_of_single_, spaxels, row_of_spaxel, out, [](std::int64_t) {});
    return out;
}

} // namespace tessera
