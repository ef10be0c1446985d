#include "tessera/catalog/run.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "catalog/bands.hpp"
#include "catalog/curfew.hpp"
#include "catalog/measures.hpp"
#include "catalog/queue.hpp"
#include "catalog/shards.hpp"
#include "catalog/sheet.hpp"
#include "catalog/start.hpp"
#include "catalog/table.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/kept_memory.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/region.hpp"

namespace tessera {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Thousands of galaxies would say the same thousands of times.
class Silence {
public:
    explicit Silence(bool root) : root_(root) { log::set_enabled(root && log::level() == log::Level::verbose); }
    ~Silence() { log::set_enabled(root_); }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

private:
    bool root_;
};

/// The error that `work` ends with, whatever it throws; nullopt when it does not.
template <class Work>
std::optional<Error> error_of(Work&& work) {
    try {
        work();
        return std::nullopt;
    } catch (const Error& error) { return error; } catch (const std::bad_alloc&) {
        return Error({.kind = Kind::resource, .where = "memory", .found = "an allocation that failed"});
    } catch (const std::exception& error) { return Error(Kind::internal, error.what()); }
}

/// What every rank knows of an entry that is to be made.
struct Todo {
    std::vector<std::int64_t> index; ///< in the manifest
    std::vector<CatalogEntry> entries;
};

Todo share(const catalog::Start& start, Communicator& world) {
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
    Todo out;
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
    return error_of([&] {
        agree(world, [&] {
            if (mine) { throw Error(mine->kind(), mine->what()); }
        });
    });
}

/// Makes cubes, one after the other, until none is left or the run has to stop.
class Worker {
public:
    /// @param ranks  that make a cube together
    Worker(const CatalogConfig& config, const std::string& folder, const Todo& todo,
           std::span<const catalog::Batch> batches, int ranks, const SharedInputs& shared, catalog::Curfew& curfew,
           catalog::Stopwatch& watch, Communicator& world)
        : config_(config), folder_(folder), todo_(todo), batches_(batches), world_(world),
          group_(world.split(world.rank() / ranks, world.rank(), Others::work)),
          queue_(std::ssize(batches), world, *group_, watch), shared_(shared), curfew_(curfew), watch_(watch),
          most_bytes_(catalog::bytes_ahead(world)) {
        agree(world, [&] {
            if (!group_->is_root()) { return; }
            writer_.emplace(folder, world.rank());
            bands_ = catalog::bands_of(config);
        });
    }

    /// @return  what made it stop before the end
    std::optional<Error> work() {
        while (const auto b = next()) {
            const catalog::Batch& batch = batches_[static_cast<std::size_t>(*b)];
            read_ahead(batch);
            for (std::int64_t i = batch.first; i < batch.first + batch.n; ++i) {
                if (i > batch.first && is_over()) { return std::nullopt; }
                const auto begin = Clock::now();
                auto stop = make(static_cast<std::size_t>(i));
                if (group_->broadcast_value(static_cast<std::int32_t>(stop.has_value()), 0) != 0) {
                    queue_.stop();
                    return stop;
                }
                curfew_.learn(seconds_since(begin));
                report(i + 1, std::ssize(todo_.entries));
            }
        }
        return std::nullopt;
    }

    /// Hands the journal over: rank 0 folds it into the manifest.
    void close() { writer_.reset(); }

private:
    /// Whether nobody is to begin another: somebody has met the end of the disk, or the time is over.
    bool is_over() {
        const bool late =
            group_->broadcast_value(static_cast<std::int32_t>(group_->is_root() && curfew_.has_come()), 0) != 0;
        if (late) { queue_.stop(); }
        return late || queue_.is_stopped();
    }

    std::optional<std::int64_t> next() {
        if (is_over()) { return std::nullopt; }
        return queue_.next();
    }

    /// The rows of all its galaxies at once. A galaxy alone reads for itself: its rows lie together.
    void read_ahead(const catalog::Batch& batch) {
        if (batch.n < 2) { return; }
        const auto begin = Clock::now();
        std::vector<std::int64_t> ids;
        for (std::int64_t i = batch.first; i < batch.first + batch.n; ++i) {
            const std::int64_t id = todo_.entries[static_cast<std::size_t>(i)].id;
            if (ids.empty() || ids.back() != id) { ids.push_back(id); }
        }
        shared_.snapshot->read_ahead(ids, *group_, most_bytes_);
        watch_.add_read_ahead(seconds_since(begin));
    }

