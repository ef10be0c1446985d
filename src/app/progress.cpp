#include "app/progress.hpp"

#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

namespace tessera::app {

namespace {
std::string rate_text(double rate) {
    if (rate >= 1e6) { return fmt::format("{:.2f} million stars/s", rate / 1e6); }
    return fmt::format("{:.0f} stars/s", rate);
}
} // namespace

ProgressPrinter::ProgressPrinter(bool enabled)
    : enabled_(enabled), terminal_(isatty(STDERR_FILENO) != 0), start_(Clock::now()), last_(start_) {}

void ProgressPrinter::operator()(std::int64_t done, std::int64_t total) {
    if (!enabled_ || finished_ || total <= 0) { return; }
    if (done <= 0) {
        start_ = Clock::now(); // the clock of the rate runs from the first call
        return;
    }
    const auto now = Clock::now();
    const bool last = done >= total;
    const double pause = terminal_ ? 0.1 : 5.0;
    if (!last && std::chrono::duration<double>(now - last_).count() < pause) { return; }
    last_ = now;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double rate = static_cast<double>(done) / std::max(seconds, 1e-9);
    const double left = static_cast<double>(total - done) / rate;
    const double share = static_cast<double>(done) / static_cast<double>(total);
    std::string line;
    if (terminal_) {
        const int filled = static_cast<int>(share * 30);
        line = fmt::format("\r  synthesis [{:-<30}] {:3.0f} %  {}  {:.0f} s left ",
                           std::string(static_cast<std::size_t>(filled), '#'), 100 * share, rate_text(rate), left);
        if (last) { line += "\n"; }
    } else {
        line = fmt::format("  synthesis {:.0f} %, {} of this rank's {} stars, {}, {:.0f} s left\n", 100 * share, done,
                           total, rate_text(rate), left);
    }
    std::fwrite(line.data(), 1, line.size(), stderr);
    std::fflush(stderr);
    finished_ = last;
}

} // namespace tessera::app
