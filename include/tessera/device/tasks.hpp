#pragma once

#include <cstdint>
#include <functional>

#include "tessera/device/device.hpp"

namespace tessera::device {

/// Work for the other threads while this one goes on: it reads or communicates, they unpack and convert.
class Tasks {
public:
    /// body(i) for i in [0, n), each once, by any thread, at any time until the next wait(). What it throws ends the program.
    void start(std::int64_t n, std::function<void(std::int64_t)> body);
    /// Returns when all that was started is done; this thread helps.
    void wait();
};

/// Calls main(tasks) on this thread, which stays the only one to run it, while `where.threads` - 1 others wait for tasks; with
/// one thread tasks run as they are started. Inside another with_tasks, or any parallel loop, the threads of that one are used.
/// Returns when all tasks are done; what `main` throws is thrown after that.
void with_tasks(const Host& where, const std::function<void(Tasks&)>& main);

} // namespace tessera::device
