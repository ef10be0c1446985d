#pragma once

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "pipeline/galaxy.hpp"
#include "pipeline/plan.hpp"
#include "tessera/comm/time_limit.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/region.hpp"
#include "tessera/core/seconds_since.hpp"
#include "tessera/pipeline/pipeline.hpp"

namespace tessera {

/// One galaxy on its way from the input to the files.
struct Making {
    explicit Making(std::optional<double> time_limit) : limit(time_limit) { limit.pause(); }

    std::optional<Config> config = {};
    std::optional<Plan> plan = {};
    Galaxy galaxy = {};
    Vector3 origin = {};
    double n_star = 0;
    CubeSummary summary = {};
    TimeLimit limit;
    std::vector<Regions::Entry> stages = {};
    std::exception_ptr failure = nullptr;
};
using Makings = std::vector<std::unique_ptr<Making>>;

/// Work for one galaxy, unless it has failed: by its own clock and list of stages.
template <class Work>
void work_on(Making& one, Work&& work) {
    if (one.failure) { return; }
    std::vector<Regions::Entry> others = Regions::instance().exchange(std::move(one.stages));
    one.limit.go_on();
    try {
        work();
    } catch (...) { one.failure = std::current_exception(); }
    one.limit.pause();
    one.stages = Regions::instance().exchange(std::move(others));
}

/// What a galaxy has of the work for all of them: by its stars.
inline double share_of(const Making& one, const std::vector<Making*>& all) {
    double n_star = 0;
    for (const Making* other : all) { n_star += other->n_star; }
    return n_star > 0 ? one.n_star / n_star : 1 / static_cast<double>(all.size());
}

/// Work for all of them at once, unless all have failed. @return  whether it succeeded, or was for one alone, which has failed
template <class Work>
bool work_on_all(const std::vector<Making*>& all, Work&& work) {
    if (std::all_of(all.begin(), all.end(), [](const Making* one) { return one->failure != nullptr; })) { return true; }
    if (all.size() == 1) {
        work_on(*all.front(), work);
        return true;
    }
    Regions::instance().exchange({});
    const auto begin = std::chrono::steady_clock::now();
    try {
        work();
    } catch (const std::exception& error) {
        log::detail(fmt::format("{} galaxies cannot be made together: {}", all.size(), error.what()));
        return false;
    }
    const double seconds = seconds_since(begin);
    const std::vector<Regions::Entry> together = Regions::instance().exchange({});
    for (Making* one : all) {
        const double share = share_of(*one, all);
        one->limit.add(share * seconds);
        work_on(*one, [&] { Regions::instance().add_share(together, share); });
    }
    return true;
}

} // namespace tessera
