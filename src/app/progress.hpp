#pragma once

#include <chrono>
#include <cstdint>

namespace tessera::app {

/// Progress of one stage on standard error: a line that redraws itself on a terminal, a plain line now and then elsewhere,
/// with rate and time left.
class ProgressPrinter {
public:
    explicit ProgressPrinter(bool enabled);
    void operator()(std::int64_t done, std::int64_t total);

private:
    using Clock = std::chrono::steady_clock;
    bool enabled_, terminal_;
    Clock::time_point start_, last_;
    bool finished_ = false;
};

} // namespace tessera::app
