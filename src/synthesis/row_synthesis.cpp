#include "synthesis/row_synthesis.hpp"

#include <algorithm>

#include "synthesis/doppler.hpp"
#include "synthesis/row_product.hpp"

namespace tessera {

VelocityGrid rows_touched(const RowInput& input, double step, const std::vector<std::int64_t>& spaxels) {
    double slowest = 0;
    double fastest = 0;
    for (const std::int64_t spaxel : spaxels) {
        if (!input.velocities.has_stars(spaxel)) { continue; }
        slowest = std::min(slowest, input.velocities.slowest[static_cast<std::size_t>(spaxel)]);
        fastest = std::max(fastest, input.velocities.fastest[static_cast<std::size_t>(spaxel)]);
    }
    return VelocityGrid::spanning(step, log_doppler(slowest, input.doppler), log_doppler(fastest, input.doppler));
}

std::int64_t most_weights(const SpaxelStars& stars, const RowInput& input, const RowKind& kind, std::int64_t n_column,
                          std::int64_t spaxel) {
    const auto s = static_cast<std::size_t>(spaxel);
    const std::int64_t n_star = stars.start[s + 1] - stars.start[s];
    if (n_star == 0) { return 0; }
    const std::int64_t n_row =
        VelocityGrid::spanning(kind.step, log_doppler(input.velocities.slowest[s], input.doppler),
                               log_doppler(input.velocities.fastest[s], input.doppler))
            .n;
    if (kind.compression != nullptr) { return std::min(n_row, 4 * n_star) * kind.compression->rank; }
    const std::int64_t per_star = input.interpolator.kind() == ssp::Interpolation::linear ? 16 : 64;
    return std::min(n_row * n_column, per_star * n_star);
}

void add_spaxels(const SpaxelStars& stars, const RowInput& input, const RowKind& kind, const NodeColumns& columns,
                 double cost_of_single, const std::vector<std::int64_t>& spaxels,
                 const std::vector<std::int64_t>& row_of_spaxel, PartialCube& cube,
                 const std::function<void(std::int64_t)>& done) {
    const auto n_column = static_cast<std::int64_t>(columns.node.size());
    const Deposit deposit{.stars = stars,
                          .interpolator = input.interpolator,
                          .columns = columns,
                          .grid = rows_touched(input, kind.step, spaxels),
                          .doppler = input.doppler,
                          .compression = kind.compression,
                          .n_key_column = kind.spectra->n_column};
    const RowTemplates templates{*kind.spectra, deposit.grid, input.pixels, 1 + input.redshift};
    std::vector<RowList> lists;
    std::int64_t n_weight = 0;
    std::int64_t n_star = 0;
    const auto flush = [&] {
        multiply_rows(lists, templates, cost_of_single, input.where, cube);
        lists.clear();
        done(n_star);
        n_weight = n_star = 0;
    };
    for (std::size_t first = 0; first < spaxels.size();) {
        // A few spaxels at a time, by the most weights that they may have: how many they have is known afterwards.
        std::size_t end = first;
        std::int64_t most = 0;
        while (end < spaxels.size()) {
            const std::int64_t more = most_weights(stars, input, kind, n_column, spaxels[end]);
            if (end > first && most + more > weights_per_batch / 4) { break; }
            most += more;
            const auto s = static_cast<std::size_t>(spaxels[end++]);
            n_star += stars.start[s + 1] - stars.start[s];
        }
        const std::size_t before = lists.size();
        lists.resize(before + end - first);
        device::for_each(input.where, static_cast<std::int64_t>(end - first), 1, [&](std::int64_t i) {
            thread_local DepositScratch scratch;
            RowList& list = lists[before + static_cast<std::size_t>(i)];
            list = deposit_stars(deposit, spaxels[first + static_cast<std::size_t>(i)], scratch);
            list.spaxel = row_of_spaxel[static_cast<std::size_t>(list.spaxel)];
        });
        for (std::size_t i = before; i < lists.size(); ++i) { n_weight += lists[i].size(); }
        first = end;
        if (n_weight >= weights_per_batch) { flush(); }
    }
    flush();
}

} // namespace tessera
