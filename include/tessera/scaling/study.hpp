#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tessera/pipeline/pipeline.hpp"
#include "tessera/scaling/options.hpp"

namespace tessera {

class Communicator;

/// Strong: the same galaxy on more ranks. Weak: as many stars a rank, whatever their number.
enum class ScalingKind { strong, weak };
template <>
struct EnumWords<ScalingKind> {
    static constexpr std::array words{std::pair{ScalingKind::strong, std::string_view("strong")},
                                      std::pair{ScalingKind::weak, std::string_view("weak")}};
};

/// What one rank did in one stage of one run.
struct StageShare {
    double seconds = 0;
    double waiting = 0; ///< of these, inside collectives: the messages' own time and that of slower ranks
    /// By collective: bytes that this rank must send.
    std::map<std::string, std::int64_t> bytes = {};
    double work = 0;       ///< that the seconds go by
    std::string unit = {}; ///< of the work; empty: not counted
};

/// One timed run of the pipeline.
struct ScalingRun {
    Reduction reduction = Reduction::automatic;
    int n_rank = 1;
    int repeat = 0;                              ///< from 0
    double seconds = 0;                          ///< from the barrier before it to the end of the slowest rank
    std::vector<std::string> stages;             ///< in the order of the run; "outer/inner" are parts of "outer"
    std::vector<std::vector<StageShare>> shares; ///< [stage][rank]
    CubeSummary summary;
};

/// Runs of one rank's share of the stars by single ranks of the first node: one alone, and one on each at the same time. They exchange
/// nothing: the ratio of their times is the efficiency that the node's cores, memory and caches allow.
struct SideBySide {
    /// Reading to the maps; without writing, which is of a cube each.
    struct Part {
        double seconds = 0; ///< of the slowest rank
        std::int64_t n_star = 0;
    };
    int n_rank = 1;   ///< the number of ranks that is studied
    int n_beside = 1; ///< those of them on the first node
    int repeat = 0;   ///< from 0
    Part alone = {}, at_once = {};
};

/// The ranks, where they are, and what they worked on.
struct ScalingPlace {
    int n_rank = 1;           ///< of the allocation
    int n_thread = 1;         ///< of a rank, the same in all runs
    std::vector<int> n_node;  ///< [entry of ranks] nodes that its ranks lie on
    std::string galaxy;       ///< in words
    std::string version = {}; ///< of the program, set by the caller
    std::string processor;    ///< of rank 0's node
    int n_core = 1;           ///< of that node
};

struct ScalingRequest {
    ScalingKind kind = ScalingKind::strong;
    std::vector<int> ranks = {}; ///< ascending
    int n_repeat = 5;
    std::string scratch = {}; ///< folder for the galaxy and the cubes; made, and removed at the end
};

/// A whole study. Complete on rank 0 alone.
struct ScalingStudy {
    ScalingRequest request;
    ScalingPlace place;
    std::vector<CubeSizes> sizes; ///< [entry of ranks]
    std::vector<ScalingRun> runs; ///< in the order in which they were made
    std::vector<SideBySide> side_by_side =
        {}; ///< as `runs`; none where one rank of a node works, or they do not fit beside each other
};

/// `text` as ascending rank counts without doubles ("1,2,4").
/// @throws Error(Kind::config)  not whole numbers, one below 1, one above `n_available`
std::vector<int> parse_ranks(const std::string& text, int n_available);

/// Measures. For each number of ranks the first ones of the allocation, node by node, work, the others sleep. One round of runs to
/// warm up, then `n_repeat` rounds; a round takes every reduction on every number of ranks in turn, so that a machine that
/// changes its speed meanwhile changes it for all. Collective.
/// @throws Error  as run_cube; Kind::config: a weak study of a galaxy that simulation.path names
ScalingStudy run_scaling_study(const ScalingConfig& config, const ScalingRequest& request, Communicator& world);

} // namespace tessera
