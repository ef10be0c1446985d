#include "catalog/queue.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "tessera/pipeline/pipeline.hpp"

namespace tessera::catalog {

namespace {

constexpr std::int64_t stopped = std::int64_t{1} << 60; // beyond what can be counted up to

std::vector<std::int64_t> ids_of(const Start& start) {
    std::set<std::int64_t> ids;
    for (const std::int64_t i : start.todo) { ids.insert(start.manifest.entries[static_cast<std::size_t>(i)].id); }
    return {ids.begin(), ids.end()};
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
        watch_.add_counter(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    return group_.broadcast_value(before, 0);
}

std::optional<std::int64_t> Queue::next() {
    const std::int64_t mine = add(1);
    return mine < n_ ? std::optional(mine) : std::nullopt;
}

void Queue::stop() { add(stopped); }
bool Queue::is_stopped() { return add(0) >= stopped; }

std::shared_ptr<SnapshotIndex> index_galaxies(const CatalogConfig& config, const Start& start, Communicator& world) {
    SnapshotOptions options = config.cube.simulation;
    options.path = config.cube.resolve(options.path);
    return index_snapshot(options, ids_of(start), world);
}

Queues plan_queues(const CatalogConfig& config, Start& start, const SnapshotIndex& index, Communicator& world) {
    Queues out;
    out.ranks = static_cast<int>(std::min<std::int64_t>(config.catalog.ranks, world.size()));
    const std::int64_t n_group = (world.size() + out.ranks - 1) / out.ranks;
    const std::int64_t most_bytes = bytes_ahead(world);
    agree(world, [&] {
        if (!world.is_root()) { return; }
        std::map<std::int64_t, Costs> costs; // by bundle
        std::vector<Job> jobs;
        for (const std::int64_t i : start.todo) {
            const CatalogEntry& entry = start.manifest.entries[static_cast<std::size_t>(i)];
            if (!costs.contains(entry.bundle)) { costs[entry.bundle] = costs_of(config_of(config, entry, "")); }
            jobs.push_back({.id = entry.id,
                            .view = entry.view,
                            .seconds = costs[entry.bundle].of(entry.n_rows),
                            .first_row = index.star_rows(entry.id).begin,
                            .bytes = index.bytes_of(entry.id)});
        }
        const Schedule plan = schedule(jobs, n_group, most_bytes, config.catalog.giants == Giants::together);
        std::vector<std::int64_t> todo;
        for (const std::int64_t i : plan.order) { todo.push_back(start.todo[static_cast<std::size_t>(i)]); }
        start.todo = std::move(todo);
        for (std::int64_t i = 0; i < plan.n_together; ++i) { out.together.push_back({i, 1}); }
        out.apart = plan.batches;
    });
    share(out.together, world);
    share(out.apart, world);
    return out;
}

std::int64_t star_bytes(const Start& start, const SnapshotIndex& index) {
    std::int64_t sum = 0;
    for (const std::int64_t id : ids_of(start)) { sum += index.star_bytes_of(id); }
    return sum;
}

std::int64_t bytes_ahead(Communicator& world) {
    constexpr std::int64_t most = 1'000'000'000;
    return world.all_reduce_value(std::min(most, available_memory(world) / 8), Op::min);
}

} // namespace tessera::catalog
