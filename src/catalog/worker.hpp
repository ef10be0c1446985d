#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catalog/batches.hpp"
#include "catalog/curfew.hpp"
#include "catalog/fields.hpp"
#include "catalog/measures.hpp"
#include "catalog/queue.hpp"
#include "tessera/catalog/manifest.hpp"
#include "tessera/catalog/options.hpp"
#include "tessera/core/error.hpp"
#include "tessera/output/bands.hpp"
#include "tessera/pipeline/pipeline.hpp"

namespace tessera::catalog {

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

/// Makes cubes, one after the other, until none is left or the run has to stop. Made and used by all ranks together.
class Worker {
public:
    /// @param ranks  that make a cube together
    Worker(const CatalogConfig& config, const std::string& folder, const Todo& todo, std::span<const Batch> batches,
           int ranks, const SharedInputs& shared, Curfew& curfew, Stopwatch& watch, Communicator& world);

    /// @return  what made it stop before the end
    std::optional<Error> work();
    /// Hands the journal over: rank 0 folds it into the manifest.
    void close() { writer_.reset(); }

private:
    using Clock = std::chrono::steady_clock;

    bool is_over();
    std::optional<std::int64_t> next();
    void read_ahead(const Batch& batch);
    std::size_t together(std::size_t first, std::size_t end) const;
    std::optional<Error> make(std::size_t first, std::size_t most, std::size_t& n_made);
    std::optional<Error> ended(std::size_t i, const CubeOutcome& outcome);
    std::optional<Error> record_step(std::size_t i, const EntryRecord& record);
    void expect_all(const std::optional<Error>& failure);
    bool concerns_all(const Error& error) const;
    void report(std::int64_t n_begun, std::int64_t n);

    const CatalogConfig& config_;
    const std::string& folder_;
    const Todo& todo_;
    std::span<const Batch> batches_;
    Communicator& world_;
    std::unique_ptr<Communicator> group_;
    Queue queue_;
    const SharedInputs& shared_;
    Fields fields_;
    Curfew& curfew_;
    Stopwatch& watch_;
    std::int64_t most_bytes_;
    std::optional<ManifestWriter> writer_; ///< of the first of a group
    std::vector<Band> bands_;              ///< likewise
    Clock::time_point start_ = Clock::now(), last_report_ = start_;
};

} // namespace tessera::catalog
