#pragma once

#include <exception>
#include <optional>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/log.hpp"

namespace tessera {

/// Dozens of runs would say the same dozens of times.
class Silence {
public:
    explicit Silence(bool root) : root_(root) { log::set_enabled(false); }
    ~Silence() { log::set_enabled(root_); }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

private:
    bool root_;
};

/// Those that work call `work`; all wait for them, asleep, and end together where one failed. Collective.
template <class Work>
void together(const Work& work, bool works, Communicator& world) {
    constexpr double patience = 5; // s; who failed alone must not wait for those that wait for it
    std::exception_ptr failure;
    if (works) {
        try {
            work();
        } catch (...) { failure = std::current_exception(); }
    }
    const bool all = world.sleep_until_all_arrive(failure ? std::optional(patience) : std::nullopt);
    if (!all) { std::rethrow_exception(failure); }
    agree(world, [&] {
        if (failure) { std::rethrow_exception(failure); }
    });
}

} // namespace tessera
