#include "catalog/worker.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "catalog/bands.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/host_name.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/region.hpp"
#include "tessera/core/seconds_since.hpp"

namespace tessera::catalog {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

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

} // namespace

Worker::Worker(const CatalogConfig& config, const std::string& folder, const Todo& todo, std::span<const Batch> batches,
               int ranks, const SharedInputs& shared, Curfew& curfew, Stopwatch& watch, Communicator& world)
    : config_(config), folder_(folder), todo_(todo), batches_(batches), world_(world),
      group_(world.split(world.rank() / ranks, world.rank(), Others::work)),
      queue_(std::ssize(batches), world, *group_, watch), shared_(shared), fields_(config, shared), curfew_(curfew),
      watch_(watch), most_bytes_(bytes_ahead(world)) {
    agree(world, [&] {
        if (!group_->is_root()) { return; }
        writer_.emplace(folder, world.rank());
        bands_ = bands_of(config);
    });
}

std::optional<Error> Worker::work() {
    while (const auto b = next()) {
        const Batch& batch = batches_[static_cast<std::size_t>(*b)];
        read_ahead(batch);
        const auto first = static_cast<std::size_t>(batch.first), end = first + static_cast<std::size_t>(batch.n);
        std::size_t n_made = 0;
        for (std::size_t i = first; i < end; i += n_made) {
            if (i > first && is_over()) { return std::nullopt; }
            const auto begin = Clock::now();
            auto stop = make(i, together(i, end), n_made);
            if (group_->broadcast_value(static_cast<std::int32_t>(stop.has_value()), 0) != 0) {
                queue_.stop();
                return stop;
            }
            curfew_.learn(seconds_since(begin) / static_cast<double>(n_made));
            report(static_cast<std::int64_t>(i + n_made), std::ssize(todo_.entries));
        }
    }
    return std::nullopt;
}

/// Whether nobody is to begin another: somebody has met the end of the disk, or the time is over.
bool Worker::is_over() {
    const bool late =
        group_->broadcast_value(static_cast<std::int32_t>(group_->is_root() && curfew_.has_come()), 0) != 0;
    if (late) { queue_.stop(); }
    return late || queue_.is_stopped();
}

std::optional<std::int64_t> Worker::next() {
    if (is_over()) { return std::nullopt; }
    return queue_.next();
}

/// The rows of all its galaxies at once. A galaxy alone reads for itself: its rows lie together.
void Worker::read_ahead(const Batch& batch) {
    if (batch.n < 2) { return; }
    const auto begin = Clock::now();
    std::vector<std::int64_t> ids;
    std::vector<ByType<std::vector<RowRange>>> others;
    const bool with_fields = fields_.are_known();
    for (std::int64_t i = batch.first; i < batch.first + batch.n; ++i) {
        const CatalogEntry& entry = todo_.entries[static_cast<std::size_t>(i)];
        if (!with_fields && !ids.empty() && ids.back() == entry.id) { continue; }
        ids.push_back(entry.id);
        if (!with_fields) { continue; }
        const ByType<FieldRows> rows = fields_.rows_of(entry);
        others.push_back({.stars = rows.stars.rows, .gas = rows.gas.rows});
    }
    shared_.snapshot->read_ahead(ids, others, *group_, most_bytes_);
    watch_.add_read_ahead(seconds_since(begin));
}

/// Cubes from `first` on that might be made together: of one redshift and telescope, and as many as there is time for.
std::size_t Worker::together(std::size_t first, std::size_t end) const {
    if (group_->size() > 1) { return 1; }
    const std::int64_t most = std::clamp<std::int64_t>(curfew_.most(), 1, config_.catalog.together);
    const CatalogEntry& one = todo_.entries[first];
    std::size_t last = first + 1;
    while (last < std::min(end, first + static_cast<std::size_t>(most)) &&
           todo_.entries[last].redshift == one.redshift && todo_.entries[last].bundle == one.bundle) {
        ++last;
    }
    return last - first;
}

/// The first of `most` cubes, and those that are made together with it.
/// @return  on the first of the group: an error that concerns more than these galaxies
std::optional<Error> Worker::make(std::size_t first, std::size_t most, std::size_t& n_made) {
    std::optional<Error> stop;
    n_made = 1;
    const Silence silence(world_.is_root());
    const CubeEvents events{.begin =
                                [&](std::size_t n) {
                                    n_made = n;
                                    const EntryRecord running{
                                        .state = EntryState::running, .time = time_now(), .host = host_name()};
                                    for (std::size_t k = 0; k < n && !stop; ++k) {
                                        stop = record_step(first + k, running);
                                    }
                                    return group_->broadcast_value(static_cast<std::int32_t>(stop.has_value()), 0) == 0;
                                },
                            .end =
                                [&](std::size_t k, const CubeOutcome& outcome) {
                                    stop = ended(first + k, outcome);
                                    return !stop;
                                }};
    const auto config = [&](std::size_t k) {
        const CatalogEntry& entry = todo_.entries[first + k];
        return config_of(config_, entry, cube_path(config_, entry));
    };
    run_cubes(most, config, *group_, shared_, events);
    return stop;
}

/// A cube is made, or has failed. @return  as make
std::optional<Error> Worker::ended(std::size_t i, const CubeOutcome& outcome) {
    const std::optional<Error> failure = error_of([&] {
        if (outcome.failure) { std::rethrow_exception(outcome.failure); }
    });
    watch_.add_cube();
    expect_all(failure);
    if (!group_->is_root()) { return std::nullopt; }
    if (failure && concerns_all(*failure)) { return failure; }
    EntryRecord record;
    if (!failure) {
        const CubeSummary& made = outcome.summary;
        const std::string path = cube_path(config_, todo_.entries[i]);
        const auto stop =
            error_of([&] { record = record_of(path, bands_, outcome.seconds, made.sums, made.checksum); });
        if (stop) { return stop; } // it was whole a moment ago
    } else {
        record = {.state = EntryState::failed,
                  .seconds = outcome.seconds,
                  .time = time_now(),
                  .host = host_name(),
                  .kind = failure->kind(),
                  .message = failure->what()};
    }
    return record_step(i, record);
}

std::optional<Error> Worker::record_step(std::size_t i, const EntryRecord& record) {
    if (!writer_) { return std::nullopt; }
    return error_of([&] { writer_->append(todo_.index[i], record); });
}

/// run_cube fails on all ranks of a group or on none; one that failed alone must not wait for the others, nor they for it.
void Worker::expect_all(const std::optional<Error>& failure) {
    if (group_->size() == 1) { return; }
    constexpr double patience = 10; // s
    if (!group_->sleep_until_all_arrive(failure ? std::optional(patience) : std::nullopt)) { throw *failure; }
}

/// Whether the next galaxy would meet the same: no place to write, or nothing to read from.
bool Worker::concerns_all(const Error& error) const {
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

void Worker::report(std::int64_t n_begun, std::int64_t n) {
    constexpr double pause = 5; // s
    if (!world_.is_root() || (seconds_since(last_report_) < pause && n_begun < n)) { return; }
    last_report_ = Clock::now();
    const double seconds = seconds_since(start_);
    log::info(fmt::format("{} of {} cubes begun or done, {:.3g} a second, {:.0f} s left", n_begun, n,
                          static_cast<double>(n_begun) / seconds,
                          seconds * static_cast<double>(n - n_begun) / static_cast<double>(n_begun)));
}

} // namespace tessera::catalog
