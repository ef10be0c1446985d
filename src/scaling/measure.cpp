#include "scaling/measure.hpp"

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/region.hpp"
#include "tessera/core/seconds_since.hpp"

namespace tessera {

namespace {

using RegionTraffic = std::map<std::string, std::map<std::string, Traffic::Entry>>;

bool is_inside(const std::string& region, const std::string& stage) {
    return region == stage || region.rfind(stage + "/", 0) == 0;
}

void add(const Traffic::Entry& now, const Traffic::Entry& before, const std::string& collective, StageShare& share) {
    share.waiting += now.seconds - before.seconds;
    if (now.bytes > before.bytes) { share.bytes[collective] += now.bytes - before.bytes; }
}

/// What happened since `before` in the regions that `belongs` takes.
template <class Belongs>
void add_traffic(const RegionTraffic& now, const RegionTraffic& before, const Belongs& belongs, StageShare& share) {
    for (const auto& [region, collectives] : now) {
        if (!belongs(region)) { continue; }
        const auto old_region = before.find(region);
        for (const auto& [name, entry] : collectives) {
            Traffic::Entry old;
            if (old_region != before.end()) {
                const auto it = old_region->second.find(name);
                if (it != old_region->second.end()) { old = it->second; }
            }
            add(entry, old, name, share);
        }
    }
}

struct NamedShare {
    std::string stage;
    StageShare share;
};

std::vector<NamedShare> own_shares(double seconds, const RegionTraffic& now, const RegionTraffic& before) {
    std::vector<NamedShare> shares;
    double inside = 0;
    for (const Regions::Entry& entry : Regions::instance().entries()) {
        NamedShare own{entry.name, {.seconds = entry.seconds, .work = entry.work, .unit = entry.unit}};
        add_traffic(now, before, [&](const std::string& region) { return is_inside(region, entry.name); }, own.share);
        shares.push_back(own);
        if (entry.name.find('/') == std::string::npos) { inside += entry.seconds; }
    }
    NamedShare other{between_stages, {.seconds = std::max(0.0, seconds - inside)}};
    add_traffic(now, before, [](const std::string& region) { return region.empty(); }, other.share);
    shares.push_back(other);
    NamedShare whole{whole_run, {.seconds = seconds}};
    add_traffic(now, before, [](const std::string&) { return true; }, whole.share);
    shares.push_back(whole);
    return shares;
}

/// The shares of all ranks. They travel as text: their names are of any length.
void gather(const std::vector<NamedShare>& own, ScalingRun& run, Communicator& group) {
    nlohmann::json list = nlohmann::json::array();
    for (const NamedShare& item : own) {
        list.push_back(
            {item.stage, item.share.seconds, item.share.waiting, item.share.bytes, item.share.work, item.share.unit});
    }
    const std::string text = list.dump();
    const auto lengths = group.all_gather_value(static_cast<std::int64_t>(text.size()));
    const auto texts = group.all_gather(std::span<const char>(text.data(), text.size()));
    for (const NamedShare& item : own) { run.stages.push_back(item.stage); }
    run.shares.assign(own.size(), std::vector<StageShare>(lengths.size()));
    auto at = texts.begin();
    for (std::size_t rank = 0; rank < lengths.size(); ++rank) {
        const auto end = at + lengths[rank];
        for (const auto& item : nlohmann::json::parse(at, end)) {
            const auto stage = std::find(run.stages.begin(), run.stages.end(), item[0].get<std::string>());
            if (stage == run.stages.end()) { continue; }
            run.shares[static_cast<std::size_t>(stage - run.stages.begin())][rank] = {
                item[1].get<double>(), item[2].get<double>(), item[3].get<std::map<std::string, std::int64_t>>(),
                item[4].get<double>(), item[5].get<std::string>()};
        }
        at = end;
    }
}

} // namespace

ScalingRun measure(const Config& config, Communicator& group) {
    ScalingRun run;
    run.n_rank = group.size();
    group.barrier();
    const RegionTraffic before = group.traffic().by_region;
    const auto start = std::chrono::steady_clock::now();
    run.summary = run_cube(config, group);
    const double seconds = seconds_since(start);
    const RegionTraffic now = std::move(run.summary.traffic.by_region);
    run.summary.traffic = {};
    run.summary.synthesis.sums = {}; // maps are not measured
    run.seconds = group.all_reduce_value(seconds, Op::max);
    gather(own_shares(seconds, now, before), run, group);
    return run;
}

} // namespace tessera
