#include <algorithm>
#include <iterator>
#include <memory>
#include <span>

#include "synthesis/star_light.hpp"
#include "synthesis/tile_kernel.hpp"
#include "tessera/comm/communicator.hpp"

namespace tessera {

WorkCosts HostStarLight::costs() const { return {.single = cost_of_single_, .fill = tile_kernels().cost_of_fill}; }

std::vector<NodeClass> HostStarLight::node_classes(Communicator& comm) {
    return tessera::node_classes(stars_, input_.interpolator, input_.library.n_node(), input_.where, comm);
}

Survey HostStarLight::survey(const std::vector<NodeLight>& nodes, bool with_sketches, Communicator& comm) {
    return survey_stars(stars_, input_.interpolator, input_.library, outside_, nodes, input_.where, comm,
                        with_sketches);
}

namespace {

/// The spaxels of a share that are rows; both ascend.
std::vector<SpaxelLight::Spaxel> in_rows(const std::vector<std::int64_t>& spaxels, std::span<const std::int64_t> rows) {
    std::vector<SpaxelLight::Spaxel> out;
    auto spaxel = spaxels.begin();
    for (std::size_t row = 0; row < rows.size(); ++row) {
        spaxel = std::lower_bound(spaxel, spaxels.end(), rows[row]);
        if (spaxel == spaxels.end()) { break; }
        if (*spaxel == rows[row]) { out.push_back({*spaxel, static_cast<std::int64_t>(row)}); }
    }
    return out;
}

} // namespace

void HostStarLight::sum(const std::vector<LightShare>& shares, const RowKind& /*exact*/, const NodeColumns& columns,
                        const std::function<void(std::int64_t)>& done) {
    const int n_block = cube_.blocks().n_wave_block;
    const bool together = cube_.of_all_ranks();
    std::vector<std::int64_t> of_all;
    if (together) {
        for (std::int64_t s = 0; s < n_spaxel(); ++s) { of_all.push_back(n_star_of(s)); }
        comm_.all_reduce(of_all, Op::sum);
    }
    for (int part = 0; part < cube_.blocks().n_part; ++part) {
        std::int64_t kept = 0;
        std::vector<std::unique_ptr<SpaxelLight>> lights;
        for (const LightShare& share : shares) {
            lights.push_back(
                std::make_unique<SpaxelLight>(SpaxelLight::Source{stars_, input_, share.kind, columns, cost_of_single_,
                                                                  limits_, together ? &comm_ : nullptr, of_all},
                                              in_rows(share.spaxels, cube_.rows(part)), n_block, kept));
        }
        for (int block = 0; block < n_block; ++block) {
            const BlockView to = cube_.open(part, block);
            for (const auto& light : lights) {
                light->add_to(
                    to,
                    [&](std::int64_t n_star) { // a star is done when its last block is: until then in part
                        done(n_star * (block + 1) / n_block - n_star * block / n_block);
                    },
                    [&] { cube_.advance(); });
            }
            cube_.close();
            cube_.check();
        }
    }
}

PartialCube HostStarLight::spectra(const RowKind& kind, const RowKind& /*exact*/, const NodeColumns& columns,
                                   const std::vector<std::int64_t>& spaxels) {
    PartialCube out(static_cast<std::int64_t>(spaxels.size()), input_.pixels.size());
    std::vector<SpaxelLight::Spaxel> rows;
    for (const std::int64_t spaxel : spaxels) { rows.push_back({spaxel, std::ssize(rows)}); }
    std::int64_t kept = 0;
    WholeCube whole(out);
    SpaxelLight({stars_, input_, kind, columns, cost_of_single_, limits_}, std::move(rows), 1, kept)
        .add_to(whole.open(0, 0), [](std::int64_t) {});
    return out;
}

} // namespace tessera
