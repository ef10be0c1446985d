#include "scaling/side_by_side.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "scaling/measure.hpp"
#include "scaling/together.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/device/device.hpp"

namespace tessera {

namespace {

/// Seconds of a run but for its writing: the runs write a cube each, which ranks that make one cube together do not.
SideBySide::Part without_writing(const ScalingRun& run) {
    SideBySide::Part part{run.seconds, run.summary.n_star};
    for (std::size_t i = 0; i < run.stages.size(); ++i) {
        if (run.stages[i] == "write") { part.seconds -= run.shares[i].front().seconds; }
    }
    return part;
}

bool uses_gpus(const Config& config) {
    return config.parallel.device.rfind("cuda", 0) == 0 ||
           (config.parallel.device == "auto" && !device::gpus().empty());
}

} // namespace

SideBySideRuns::SideBySideRuns(int n_beside, int position, Communicator& world)
    : n_beside_(n_beside), position_(position), works_(position < n_beside), world_(world),
      own_(world.split(position, 0)), all_(world.split(works_ ? 0 : 1, position)) {}

SideBySideRuns::~SideBySideRuns() = default;
SideBySideRuns::SideBySideRuns(SideBySideRuns&&) noexcept = default;

/// A file of its own, and the GPU that it would have among the others: alone, each would take the first.
Config SideBySideRuns::own(const Config& config) const {
    Config out = config;
    const std::filesystem::path path = config.output.path;
    out.output.path = (path.parent_path() / fmt::format("beside_{}{}", position_, path.extension().string())).string();
    if (uses_gpus(config) && config.parallel.device.find(':') == std::string::npos) {
        out.parallel.device = fmt::format("cuda:{}", position_ % static_cast<int>(device::gpus().size()));
    }
    return out;
}

bool SideBySideRuns::fit(const Config& config) const {
    bool enough = true;
    together(
        [&] {
            if (uses_gpus(config)) { enough = n_beside_ <= static_cast<int>(device::gpus().size()); }
            const CubeForecast forecast = forecast_cube(own(config), *own_);
            enough = enough && peak_memory(forecast.memory) * n_beside_ <= forecast.available;
        },
        position_ == 0, world_);
    return world_.broadcast_value(static_cast<std::int32_t>(enough), 0) != 0;
}

SideBySide SideBySideRuns::run(const Config& config) const {
    SideBySide out{.n_beside = n_beside_};
    const Silence silence(world_.is_root());
    const auto measured = [&] { return without_writing(measure(own(config), *own_)); };
    together([&] { out.alone = measured(); }, position_ == 0, world_);
    together(
        [&] {
            all_->barrier();
            agree(*all_, [&] { out.at_once = measured(); });
            out.at_once.seconds = all_->all_reduce_value(out.at_once.seconds, Op::max);
        },
        works_, world_);
    return out;
}

} // namespace tessera
