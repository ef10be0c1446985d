#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tessera/catalog/manifest.hpp"
#include "tessera/particles/snapshot.hpp"

namespace tessera {
class Communicator;
}

namespace tessera::catalog {

/// What a rank counts while cubes are made.
class Stopwatch {
public:
    /// Adds the stages of the cube that was just made (Regions), and of what was read ahead for it.
    void add_cube();
    void add_read_ahead(double seconds) { add("read ahead", seconds); }
    /// An operation on the shared counter.
    void add_counter(double seconds) {
        ++n_counter_;
        counter_seconds_ += seconds;
    }
    /// This rank has no more to do.
    void stop_working() { worked_ += since(begin_); }
    /// Nor has any other.
    void stop() {
        total_ += since(begin_);
        begin_ = Clock::now();
    }
    void begin() { begin_ = Clock::now(); }

    /// Over all ranks; collective. @param star_bytes  of the galaxies that were to be made
    RunMeasures sum(const SnapshotReads& reads, std::int64_t star_bytes, Communicator& world) const;

private:
    using Clock = std::chrono::steady_clock;
    static double since(Clock::time_point when) { return std::chrono::duration<double>(Clock::now() - when).count(); }
    void add(const std::string& phase, double seconds);

    std::vector<std::pair<std::string, double>> phases_;
    Clock::time_point begin_ = Clock::now();
    double worked_ = 0, total_ = 0, counter_seconds_ = 0;
    std::int64_t n_counter_ = 0, n_cube_ = 0;
};

/// A line or two for the log.
std::string text_of(const RunMeasures& measures);

} // namespace tessera::catalog
