#include "tessera/catalog/run.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "catalog/curfew.hpp"
#include "catalog/fields.hpp"
#include "catalog/measures.hpp"
#include "catalog/shards.hpp"
#include "catalog/sheet.hpp"
#include "catalog/start.hpp"
#include "catalog/table.hpp"
#include "catalog/worker.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/kept_memory.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/seconds_since.hpp"

namespace tessera {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

std::vector<CatalogEntry> entries_of(const catalog::Start& start) {
    std::vector<CatalogEntry> out;
    for (const std::int64_t i : start.todo) { out.push_back(start.manifest.entries[static_cast<std::size_t>(i)]); }
    return out;
}

catalog::Todo share(const catalog::Start& start, Communicator& world) {
    std::vector<std::int64_t> numbers;
    std::vector<double> redshift;
    if (world.is_root()) {
        for (const std::int64_t i : start.todo) {
            const CatalogEntry& entry = start.manifest.entries[static_cast<std::size_t>(i)];
            numbers.insert(numbers.end(), {i, entry.id, entry.view, entry.n_rows, entry.bundle});
            redshift.push_back(entry.redshift);
        }
    }
    world.broadcast(numbers, 0);
    world.broadcast(redshift, 0);
    catalog::Todo out;
    for (std::size_t i = 0; i < redshift.size(); ++i) {
        out.index.push_back(numbers[5 * i]);
        out.entries.push_back({.id = numbers[5 * i + 1],
                               .view = numbers[5 * i + 2],
                               .redshift = redshift[i],
                               .n_rows = numbers[5 * i + 3],
                               .bundle = numbers[5 * i + 4]});
    }
    return out;
}

/// The error of the lowest rank that has one, where any has; `mine` where it has none itself.
std::optional<Error> first_of(const std::optional<Error>& mine, Communicator& world) {
    return catalog::error_of([&] {
        agree(world, [&] {
            if (mine) { throw Error(mine->kind(), mine->what()); }
        });
    });
}

/// Works until all is done; all ranks meet at the end, asleep while others work.
void make_cubes(const CatalogConfig& config, const std::string& folder, const catalog::Todo& todo,
                const catalog::Queues& queues, const SharedInputs& shared, catalog::Curfew curfew,
                catalog::Stopwatch& watch, Communicator& world) {
    std::optional<Error> stop;
    const auto work = [&](std::span<const catalog::Batch> batches, int ranks) {
        if (batches.empty() || stop) { return; }
        catalog::Worker worker(config, folder, todo, batches, ranks, shared, curfew, watch, world);
        watch.begin();
        stop = worker.work();
        worker.close();
        watch.stop_working();
        world.sleep_until_all_arrive();
        watch.stop();
        stop = first_of(stop, world);
    }; // the counter ends, on all ranks together
    work(queues.together, world.size());
    work(queues.apart, queues.ranks);
    agree(world, [&] {
        if (!stop) { return; }
        throw Error(Kind::resource, fmt::format("{}. The run has stopped, what is done stays: mend the cause and go "
                                                "on with --resume",
                                                stop->what()));
    });
}

void fill(CatalogSummary& summary, const Manifest& manifest) {
    summary.n_entry = std::ssize(manifest.entries);
    summary.n_done = manifest.count(EntryState::done);
    summary.n_failed = manifest.count(EntryState::failed);
    summary.n_open = summary.n_entry - summary.n_done - summary.n_failed;
    for (std::size_t i = 0; i < manifest.records.size(); ++i) {
        if (manifest.records[i].state != EntryState::failed) { continue; }
        summary.failures.emplace_back(cube_name(manifest.entries[i], manifest.extension), manifest.records[i].message);
    }
}

void share(CatalogSummary& summary, Communicator& world) {
    for (std::int64_t* number :
         {&summary.n_entry, &summary.n_done, &summary.n_failed, &summary.n_open, &summary.n_made, &summary.n_adopted}) {
        *number = world.broadcast_value(*number, 0);
    }
    summary.seconds = world.broadcast_value(summary.seconds, 0);
    std::string text;
    for (const auto& [cube, message] : summary.failures) { text += cube + '\0' + message + '\0'; }
    for (const std::string& file : summary.files) { text += file + '\0'; }
    const auto n_failure = world.broadcast_value(static_cast<std::int64_t>(summary.failures.size()), 0);
    world.broadcast(text, 0);
    summary.failures.clear();
    summary.files.clear();
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\0', at);
        parts.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    std::size_t i = 0;
    for (std::int64_t k = 0; k < n_failure; ++k, i += 2) { summary.failures.emplace_back(parts[i], parts[i + 1]); }
    for (; i < parts.size(); ++i) { summary.files.push_back(parts[i]); }
}

} // namespace

