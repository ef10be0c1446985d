#pragma once

#include <chrono>
#include <optional>

#include "tessera/core/seconds_since.hpp"

namespace tessera {

class Communicator;

/// The time that a piece of work may take, on all ranks of a group alike.
class TimeLimit {
public:
    /// From now on. @param seconds  nullopt: no limit, and nothing is sent
    explicit TimeLimit(std::optional<double> seconds) : seconds_(seconds) {}

    /// The clock stands while others are worked on.
    void pause() {
        taken_ = taken();
        running_ = false;
    }
    void go_on() {
        start_ = Clock::now();
        running_ = true;
    }
    /// Its share of what was done for several together, s.
    void add(double seconds) { taken_ += seconds; }
    double taken() const { ///< s
        return taken_ + (running_ ? seconds_since(start_) : 0);
    }

    /// By the clock of rank 0, so that all ranks go on or none does. Collective where there is a limit, which must be the same on
    /// every rank. @param after  what was done last, for the message
    /// @throws Error(Kind::resource)  the time is over, on every rank
    void check(Communicator& comm, const char* after) const;

private:
    std::optional<double> seconds_;
    using Clock = std::chrono::steady_clock;
    Clock::time_point start_ = Clock::now();
    double taken_ = 0; ///< before `start_`
    bool running_ = true;
};

} // namespace tessera
