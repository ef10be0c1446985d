#include "scaling/statistics.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "scaling/measure.hpp"

namespace tessera {

Spread spread_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    const double median = values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
    return {median, values.front(), values.back()};
}

const StageSummary* PointSummary::find(const std::string& stage) const {
    const auto it = std::find_if(stages.begin(), stages.end(), [&](const StageSummary& s) { return s.stage == stage; });
    return it == stages.end() ? nullptr : &*it;
}

namespace {

/// Largest and mean of what `of` says of each rank.
template <class Of>
std::pair<double, double> over_ranks(const std::vector<StageShare>& ranks, const Of& of) {
    double largest = 0, sum = 0;
    for (const StageShare& share : ranks) {
        largest = std::max(largest, of(share));
        sum += of(share);
    }
    return {largest, sum / static_cast<double>(ranks.size())};
}

StageSummary summarise_stage(const std::vector<const ScalingRun*>& runs, std::size_t i_stage) {
    StageSummary out{.stage = runs.front()->stages[i_stage]};
    std::vector<double> slowest, mean, imbalance, waiting_mean, waiting_max;
    for (const ScalingRun* run : runs) {
        if (i_stage >= run->stages.size() || run->stages[i_stage] != out.stage) { continue; }
        const std::vector<StageShare>& ranks = run->shares[i_stage];
        const auto seconds = over_ranks(ranks, [](const StageShare& s) { return s.seconds; });
        const auto waiting = over_ranks(ranks, [](const StageShare& s) { return s.waiting; });
        const auto busy = over_ranks(ranks, [](const StageShare& s) { return std::max(0.0, s.seconds - s.waiting); });
        slowest.push_back(seconds.first);
        mean.push_back(seconds.second);
        imbalance.push_back(busy.second > 0 ? busy.first / busy.second : 1);
        waiting_max.push_back(waiting.first);
        waiting_mean.push_back(waiting.second);
    }
    out.seconds = spread_of(slowest);
    out.mean = spread_of(mean).median;
    out.imbalance = spread_of(imbalance).median;
    out.waiting_mean = spread_of(waiting_mean).median;
    out.waiting_max = spread_of(waiting_max).median;
    const std::vector<StageShare>& last = runs.back()->shares[i_stage];
    const auto work = over_ranks(last, [](const StageShare& s) { return s.work; });
    out.work = work.second * static_cast<double>(last.size());
    out.work_imbalance = work.second > 0 ? work.first / work.second : 1;
    for (const StageShare& share : last) {
        if (!share.unit.empty()) { out.work_unit = share.unit; }
        for (const auto& [name, bytes] : share.bytes) { out.bytes_max[name] = std::max(out.bytes_max[name], bytes); }
    }
    return out;
}

PointSummary summarise_point(const std::vector<const ScalingRun*>& runs) {
    PointSummary point;
    point.n_rank = runs.front()->n_rank;
    std::vector<double> seconds;
    for (const ScalingRun* run : runs) { seconds.push_back(run->seconds); }
    point.seconds = spread_of(seconds);
    for (std::size_t i = 0; i < runs.front()->stages.size(); ++i) { point.stages.push_back(summarise_stage(runs, i)); }
    return point;
}

/// Median time of one run alone over that of the slowest of those that ran at once, on that many ranks; 1 on one rank; nothing where it
/// was not measured.
std::optional<double> side_by_side_efficiency(const ScalingStudy& study, int n_rank) {
    if (n_rank == 1) { return 1.0; }
    std::vector<double> alone, at_once;
    for (const SideBySide& pair : study.side_by_side) {
        if (pair.n_rank != n_rank) { continue; }
        alone.push_back(pair.alone.seconds);
        at_once.push_back(pair.at_once.seconds);
    }
    if (alone.empty()) { return std::nullopt; }
    return spread_of(std::move(alone)).median / spread_of(std::move(at_once)).median;
}

} // namespace

