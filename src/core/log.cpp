#include "tessera/core/log.hpp"

#include <cstdio>

namespace tessera::log {

namespace {
struct State {
    Level level = Level::normal;
    bool enabled = true;
    int warnings = 0;
};
State& state() {
    static State instance;
    return instance;
}
void print(const std::string& line) {
    if (!state().enabled) { return; }
    // One call a line: the lines of several ranks must not be mixed.
    const std::string text = line + "\n";
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
}
} // namespace

void set_level(Level level) { state().level = level; }
void set_enabled(bool enabled) { state().enabled = enabled; }
Level level() { return state().level; }

void info(const std::string& message) {
    if (level() != Level::quiet) { print(message); }
}
void detail(const std::string& message) {
    if (level() == Level::verbose) { print(message); }
}
void warning(const std::string& message) {
    ++state().warnings;
    print("warning: " + message);
}
void error(const std::string& message) { print("tessera: error: " + message); }
int warning_count() { return state().warnings; }

} // namespace tessera::log