    /// @return  on the first of the group: an error that concerns more than this galaxy
    std::optional<Error> make(std::size_t i) {
        const CatalogEntry& entry = todo_.entries[i];
        const std::string path = cube_path(config_, entry);
        const auto begin = Clock::now();
        EntryRecord record{.state = EntryState::running, .time = time_now(), .host = host_name()};
        std::optional<Error> stop = record_step(i, record);
        if (group_->broadcast_value(static_cast<std::int32_t>(stop.has_value()), 0) != 0) { return stop; }
        const Silence silence(world_.is_root());
        const std::optional<Error> failure = error_of([&] {
            const Config cube = config_of(config_, entry, path);
            run_cube(cube, *group_, {}, shared_);
        });
        watch_.add_cube();
        expect_all(failure);
        if (!group_->is_root()) { return std::nullopt; }
        if (failure && concerns_all(*failure)) { return failure; }
        if (!failure) {
            stop = error_of([&] { record = catalog::record_of(path, bands_, seconds_since(begin)); });
            if (stop) { return stop; } // it was whole a moment ago
        } else {
            record = {.state = EntryState::failed,
                      .seconds = seconds_since(begin),
                      .time = time_now(),
                      .host = host_name(),
                      .kind = failure->kind(),
                      .message = failure->what()};
        }
        return record_step(i, record);
    }

    std::optional<Error> record_step(std::size_t i, const EntryRecord& record) {
        if (!writer_) { return std::nullopt; }
        return error_of([&] { writer_->append(todo_.index[i], record); });
    }

    /// run_cube fails on all ranks of a group or on none; one that failed alone must not wait for the others, nor they for it.
    void expect_all(const std::optional<Error>& failure) {
        if (group_->size() == 1) { return; }
        constexpr double patience = 10; // s
        if (!group_->sleep_until_all_arrive(failure ? std::optional(patience) : std::nullopt)) { throw *failure; }
    }

    /// Whether the next galaxy would meet the same: no place to write, or nothing to read from.
    bool concerns_all(const Error& error) const {
        std::error_code ignored;
        if (!fs::exists(fs::path(folder_) / "cubes", ignored)) { return true; }
        if (!fs::exists(config_.cube.resolve(config_.cube.simulation.path), ignored)) { return true; }
        if (error.kind() != Kind::resource) { return false; }
        const auto reached = [](const char* stage) {
            const auto& stages = Regions::instance().entries();
            return std::any_of(stages.begin(), stages.end(), [&](const auto& entry) { return entry.name == stage; });
        };
        return !reached("prepare") || reached("write"); // before and after that it is memory or a device
    }

    void report(std::int64_t n_begun, std::int64_t n) {
        constexpr double pause = 5; // s
        if (!world_.is_root() || (seconds_since(last_report_) < pause && n_begun < n)) { return; }
        last_report_ = Clock::now();
        const double seconds = seconds_since(start_);
        log::info(fmt::format("{} of {} cubes begun or done, {:.3g} a second, {:.0f} s left", n_begun, n,
                              static_cast<double>(n_begun) / seconds,
                              seconds * static_cast<double>(n - n_begun) / static_cast<double>(n_begun)));
    }

    const CatalogConfig& config_;
    const std::string& folder_;
    const Todo& todo_;
    std::span<const catalog::Batch> batches_;
    Communicator& world_;
    std::unique_ptr<Communicator> group_;
    catalog::Queue queue_;
    const SharedInputs& shared_;
    catalog::Curfew& curfew_;
    catalog::Stopwatch& watch_;
    std::int64_t most_bytes_;
    std::optional<ManifestWriter> writer_; ///< of the first of a group
    std::vector<Band> bands_;              ///< likewise
    Clock::time_point start_ = Clock::now(), last_report_ = start_;
};

/// Works until all is done; all ranks meet at the end, asleep while others work.
void make_cubes(const CatalogConfig& config, const std::string& folder, const Todo& todo, const catalog::Queues& queues,
                const SharedInputs& shared, catalog::Curfew curfew, catalog::Stopwatch& watch, Communicator& world) {
    std::optional<Error> stop;
    const auto work = [&](std::span<const catalog::Batch> batches, int ranks) {
        if (batches.empty() || stop) { return; }
        Worker worker(config, folder, todo, batches, ranks, shared, curfew, watch, world);
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
        start = catalog::start(config, request, selection, folder, world.size());
        log::info(fmt::format("{}: {} cubes, {} to be made", folder, start.manifest.entries.size(), start.todo.size()));
    });
    std::optional<RunMeasures> measures;
    Todo todo;
    if (world.broadcast_value(std::ssize(start.todo), 0) > 0) {
        SharedInputs shared = read_shared_inputs(config.cube, world);
        shared.time_limit = config.catalog.time_limit;
        shared.snapshot = catalog::index_galaxies(config, start, world);
        const catalog::Queues queues = catalog::plan_queues(config, start, *shared.snapshot, world);
        todo = share(start, world);
        keep_freed_memory(); // cubes of one size follow each other
        catalog::Stopwatch watch;
        make_cubes(config, folder, todo, queues, shared, catalog::Curfew(request.time_limit, begin), watch, world);
        measures = watch.sum(shared.snapshot->reads(), catalog::star_bytes(start, *shared.snapshot), world);
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
