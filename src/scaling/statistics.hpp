#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tessera/scaling/study.hpp"

namespace tessera {

struct Spread {
    double median = 0, min = 0, max = 0;
};
/// Of at least one value; the median of an even number is the mean of the two in the middle.
Spread spread_of(std::vector<double> values);

/// One stage on one number of ranks with one reduction, over its repeats.
struct StageSummary {
    std::string stage;
    Spread seconds = {};  ///< of the slowest rank of each run
    double mean = 0;      ///< over ranks; median over runs, as those below
    double imbalance = 1; ///< slowest over mean rank of what is not spent in collectives; 1 where nothing is
    double waiting_mean = 0, waiting_max = 0;           ///< s in collectives, over ranks
    double work = 0;                                    ///< of all ranks, in the last run
    std::string work_unit = {};                         ///< empty: nothing was counted
    double work_imbalance = 1;                          ///< largest over mean rank
    std::map<std::string, std::int64_t> bytes_max = {}; ///< by collective, of the rank that sends most, in the last run
};

/// One number of ranks with one reduction.
struct PointSummary {
    Reduction reduction = Reduction::automatic;
    int n_rank = 1, n_node = 1;
    Spread seconds;
    double speedup = 1;    ///< strong: T(P0) / T(P); weak: the same times P / P0
    double efficiency = 1; ///< strong: P0 T(P0) / (P T(P)); weak: T(P0) / T(P); of medians
    /// That the node allows: of runs side by side, over that of the smallest number of ranks. Where it was measured.
    std::optional<double> allowed = {};
    std::vector<StageSummary> stages;
    const StageSummary* find(const std::string& stage) const;
};

/// In the order of reductions, then ranks. P0 is the smallest number of ranks of the study. On one rank the reductions are one and the
/// same: its runs are taken together.
std::vector<PointSummary> summarise(const ScalingStudy& study);

/// "1 thread", "2 threads"
std::string threads_text(int n);

/// The names of a point's stages that are not parts of others, in the order of the run.
std::vector<std::string> outer_stages(const PointSummary& point);

/// In plain words, which stage limits the scaling of the fastest reduction at the largest number of ranks: the one whose cost,
/// rank-seconds (strong) or seconds (weak), grew most since the smallest.
std::string verdict(const ScalingStudy& study, const std::vector<PointSummary>& points);

} // namespace tessera
