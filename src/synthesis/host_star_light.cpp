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

void HostStarLight::sum(const FieldLight& all, const std::function<void(std::int64_t)>& done) {
    const int n_block = cube_.blocks().n_wave_block;
    const bool together = cube_.of_all_ranks();
    if (together) { count_all(); }
    for (int part = 0; part < cube_.blocks().n_part; ++part) {
        std::int64_t kept = 0;
        std::vector<std::unique_ptr<SpaxelLight>> lights;
        for (const LightShare& share : all.shares) {
            lights.push_back(std::make_unique<SpaxelLight>(source(share.kind, all.columns, together),
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

/// Each rank makes its wavelengths of all stars, whatever way the cube itself goes: made of its own stars in all wavelengths they would
/// take every rank nearly as long as one rank alone.
PartialCube HostStarLight::spectra(const RowKind& kind, const RowKind& /*exact*/, const NodeColumns& columns,
                                   const std::vector<std::int64_t>& spaxels) {
    count_all();
    PartialCube out(std::ssize(spaxels), input_.pixels.size());
    std::vector<SpaxelLight::Spaxel> rows;
    for (const std::int64_t spaxel : spaxels) { rows.push_back({spaxel, std::ssize(rows)}); }
    const WaveRange own = slab_of(input_.pixels.size(), comm_.rank(), comm_.size());
    const WaveBlock waves({own});
    std::vector<float> flux(spaxels.size() * static_cast<std::size_t>(own.count), 0.0F);
    const BlockView block{flux.data(), out.n_spaxel(), &waves};
    std::int64_t kept = 0;
    SpaxelLight(source(kind, columns, true), std::move(rows), 1, kept).add_to(block, [](std::int64_t) {});
    for (std::int64_t i = 0; i < out.n_spaxel(); ++i) {
        std::copy_n(block.row(0, i), own.count, out.flux().row(i) + own.first);
    }
    return out;
}

SpaxelLight::Source HostStarLight::source(const RowKind& kind, const NodeColumns& columns, bool together) const {
    return {stars_, input_, kind, columns, cost_of_single_, limits_, together ? &comm_ : nullptr, of_all_};
}

void HostStarLight::count_all() {
    if (!of_all_.empty()) { return; }
    for (std::int64_t s = 0; s < n_spaxel(); ++s) { of_all_.push_back(n_star_of(s)); }
    comm_.all_reduce(of_all_, Op::sum);
}

} // namespace tessera
