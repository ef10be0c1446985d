#pragma once

#include <chrono>
#include <optional>

namespace tessera {

class Communicator;

/// The time that a piece of work may take, on all ranks of a group alike.
class TimeLimit {
public:
    /// From now on. @param seconds  nullopt: no limit, and nothing is sent
    explicit TimeLimit(std::optional<double> seconds) : seconds_(seconds) {}

    /// By the clock of rank 0, so that all ranks go on or none does. Collective where there is a limit, which must be the same on
    /// every rank. @param after  what was done last, for the message
    /// @throws Error(Kind::resource)  the time is over, on every rank
    void check(Communicator& comm, const char* after) const;

private:
    std::optional<double> seconds_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

} // namespace tessera