CatalogSummary run_catalog(const CatalogConfig& config, const CatalogRequest& request, Communicator& world) {
    const auto begin = Clock::now();
    const std::string folder = config.cube.resolve(config.catalog.output);
    std::optional<FolderLock> lock; // rank 0's
    Selection selection;
    catalog::Start start;
    agree(world, [&] {
        if (!world.is_root()) { return; }
        std::error_code failure;
        fs::create_directories(folder, failure);
        if (failure) {
            throw Error({.kind = Kind::resource,
                         .where = folder,
                         .found = failure.message(),
                         .expected = "a folder that can be made",
                         .cure = "choose another catalog.output"});
        }
        lock.emplace(folder);
        selection = select_galaxies(config);
    });
    // Before anything is written of a catalogue that cannot be made.
    SharedInputs shared;
    const bool field = config.catalog.stars == CatalogStars::field;
    if (field) { catalog::look_up(config, selection.entries, WithoutFile::make, shared, world); }
    agree(world, [&] {
        if (!world.is_root()) { return; }
        start = catalog::start(config, request, selection, folder, world.size());
        log::info(fmt::format("{}: {} cubes, {} to be made", folder, start.manifest.entries.size(), start.todo.size()));
    });
    std::optional<RunMeasures> measures;
    catalog::Todo todo;
    if (world.broadcast_value(std::ssize(start.todo), 0) > 0) {
        shared.library = read_shared_inputs(config.cube, world).library;
        shared.time_limit = config.catalog.time_limit;
        shared.with_sums = true;
        shared.accelerator = std::make_shared<device::AcceleratorSlot>();
        if (!field) { catalog::look_up(config, entries_of(start), WithoutFile::make, shared, world); }
        const catalog::Queues queues = catalog::plan_queues(config, start, shared, world);
        todo = share(start, world);
        keep_freed_memory(); // cubes of one size follow each other
        catalog::Stopwatch watch;
        make_cubes(config, folder, todo, queues, shared, catalog::Curfew(request.time_limit, begin), watch, world);
        measures = watch.sum(shared.snapshot->reads(), queues.star_bytes, world);
        log::info(catalog::text_of(*measures));
    }

    CatalogSummary summary;
    agree(world, [&] {
        if (!world.is_root()) { return; }
        auto manifest = read_manifest(folder);
        if (!manifest) { throw Error({.kind = Kind::resource, .where = folder, .found = "no manifest any more"}); }
        if (!manifest->sessions.empty()) { manifest->sessions.back().measures = measures; }
        write_manifest(folder, *manifest);
        summary.files = catalog::write_table(folder, catalog::table_of(config, selection, *manifest), *manifest);
        if (const std::string sheet = catalog::write_sheet(folder, selection, *manifest); !sheet.empty()) {
            summary.files.push_back(sheet);
        }
        fill(summary, *manifest);
        summary.n_adopted = start.n_adopted;
        for (const std::int64_t i : todo.index) {
            if (manifest->records[static_cast<std::size_t>(i)].state == EntryState::done) { ++summary.n_made; }
        }
        summary.seconds = seconds_since(begin);
    });
    share(summary, world);
    if (config.catalog.format == CatalogFormat::shards && summary.n_open == 0) {
        summary.n_unpacked = catalog::pack_shards(folder, catalog::Curfew(request.time_limit, begin), world);
    }
    return summary;
}

} // namespace tessera