std::vector<PointSummary> summarise(const ScalingStudy& study) {
    std::vector<Reduction> reductions;
    for (const ScalingRun& run : study.runs) {
        if (std::find(reductions.begin(), reductions.end(), run.reduction) == reductions.end()) {
            reductions.push_back(run.reduction);
        }
    }
    std::vector<PointSummary> points;
    for (const Reduction reduction : reductions) {
        const std::size_t first = points.size();
        for (std::size_t i = 0; i < study.request.ranks.size(); ++i) {
            std::vector<const ScalingRun*> runs;
            for (const ScalingRun& run : study.runs) {
                // One rank has nothing to reduce: its runs are of one kind, and the baseline of all is the same.
                const bool of_kind = run.reduction == reduction || run.n_rank == 1;
                if (of_kind && run.n_rank == study.request.ranks[i]) { runs.push_back(&run); }
            }
            if (runs.empty()) { continue; }
            PointSummary point = summarise_point(runs);
            point.reduction = reduction;
            if (i < study.place.n_node.size()) { point.n_node = study.place.n_node[i]; }
            points.push_back(std::move(point));
            const PointSummary& base = points[first];
            PointSummary& now = points.back();
            const double ratio = base.seconds.median / now.seconds.median;
            const double more = static_cast<double>(now.n_rank) / base.n_rank;
            const bool weak = study.request.kind == ScalingKind::weak;
            now.efficiency = weak ? ratio : ratio / more;
            now.speedup = weak ? ratio * more : ratio;
            const auto allowed = side_by_side_efficiency(study, now.n_rank);
            const auto allowed_base = side_by_side_efficiency(study, base.n_rank);
            if (now.n_rank > base.n_rank && allowed && allowed_base) { now.allowed = *allowed / *allowed_base; }
        }
    }
    return points;
}

std::string threads_text(int n) { return fmt::format("{} thread{}", n, n == 1 ? "" : "s"); }

std::vector<std::string> outer_stages(const PointSummary& point) {
    std::vector<std::string> names;
    for (const StageSummary& stage : point.stages) {
        if (stage.stage != whole_run && stage.stage.find('/') == std::string::npos) { names.push_back(stage.stage); }
    }
    return names;
}

std::string verdict(const ScalingStudy& study, const std::vector<PointSummary>& points) {
    const int most = study.request.ranks.back();
    const PointSummary* last = nullptr;
    for (const PointSummary& point : points) {
        if (point.n_rank == most && (last == nullptr || point.seconds.median < last->seconds.median)) { last = &point; }
    }
    if (last == nullptr) { return "Nothing was measured."; }
    const auto same = [&](const PointSummary& p) { return p.reduction == last->reduction; };
    const PointSummary& base = *std::find_if(points.begin(), points.end(), same);
    const std::string fastest = fmt::format("On {} rank{} {} is the fastest reduction: {:.3g} s", most,
                                            most == 1 ? "" : "s", word(last->reduction), last->seconds.median);
    if (base.n_rank == last->n_rank) { return fastest + ". One number of ranks: there is no scaling to judge."; }

    const bool weak = study.request.kind == ScalingKind::weak;
    const auto cost = [weak](const PointSummary& p, double seconds) { return weak ? seconds : p.n_rank * seconds; };
    std::string text = fmt::format("{}, an efficiency of {:.2f} against {} rank{}. ", fastest, last->efficiency,
                                   base.n_rank, base.n_rank == 1 ? "" : "s");
    if (last->allowed) {
        text += fmt::format(
            "Ranks of a node that exchange nothing, side by side, reach {:.2f}: the program has {:.0f} % of what "
            "the machine allows. ",
            *last->allowed, 100 * last->efficiency / *last->allowed);
    }
    const StageSummary* worst = nullptr;
    double growth = 0, sum = 0, before = 0;
    for (const std::string& name : outer_stages(*last)) {
        const StageSummary& now = *last->find(name);
        const StageSummary* old = base.find(name);
        const double was = old == nullptr ? 0 : cost(base, old->mean);
        const double more = cost(*last, now.mean) - was;
        sum += std::max(0.0, more);
        if (more > growth) {
            growth = more;
            worst = &now;
            before = was;
        }
    }
    if (worst == nullptr) { return text + "No stage costs more there than on fewer ranks."; }
    text += fmt::format("What limits it is the stage '{}': its {} grew from {:.3g} to {:.3g}, {:.0f} % of all "
                        "that was added",
                        worst->stage, weak ? "time in seconds" : "rank-seconds", before, before + growth,
                        100 * growth / sum);
    const double waiting = worst->mean > 0 ? worst->waiting_mean / worst->mean : 0;
    if (waiting > 0.5) {
        text += fmt::format("; {:.0f} % of its time goes by in collectives, on messages or waiting for slower ranks",
                            100 * waiting);
    } else if (worst->imbalance > 1.1) {
        text += fmt::format("; its slowest rank works {:.2f} times as long as the mean", worst->imbalance);
    } else {
        text += "; the ranks are busy and share it evenly, so that it is work that more ranks do not divide, or a "
                "core, memory or disk that they share";
    }
    if (study.place.n_thread * most > study.place.n_core * last->n_node) {
        text += fmt::format(". There are more threads ({}) than cores ({}): the times measure how these are shared",
                            study.place.n_thread * most, study.place.n_core * last->n_node);
    } else if (last->n_node == base.n_node) {
        text += ". All ranks share the same nodes: memory bandwidth and disk did not grow with them";
    }
    return text + ".";
}

} // namespace tessera
