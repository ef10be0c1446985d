#include "synthesis/row_synthesis.hpp"

#include <algorithm>
#include <memory>

#include "synthesis/doppler.hpp"
#include "synthesis/weight_exchange.hpp"

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

std::int64_t most_weights(std::int64_t n_star, const RowInput& input, const RowKind& kind, std::int64_t n_column,
                          std::int64_t spaxel) {
    const auto s = static_cast<std::size_t>(spaxel);
    if (n_star == 0) { return 0; }
    const std::int64_t n_row =
        VelocityGrid::spanning(kind.step, log_doppler(input.velocities.slowest[s], input.doppler),
                               log_doppler(input.velocities.fastest[s], input.doppler))
            .n;
    if (kind.compression != nullptr) { return std::min(n_row, 4 * n_star) * kind.compression->rank; }
    const std::int64_t per_star = input.interpolator.kind() == ssp::Interpolation::linear ? 16 : 64;
    return std::min(n_row * n_column, per_star * n_star);
}

/// Spaxels [first, end) of the list; their product where it is kept.
struct SpaxelLight::Batch {
    std::size_t first = 0, end = 0;
    std::int64_t n_star = 0, n_weight = 0;
    std::unique_ptr<RowProduct> product = nullptr;
};

namespace {

VelocityGrid rows_of(const RowInput& input, double step, const std::vector<SpaxelLight::Spaxel>& spaxels) {
    std::vector<std::int64_t> numbers;
    for (const auto& one : spaxels) { numbers.push_back(one.spaxel); }
    return rows_touched(input, step, numbers);
}

} // namespace

SpaxelLight::SpaxelLight(const Source& source, std::vector<Spaxel> spaxels, int n_block, std::int64_t& kept)
    : source_(source), spaxels_(std::move(spaxels)), deposit_{.stars = source.stars,
                                                              .interpolator = source.input.interpolator,
                                                              .columns = source.columns,
                                                              .grid = rows_of(source.input, source.kind.step, spaxels_),
                                                              .doppler = source.input.doppler,
                                                              .compression = source.kind.compression,
                                                              .n_key_column = source.kind.spectra->n_column},
      templates_{*source.kind.spectra, deposit_.grid, source.input.pixels, 1 + source.input.redshift},
      once_(n_block == 1), kept_(kept) {}

SpaxelLight::~SpaxelLight() = default;

std::vector<RowList> SpaxelLight::lists_of(std::size_t first, std::size_t end) const {
    std::vector<RowList> lists(end - first);
    device::for_each(source_.input.where, static_cast<std::int64_t>(lists.size()), 1, [&](std::int64_t i) {
        thread_local DepositScratch scratch;
        const Spaxel& one = spaxels_[first + static_cast<std::size_t>(i)];
        RowList& list = lists[static_cast<std::size_t>(i)];
        list = deposit_stars(deposit_, one.spaxel, scratch);
        list.spaxel = one.row;
    });
    if (source_.ranks == nullptr) { return lists; }
    return sum_over_ranks(std::move(lists), source_.input.where, *source_.ranks);
}

std::int64_t SpaxelLight::n_star_of(std::int64_t spaxel) const {
    const auto s = static_cast<std::size_t>(spaxel);
    return source_.ranks != nullptr ? source_.n_star[s] : source_.stars.start[s + 1] - source_.stars.start[s];
}

/// End of a few spaxels, by the most weights that they may have: how many they have is known afterwards.
std::size_t SpaxelLight::next_few(std::size_t first) const {
    const auto n_column = static_cast<std::int64_t>(source_.columns.node.size());
    std::size_t end = first;
    for (std::int64_t most = 0; end < spaxels_.size(); ++end) {
        most +=
            most_weights(n_star_of(spaxels_[end].spaxel), source_.input, source_.kind, n_column, spaxels_[end].spaxel);
        if (end > first && most > source_.limits.per_batch / 4) { break; }
    }
    return end;
}

SpaxelLight::Batch SpaxelLight::make_next(std::size_t first) const {
    Batch batch{.first = first, .end = first};
    std::vector<RowList> lists;
    while (batch.end < spaxels_.size() && batch.n_weight < source_.limits.per_batch) {
        std::vector<RowList> few = lists_of(batch.end, next_few(batch.end));
        for (RowList& list : few) {
            const auto s = static_cast<std::size_t>(spaxels_[batch.end++].spaxel);
            batch.n_star += source_.stars.start[s + 1] - source_.stars.start[s];
            batch.n_weight += list.size();
            lists.push_back(std::move(list));
        }
    }
    batch.product =
        std::make_unique<RowProduct>(std::move(lists), templates_, source_.cost_of_single, source_.input.where);
    return batch;
}

void SpaxelLight::add_to(const BlockView& block, const std::function<void(std::int64_t)>& done,
                         const std::function<void()>& meanwhile) {
    std::size_t i = 0;
    for (std::size_t first = 0; first < spaxels_.size(); ++i) {
        Batch* batch = i < batches_.size() ? &batches_[i] : nullptr;
        std::unique_ptr<RowProduct> made;
        if (batch == nullptr) {
            batch = &batches_.emplace_back(make_next(first));
            if (once_ || kept_ + batch->n_weight > source_.limits.kept) {
                made = std::move(batch->product);
            } else {
                kept_ += batch->n_weight;
            }
        } else if (!batch->product) {
            made = std::make_unique<RowProduct>(lists_of(batch->first, batch->end), templates_, source_.cost_of_single,
                                                source_.input.where);
        }
        (made ? *made : *batch->product).add_to(block, source_.input.where, meanwhile);
        done(batch->n_star);
        first = batch->end;
    }
}

} // namespace tessera
