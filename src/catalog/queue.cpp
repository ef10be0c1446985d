#include "catalog/queue.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include "catalog/fields.hpp"
#include "tessera/core/seconds_since.hpp"
#include "tessera/pipeline/pipeline.hpp"

namespace tessera::catalog {

namespace {

constexpr std::int64_t stopped = std::int64_t{1} << 60; // beyond what can be counted up to

/// Rows in any of the ranges.
std::int64_t rows_in(std::vector<RowRange> ranges) {
    std::sort(ranges.begin(), ranges.end(), [](const RowRange& a, const RowRange& b) { return a.begin < b.begin; });
    std::int64_t n = 0, end = 0;
    for (const RowRange& range : ranges) {
        n += range.overlap(end, range.end).size();
        end = std::max(end, range.end);
    }
    return n;
}

void share(std::vector<Batch>& batches, Communicator& world) {
    std::vector<std::int64_t> numbers;
    for (const Batch& batch : batches) { numbers.insert(numbers.end(), {batch.first, batch.n}); }
    world.broadcast(numbers, 0);
    batches.clear();
    for (std::size_t i = 0; i < numbers.size(); i += 2) { batches.push_back({numbers[i], numbers[i + 1]}); }
}

} // namespace

Queue::Queue(std::int64_t n, Communicator& world, Communicator& group, Stopwatch& watch)
    : n_(n), group_(group), watch_(watch), counter_(world.counter()) {}

std::int64_t Queue::add(std::int64_t n) {
    std::int64_t before = 0;
    if (group_.is_root()) {
        const auto begin = std::chrono::steady_clock::now();
        before = counter_->fetch_add(n);
        watch_.add_counter(seconds_since(begin));
    }
    return group_.broadcast_value(before, 0);
}

std::optional<std::int64_t> Queue::next() {
    const std::int64_t mine = add(1);
    return mine < n_ ? std::optional(mine) : std::nullopt;
}

void Queue::stop() { add(stopped); }
bool Queue::is_stopped() { return add(0) >= stopped; }

Queues plan_queues(const CatalogConfig& config, Start& start, const SharedInputs& shared, Communicator& world) {
    Queues out;
    out.ranks = static_cast<int>(std::min<std::int64_t>(config.catalog.ranks, world.size()));
    const std::int64_t n_group = (world.size() + out.ranks - 1) / out.ranks;
    const std::int64_t most_bytes = bytes_ahead(world);
    agree(world, [&] {
        if (!world.is_root()) { return; }
        std::map<std::int64_t, Costs> costs; // by bundle
        const SnapshotIndex& index = *shared.snapshot;
        Fields fields(config, shared);
        std::vector<RowRange> rows;
        std::vector<Job> jobs;
        for (const std::int64_t i : start.todo) {
            const CatalogEntry& entry = start.manifest.entries[static_cast<std::size_t>(i)];
            if (!costs.contains(entry.bundle)) { costs[entry.bundle] = costs_of(config_of(config, entry, "")); }
            const ByType<FieldRows> others = fields.rows_of(entry);
            const RowRange own = index.rows_of(entry.id).stars;
            rows.push_back(own);
            rows.insert(rows.end(), others.stars.rows.begin(), others.stars.rows.end());
            std::int64_t bytes = index.bytes_of(entry.id);
            for (const ParticleType type : both_types) { bytes += others[type].n_row * index.row_bytes(type); }
            jobs.push_back({.id = entry.id,
                            .view = entry.view,
                            .seconds = costs[entry.bundle].of(entry.n_rows, others),
                            .first_row = own.begin,
                            .bytes = bytes});
        }
        const Schedule plan = schedule(jobs, n_group, most_bytes, config.catalog.giants == Giants::together);
        std::vector<std::int64_t> todo;
        for (const std::int64_t i : plan.order) { todo.push_back(start.todo[static_cast<std::size_t>(i)]); }
        start.todo = std::move(todo);
        for (std::int64_t i = 0; i < plan.n_together; ++i) { out.together.push_back({i, 1}); }
        out.apart = plan.batches;
        out.star_bytes = rows_in(std::move(rows)) * index.row_bytes(ParticleType::stars);
    });
    share(out.together, world);
    share(out.apart, world);
    return out;
}

std::int64_t bytes_ahead(Communicator& world) {
    constexpr std::int64_t most = 1'000'000'000;
    return world.all_reduce_value(std::min(most, available_memory(world) / 8), Op::min);
}

} // namespace tessera::catalog
