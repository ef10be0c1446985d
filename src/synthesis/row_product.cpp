#include "synthesis/row_product.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>
#include <thread>
#include <tuple>

#include "synthesis/key_union.hpp"
#include "tessera/core/region.hpp"

namespace tessera {

namespace {

constexpr std::int64_t panel_floats = 512 * 1024 / 4; ///< half of a level-2 cache of 1 MiB

/// A list alone, with its own keys.
SpaxelGroup single(RowList&& list) {
    SpaxelGroup group{.width = 1, .spaxel = {}, .key = std::move(list.key), .weight = std::move(list.weight)};
    group.spaxel.fill(-1);
    group.spaxel[0] = list.spaxel;
    return group;
}

/// Marks every key that any of the lists has; none of them is empty. @return  number of keys
std::size_t unite(std::span<RowList* const> lists, KeyUnion& keys) {
    std::uint32_t least = ~0U, most = 0;
    for (const RowList* list : lists) {
        least = std::min(least, list->key.front());
        most = std::max(most, list->key.back());
    }
    keys.begin(least, most);
    for (const RowList* list : lists) {
        for (const std::uint32_t key : list->key) { keys.add(key); }
    }
    return keys.close();
}

/// Lists together: every key of their union, with the weights of all.
SpaxelGroup merged(std::span<RowList* const> lists, const KeyUnion& keys, std::size_t n) {
    SpaxelGroup group{.width = tile_spaxels, .spaxel = {}, .key = {}, .weight = {}};
    group.spaxel.fill(-1);
    group.key.reserve(n);
    keys.each([&](std::uint32_t key) { group.key.push_back(key); });
    group.weight.assign(n * tile_spaxels, 0.0F);
    for (std::size_t m = 0; m < lists.size(); ++m) {
        const RowList& list = *lists[m];
        group.spaxel[m] = list.spaxel;
        for (std::size_t i = 0; i < list.key.size(); ++i) {
            group.weight[keys.place(list.key[i]) * tile_spaxels + m] = list.weight[i];
        }
    }
    return group;
}

/// Lists of similar length and place in velocity stand together: those are the ones that share rows.
std::vector<RowList*> by_likeness(std::vector<RowList>& lists, std::int64_t n_column) {
    struct Likeness {
        int octave;
        std::uint32_t middle;
        std::int64_t spaxel;
        RowList* list;
        bool operator<(const Likeness& other) const {
            return std::tie(octave, middle, spaxel) < std::tie(other.octave, other.middle, other.spaxel);
        }
    };
    std::vector<Likeness> order;
    for (RowList& list : lists) {
        if (list.key.empty()) { continue; }
        const int octave = static_cast<int>(std::log2(static_cast<double>(list.size())));
        const auto middle = (list.key.front() / 2 + list.key.back() / 2) / static_cast<std::uint32_t>(n_column);
        order.push_back({octave, middle, list.spaxel, &list});
    }
    std::sort(order.begin(), order.end());
    std::vector<RowList*> out;
    for (const Likeness& one : order) { out.push_back(one.list); }
    return out;
}

/// Together where that is cheaper than each alone.
std::vector<SpaxelGroup> group_of(std::span<RowList* const> lists, double cost_of_single) {
    std::int64_t alone = 0;
    std::int64_t longest = 0;
    for (const RowList* list : lists) {
        alone += list->size();
        longest = std::max(longest, list->size());
    }
    const auto cheaper = [&](std::int64_t length) {
        return static_cast<double>(tile_spaxels * length) < cost_of_single * static_cast<double>(alone);
    };
    std::vector<SpaxelGroup> out;
    if (cheaper(longest)) { // no shorter than the longest: often that settles it
        thread_local KeyUnion keys;
        const std::size_t n = unite(lists, keys);
        if (cheaper(static_cast<std::int64_t>(n))) {
            out.push_back(merged(lists, keys, n));
            return out;
        }
    }
    for (RowList* list : lists) { out.push_back(single(std::move(*list))); }
    return out;
}

std::vector<SpaxelGroup> make_groups(std::vector<RowList>&& lists, std::int64_t n_column, double cost_of_single,
                                     const device::Host& where) {
    const std::vector<RowList*> order = by_likeness(lists, n_column);
    const auto n = static_cast<std::int64_t>(order.size());
    std::vector<std::vector<SpaxelGroup>> made(static_cast<std::size_t>((n + tile_spaxels - 1) / tile_spaxels));
    device::for_each(where, static_cast<std::int64_t>(made.size()), 4, [&](std::int64_t i) {
        const std::int64_t first = i * tile_spaxels;
        const auto count = static_cast<std::size_t>(std::min(tile_spaxels, n - first));
        made[static_cast<std::size_t>(i)] =
            group_of(std::span<RowList* const>(order.data() + first, count), cost_of_single);
    });
    std::vector<SpaxelGroup> groups;
    for (auto& some : made) { std::move(some.begin(), some.end(), std::back_inserter(groups)); }
    return groups;
}

/// visit(row, first, end) for the keys [first, end) of each row. One division a row: keys ascend.
template <class Visit>
void for_each_row(std::span<const std::uint32_t> keys, std::int64_t n_column, const Visit& visit) {
    for (std::size_t i = 0; i < keys.size();) {
        const std::int64_t row = keys[i] / n_column, end_of_row = (row + 1) * n_column;
        const std::size_t first = i;
        while (i < keys.size() && keys[i] < end_of_row) { ++i; }
        visit(row, first, i);
    }
}

RowPanels make_panels(std::vector<SpaxelGroup>& groups, const RowTemplates& templates) {
    const std::int64_t n_column = templates.spectra.n_column;
    RowPanels panels;
    panels.slot.assign(static_cast<std::size_t>(templates.grid.n), -1);
    for (const SpaxelGroup& group : groups) {
        for_each_row(group.key, n_column, [&](std::int64_t row, std::size_t /*first*/, std::size_t /*end*/) {
            panels.slot[static_cast<std::size_t>(row)] = 0;
        });
    }
    for (std::size_t row = 0; row < panels.slot.size(); ++row) {
        if (panels.slot[row] < 0) { continue; }
        panels.slot[row] = static_cast<std::int64_t>(panels.rows.size());
        panels.rows.push_back(static_cast<std::int64_t>(row));
    }
    const std::int64_t rows_per_panel = std::max<std::int64_t>(1, panel_floats / (tile_pixels * n_column));
    const auto n_row = static_cast<std::int64_t>(panels.rows.size());
    for (std::int64_t first = 0; first < n_row; first += rows_per_panel) {
        panels.start.push_back(std::min(n_row, first + rows_per_panel));
    }
    panels.segments.resize(static_cast<std::size_t>(panels.size()));
    for (std::size_t g = 0; g < groups.size(); ++g) {
        std::vector<std::uint32_t>& keys = groups[g].key;
        std::int64_t panel_before = -1;
        for_each_row(keys, n_column, [&](std::int64_t row, std::size_t first, std::size_t end) {
            const std::int64_t slot = panels.slot[static_cast<std::size_t>(row)], panel = slot / rows_per_panel;
            const auto moved = static_cast<std::uint32_t>((slot % rows_per_panel - row) * n_column); // modulo 2^32
            for (std::size_t i = first; i < end; ++i) { keys[i] += moved; } // now a row of the panel
            std::vector<PanelSegment>& segments = panels.segments[static_cast<std::size_t>(panel)];
            if (panel != panel_before) {
                segments.push_back({static_cast<std::int32_t>(g), static_cast<std::int64_t>(first), 0});
            }
            segments.back().end = static_cast<std::int64_t>(end);
            panel_before = panel;
        });
    }
    return panels;
}

} // namespace

/// A range of the block's pixels and of groups: what a thread does at a time.
struct RowProduct::Task {
    std::int64_t first_pixel, end_pixel, first_group, end_group;
    std::vector<WaveRange> waves; ///< the pixels
};

RowProduct::RowProduct(std::vector<RowList>&& lists, const RowTemplates& templates, double cost_of_single,
                       const device::Host& where)
    : templates_(templates), groups_(make_groups(std::move(lists), templates.spectra.n_column, cost_of_single, where)),
      panels_(make_panels(groups_, templates)) {}

void RowProduct::work(const Task& task, const BlockView& block, const std::function<void()>& meanwhile) const {
    thread_local AlignedFloats panel;
    for (std::int64_t p = 0; p < panels_.size(); ++p) {
        const auto& segments = panels_.segments[static_cast<std::size_t>(p)];
        const auto before = [](const PanelSegment& segment, std::int64_t group) { return segment.group < group; };
        const auto first = std::lower_bound(segments.begin(), segments.end(), task.first_group, before);
        const auto end = std::lower_bound(first, segments.end(), task.end_group, before);
        if (first == end) { continue; }
        fill(task, p, panel);
        for (auto segment = first; segment != end; ++segment) { multiply(task, *segment, panel.data(), block); }
        if (meanwhile) { meanwhile(); }
    }
}

void RowProduct::fill(const Task& task, std::int64_t p, AlignedFloats& panel) const {
    const Spectra& spectra = templates_.spectra;
    const std::int64_t first = panels_.start[static_cast<std::size_t>(p)];
    const std::int64_t end = panels_.start[static_cast<std::size_t>(p) + 1];
    const auto n_float = static_cast<std::size_t>((end - first) * spectra.n_column * tile_pixels);
    if (panel.size() < n_float) { panel.resize(n_float); }
    for (std::int64_t slot = first; slot < end; ++slot) {
        const std::int64_t row = templates_.grid.first + panels_.rows[static_cast<std::size_t>(slot)];
        const double factor = templates_.at_rest * std::exp(static_cast<double>(row) * templates_.grid.step);
        const PixelBands bands(spectra.wavelength, templates_.pixels, task.waves, factor);
        tile_kernels().fill(spectra.light.data(), spectra.n_column, bands.first.data(), bands.weight.data(),
                            bands.width, task.end_pixel - task.first_pixel,
                            panel.data() + (slot - first) * spectra.n_column * tile_pixels);
    }
}

void RowProduct::multiply(const Task& task, const PanelSegment& segment, const float* panel,
                          const BlockView& block) const {
    const SpaxelGroup& group = groups_[static_cast<std::size_t>(segment.group)];
    // Sums in float of 64 weights at most, then sums of those: the rounding of longer ones is seen between numbers of ranks.
    constexpr std::int64_t at_a_time = 64;
    alignas(64) float sum[tile_spaxels * tile_pixels];
    alignas(64) float more[tile_spaxels * tile_pixels];
    const auto kernel = group.width == 1 ? tile_kernels().single : tile_kernels().group;
    for (std::int64_t first = segment.first; first < segment.end; first += at_a_time) {
        const bool begins = first == segment.first;
        kernel(panel, group.key.data() + first, group.weight.data() + first * group.width,
               std::min(at_a_time, segment.end - first), begins ? sum : more);
        if (begins) { continue; }
        for (std::int64_t i = 0; i < group.width * tile_pixels; ++i) { sum[i] += more[i]; }
    }
    for (std::int64_t m = 0; m < group.width; ++m) {
        const std::int64_t spaxel = group.spaxel[static_cast<std::size_t>(m)];
        if (spaxel < 0) { break; }
        block.add(spaxel, task.first_pixel, sum + m * tile_pixels, task.end_pixel - task.first_pixel);
    }
}

void RowProduct::add_to(const BlockView& block, const device::Host& where,
                        const std::function<void()>& meanwhile) const {
    if (groups_.empty()) { return; }
    const std::int64_t n_pixel = block.waves->size();
    const std::int64_t n_tile = (n_pixel + tile_pixels - 1) / tile_pixels;
    if (n_tile == 0) { return; }
    double n_weight = 0;
    for (const SpaxelGroup& group : groups_) { n_weight += static_cast<double>(group.weight.size()); }
    Regions& regions = Regions::instance();
    regions.count(regions.open(), n_weight * static_cast<double>(n_pixel), "multiply-adds");
    const auto n_group = static_cast<std::int64_t>(groups_.size());
    // Tiles share nothing. Only where threads outnumber them do groups split as well, and panels are made twice.
    const std::int64_t n_part =
        std::clamp<std::int64_t>(4 * where.threads / n_tile, 1, std::max<std::int64_t>(1, n_group / 16));
    const auto caller = std::this_thread::get_id();
    const std::function<void()> nobody;
    device::for_each(where, n_tile * n_part, 1, [&](std::int64_t i) {
        const std::int64_t part = i % n_part;
        const std::int64_t first = i / n_part * tile_pixels, end = std::min(n_pixel, first + tile_pixels);
        work({first, end, n_group * part / n_part, n_group * (part + 1) / n_part, block.waves->ranges(first, end)},
             block, std::this_thread::get_id() == caller ? meanwhile : nobody);
    });
}

} // namespace tessera
