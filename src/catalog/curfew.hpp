#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace tessera::catalog {

/// When a run begins no more work: it was asked to stop by a signal, or what comes next would not be done before its time is over.
/// Each group of ranks has its own, and learns from its own galaxies; since they come longest first, the last few are a bound.
class Curfew {
public:
    using Clock = std::chrono::steady_clock;
    /// @param seconds  that the run may take in all, the tables at its end included; nullopt: any time
    Curfew(std::optional<double> seconds, Clock::time_point start) : seconds_(seconds), start_(start) {}

    /// A cube has taken so long.
    void learn(double seconds);
    /// Whether nothing more is to be begun.
    bool has_come() const { return most() == 0; }
    /// Cubes that may be begun now, one after the other or together; no bound where nothing is known of them yet.
    std::int64_t most() const;

private:
    std::optional<double> seconds_;
    Clock::time_point start_;
    std::deque<double> last_;
};

} // namespace tessera::catalog
