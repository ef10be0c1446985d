// W and its product with the templates on an accelerator. Rich spaxels: W is a dense matrix of all rows that matter and all nodes,
// summed in integers, multiplied by panels of templates. Poor ones, and stars far from the rest in velocity: star by star.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "synthesis/device_star_light.hpp"
#include "synthesis/doppler.hpp"

namespace tessera {

namespace {

/// Longest sum in single precision: its rounding is seen between numbers of ranks.
constexpr std::int64_t longest_sum = 2048;

} // namespace

/// One call of `add`.
struct DeviceStarLight::Work {
    const DeviceSpectra& spectra;
    const RowKind& kind;
    const NodeColumns& columns;
    VelocityGrid grid; ///< of the dense rows
    const device::Buffer<std::int32_t>& node_column;
    std::int64_t first_spaxel, n_spaxel;     ///< all others are left alone
    std::int64_t first_star, n_star;         ///< of these
    device::Buffer<std::int32_t> order = {}; ///< [spaxel - first_spaxel]
    std::vector<std::int32_t> dense = {};    ///< spaxels
    device::Buffer<std::int32_t> dense_spaxels = {};
};

struct DeviceStarLight::Bands {
    std::int64_t width;
    device::Buffer<std::int32_t> first;
    device::Buffer<float> weight;
};

StarPlacer DeviceStarLight::placer(const Work& work, const VelocityGrid& grid) const {
    return {lookup_.lookup, input_->doppler, 1 / grid.step, grid.first, work.node_column.data()};
}

DeviceStarLight::Bands DeviceStarLight::bands_of(const DeviceSpectra& spectra, const VelocityGrid& grid) {
    const WavelengthGrid& pixels = input_->pixels;
    const double at_rest = 1 + input_->redshift;
    const auto factor = [&](std::int64_t row) { return at_rest * std::exp(static_cast<double>(row) * grid.step); };
    Bands bands{.width = widest_band(spectra.points, pixels, factor(grid.first - 1), factor(grid.first + grid.n)),
                .first = {},
                .weight = {}};
    bands.first = device::Buffer<std::int32_t>(queue_, grid.n * pixels.size(), "points of pixels");
    bands.weight = device::Buffer<float>(queue_, grid.n * bands.width * pixels.size(), "weights of pixels");
    queue_.for_each(grid.n * pixels.size(), BandOfPixel{{spectra.wavelength->data(), spectra.n_point, edges_->data()},
                                                        grid.first,
                                                        grid.step,
                                                        at_rest,
                                                        pixels.size(),
                                                        bands.width,
                                                        bands.first.data(),
                                                        bands.weight.data()});
    return bands;
}

void DeviceStarLight::add_to(const LightTarget& target, const RowKind& kind, const RowKind& exact,
                             const NodeColumns& columns, const std::vector<std::int64_t>& spaxels, bool last) {
    std::vector<std::int64_t> lit;
    std::copy_if(spaxels.begin(), spaxels.end(), std::back_inserter(lit), [&](auto s) { return n_star_of(s) > 0; });
    if (lit.empty() || columns.node.empty()) { return; }
    const device::Buffer<std::int32_t> node_column(queue_, columns.column, "columns of nodes");
    Work work{.spectra = spectra_of(kind, columns),
              .kind = kind,
              .columns = columns,
              .grid = rows_touched(*input_, kind.step, lit),
              .node_column = node_column,
              .first_spaxel = lit.front(),
              .n_spaxel = lit.back() + 1 - lit.front(),
              .first_star = start()[static_cast<std::size_t>(lit.front())],
              .n_star = 0};
    work.n_star = start()[static_cast<std::size_t>(lit.back()) + 1] - work.first_star;
    choose_dense(work, lit);
    add_listed(work, target, exact, columns, lit);
    add_dense(work, target, last); // after the others: it knows when a plane is complete
    queue_.finish();               // lists of the host went up on the way
}

/// Rows that enough stars have, and spaxels with enough stars: those for which a dense row of W is less work than its stars alone.
void DeviceStarLight::choose_dense(Work& work, const std::vector<std::int64_t>& spaxels) {
    const VelocityGrid grid = work.grid; // all rows that any star has
    std::vector<std::int32_t> order(static_cast<std::size_t>(work.n_spaxel), not_selected);
    const auto at = [&](std::int64_t spaxel) { return static_cast<std::size_t>(spaxel - work.first_spaxel); };
    for (const std::int64_t spaxel : spaxels) { order[at(spaxel)] = star_by_star; }
    work.order = device::Buffer<std::int32_t>(queue_, order, "order of spaxels");
    const std::int64_t every = std::max<std::int64_t>(1, work.n_star / (1 << 18));
    std::vector<std::int64_t> count(static_cast<std::size_t>(grid.n));
    device::Buffer<std::int64_t> counts(queue_, grid.n, "stars of rows");
    queue_.zero(counts);
    queue_.for_each((work.n_star + every - 1) / every,
                    CountRows{placer(work, grid),
                              every,
                              {spaxel_.data() + work.first_star, work.order.data(), work.first_spaxel},
                              stars_.los_velocity.data() + work.first_star,
                              counts.data()});
    queue_.download(counts, std::span<std::int64_t>(count));
    queue_.finish();
    const double per_star = tuning_.single * (lookup_.lookup.cubic ? 64 : 16) * static_cast<double>(every);
    const auto per_row = static_cast<double>(work.spectra.n_column);
    // From either end inwards, as far as leaving rows out saves most.
    const auto trimmed = [&](const auto& first, const auto& end) {
        double saved = 0;
        double best = 0;
        std::int64_t n = 0;
        for (auto it = first; it != end; ++it) {
            saved += per_row * static_cast<double>(spaxels.size()) - per_star * static_cast<double>(*it);
            if (saved > best) {
                best = saved;
                n = it - first + 1;
            }
        }
        return n;
    };
    const std::int64_t low = trimmed(count.begin(), count.end());
    const std::int64_t high = grid.n - trimmed(count.rbegin(), count.rend()) + 3; // a star reaches three rows further
    work.grid = {grid.step, grid.first + low, std::max<std::int64_t>(0, std::min(high, grid.n) - low)};
    if (work.grid.n < 4) { return; }
    const double dense_cost = per_row * static_cast<double>(work.grid.n);
    for (const std::int64_t spaxel : spaxels) {
        if (per_star / static_cast<double>(every) * static_cast<double>(n_star_of(spaxel)) < dense_cost) { continue; }
        order[at(spaxel)] = static_cast<std::int32_t>(work.dense.size());
        work.dense.push_back(static_cast<std::int32_t>(spaxel));
    }
    if (work.dense.empty()) { return; }
    queue_.upload(work.order, order);
    work.dense_spaxels = device::Buffer<std::int32_t>(queue_, work.dense, "rich spaxels");
    queue_.finish();
}

void DeviceStarLight::add_dense(Work& work, const LightTarget& target, bool last) {
    const auto n_dense = static_cast<std::int64_t>(work.dense.size());
    if (n_dense == 0) { return; }
    // Integers and floats of W side by side, and its projection.
    const std::int64_t n_column = static_cast<std::int64_t>(work.columns.node.size());
    const std::int64_t projected = work.kind.compression != nullptr ? work.spectra.n_column : 0;
    const std::int64_t bytes = work.grid.n * (n_column * 12 + projected * 4) + input_->pixels.size() * 4;
    const std::int64_t at_a_time = std::clamp<std::int64_t>(budget() / 2 / bytes, 1, n_dense);
    for (std::int64_t first = 0; first < n_dense; first += at_a_time) {
        add_batch(work, target, first, std::min(at_a_time, n_dense - first), last && first + at_a_time >= n_dense);
    }
}

void DeviceStarLight::add_batch(Work& work, const LightTarget& target, std::int64_t first, std::int64_t n_slot,
                                bool last) {
    device::Buffer<float> weights = row_weights(work, first, n_slot);
    if (work.kind.compression != nullptr) { weights = project(work, weights, n_slot); }
    const std::int64_t n_pixel = input_->pixels.size();
    std::vector<WaveRange> blocks{{0, n_pixel}};
    if (last && blocks_.done) { blocks = blocks_.blocks; }
    std::int64_t widest = 0;
    for (const WaveRange& block : blocks) { widest = std::max(widest, block.count); }
    const Bands bands = bands_of(work.spectra, work.grid);
    const std::int64_t row_floats = work.spectra.n_column * widest;
    const std::int64_t rows = std::clamp<std::int64_t>(budget() / 4 / (row_floats * 4), 1, work.grid.n);
    device::Buffer<float> panel(queue_, rows * row_floats, "panel of templates");
    device::Buffer<float> made(queue_, widest * n_slot, "light of a batch of spaxels");
    for (const WaveRange& block : blocks) {
        multiply_panels(work, bands, block, weights.data(), n_slot, panel, made);
        queue_.for_each(block.count * n_slot, AddBatch{{target.flux + block.first * target.n_column, target.n_column,
                                                        target.column, target.first_spaxel},
                                                       n_slot,
                                                       work.dense_spaxels.data() + first,
                                                       made.data()});
        if (last) { hand_on(block); }
    }
}

device::Buffer<float> DeviceStarLight::row_weights(Work& work, std::int64_t first, std::int64_t n_slot) {
    const auto n_column = static_cast<std::int64_t>(work.columns.node.size());
    const std::int64_t n_weight = work.grid.n * n_column * n_slot;
    const auto spaxel_of = [&](std::int64_t slot) {
        return static_cast<std::size_t>(work.dense[static_cast<std::size_t>(first + slot)]);
    };
    device::Buffer<float> weights(queue_, n_weight, "row weights");
    device::Buffer<std::int64_t> sums(queue_, n_weight, "sums of row weights");
    queue_.zero(sums);
    const std::int64_t first_star = start()[spaxel_of(0)];
    queue_.for_each(start()[spaxel_of(n_slot - 1) + 1] - first_star,
                    DepositStar{placer(work, work.grid),
                                {work.grid.n},
                                first_star,
                                first,
                                n_slot,
                                n_column,
                                {spaxel_.data(), work.order.data(), work.first_spaxel},
                                scales_.data(),
                                stars_.los_velocity.data(),
                                stars_.initial_mass.data(),
                                stars_.metallicity.data(),
                                stars_.age.data(),
                                sums.data()});
    std::vector<double> per_scale;
    for (std::int64_t slot = 0; slot < n_slot; ++slot) { per_scale.push_back(1 / scale_[spaxel_of(slot)]); }
    const device::Buffer<double> per_scales(queue_, per_scale, "scales of the batch");
    queue_.for_each(n_weight, FromFixed{n_slot, per_scales.data(), sums.data(), weights.data()});
    queue_.finish(); // before the list goes
    return weights;
}

/// From nodes to the basis of the compression.
device::Buffer<float> DeviceStarLight::project(const Work& work, const device::Buffer<float>& weights,
                                               std::int64_t n_slot) {
    const std::int64_t rank = work.spectra.n_column;
    const auto n_column = static_cast<std::int64_t>(work.columns.node.size());
    device::Buffer<float> projected(queue_, work.grid.n * rank * n_slot, "row weights of the basis");
    queue_.multiply({.left = work.spectra.coefficient.data(),
                     .right = weights.data(),
                     .out = projected.data(),
                     .n_i = rank,
                     .n_j = n_slot,
                     .n_k = n_column,
                     .left_row = rank,
                     .right_row = n_slot,
                     .out_row = n_slot,
                     .n_batch = work.grid.n,
                     .right_stride = n_column * n_slot,
                     .out_stride = rank * n_slot});
    return projected;
}

/// made[wave, slot] for the waves of a block: panels of templates, as many rows at a time as there is room for, times row weights.
void DeviceStarLight::multiply_panels(const Work& work, const Bands& bands, WaveRange waves, const float* weights,
                                      std::int64_t n_slot, device::Buffer<float>& panel, device::Buffer<float>& made) {
    const std::int64_t n_column = work.spectra.n_column;
    const std::int64_t n_pixel = input_->pixels.size();
    const std::int64_t row_floats = n_column * waves.count;
    if (row_floats == 0) { return; }
    const std::int64_t rows_at_a_time = panel.size() / row_floats;
    const std::int64_t rows_of_a_sum = std::max<std::int64_t>(1, longest_sum / n_column);
    for (std::int64_t first = 0; first < work.grid.n; first += rows_at_a_time) {
        const std::int64_t n_row = std::min(rows_at_a_time, work.grid.n - first);
        queue_.for_each(n_row * row_floats, FillPanel{n_column, work.spectra.n_point, waves.first, waves.count, n_pixel,
                                                      bands.width, bands.first.data() + first * n_pixel,
                                                      bands.weight.data() + first * bands.width * n_pixel,
                                                      work.spectra.light.data(), nullptr, panel.data()});
        for (std::int64_t row = 0; row < n_row; row += rows_of_a_sum) {
            const std::int64_t n = std::min(rows_of_a_sum, n_row - row);
            queue_.multiply({.left = panel.data() + row * row_floats,
                             .right = weights + (first + row) * n_column * n_slot,
                             .out = made.data(),
                             .n_i = waves.count,
                             .n_j = n_slot,
                             .n_k = n * n_column,
                             .left_row = waves.count,
                             .right_row = n_slot,
                             .out_row = n_slot,
                             .accumulate = first + row > 0});
        }
    }
}

void DeviceStarLight::add_listed(Work& work, const LightTarget& target, const RowKind& exact,
                                 const NodeColumns& columns, const std::vector<std::int64_t>& spaxels) {
    const auto here = [&](const device::Buffer<float>& property) { return property.data() + work.first_star; };
    device::Buffer<std::int64_t> position(queue_, work.n_star + 1, "places in the list of stars");
    queue_.zero(position);
    queue_.for_each(work.n_star, FlagListed{placer(work, work.grid),
                                            {work.grid.n},
                                            {spaxel_.data() + work.first_star, work.order.data(), work.first_spaxel},
                                            here(stars_.los_velocity),
                                            here(stars_.metallicity),
                                            here(stars_.age),
                                            position.data()});
    queue_.exclusive_sum(position.data(), position.data(), work.n_star + 1);
    std::int64_t n_listed = 0;
    queue_.copy_out(&n_listed, position.data() + work.n_star, sizeof n_listed);
    queue_.finish();
    if (n_listed == 0) { return; }
    const DeviceSpectra& spectra = spectra_of(exact, columns);
    const VelocityGrid grid = rows_touched(*input_, exact.step, spaxels);
    const std::int64_t n_node = lookup_.lookup.cubic ? 16 : 4;
    const std::int64_t n_entry = 4 * n_node;
    const std::int64_t n_key = grid.n * spectra.n_column;
    const std::int64_t n_pixel = input_->pixels.size();
    const std::int64_t stars_at_a_time = std::clamp<std::int64_t>(budget() / 4 / (n_entry * 8), 1, n_listed);
    const std::int64_t pixels_at_a_time = std::clamp<std::int64_t>(budget() / 4 / (n_key * 4), 1, n_pixel);
    const Bands bands = bands_of(spectra, grid);
    device::Buffer<std::uint32_t> key(queue_, stars_at_a_time * n_entry, "keys of listed stars");
    device::Buffer<float> weight(queue_, stars_at_a_time * n_entry, "weights of listed stars");
    device::Buffer<std::uint8_t> lit(queue_, n_key, "templates of listed stars");
    device::Buffer<float> panel(queue_, n_key * pixels_at_a_time, "panel of templates");
    for (std::int64_t first = 0; first < n_listed; first += stars_at_a_time) {
        const std::int64_t end = std::min(n_listed, first + stars_at_a_time);
        queue_.zero(lit);
        queue_.for_each(work.n_star,
                        ListStar{placer(work, grid), first, end, n_node, spectra.n_column, position.data(),
                                 here(stars_.los_velocity), here(stars_.initial_mass), here(stars_.metallicity),
                                 here(stars_.age), key.data(), weight.data(), lit.data()});
        for (std::int64_t pixel = 0; pixel < n_pixel; pixel += pixels_at_a_time) {
            const std::int64_t n = std::min(pixels_at_a_time, n_pixel - pixel);
            queue_.for_each(n_key * n, FillPanel{spectra.n_column, spectra.n_point, pixel, n, n_pixel, bands.width,
                                                 bands.first.data(), bands.weight.data(), spectra.light.data(),
                                                 lit.data(), panel.data()});
            queue_.for_each(work.n_spaxel * n,
                            AddListed{target, first, end, n_entry, pixel, n, work.first_spaxel, work.first_star,
                                      stars_.starts.data(), position.data(), key.data(), weight.data(), panel.data()});
        }
    }
}

} // namespace tessera
