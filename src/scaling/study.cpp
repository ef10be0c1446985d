#include "tessera/scaling/study.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <memory>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "scaling/measure.hpp"
#include "scaling/side_by_side.hpp"
#include "scaling/synthetic_work.hpp"
#include "scaling/together.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/host_name.hpp"
#include "tessera/core/log.hpp"
#include "tessera/device/device.hpp"

namespace tessera {

namespace {

/// The ranks of the allocation node by node, whatever order the launcher gave them.
struct Placement {
    std::vector<int> position;        ///< [rank]
    std::vector<std::string> node_at; ///< [position]
};

Placement place_ranks(Communicator& world) {
    constexpr std::size_t length = 256;
    std::array<char, length> name{};
    host_name().copy(name.data(), length - 1);
    const auto names = world.all_gather(std::span<const char>(name));
    std::vector<std::string> node;
    for (std::size_t r = 0; r < static_cast<std::size_t>(world.size()); ++r) { node.emplace_back(&names[r * length]); }
    Placement out;
    out.position.assign(node.size(), 0);
    std::set<std::string> seen;
    int next = 0;
    for (const std::string& of_node : node) {
        if (!seen.insert(of_node).second) { continue; }
        for (std::size_t r = 0; r < node.size(); ++r) {
            if (node[r] == of_node) {
                out.position[r] = next++;
                out.node_at.push_back(of_node);
            }
        }
    }
    return out;
}

std::string processor_name() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (line.rfind("model name", 0) == 0) { return line.substr(std::min(line.size(), line.find(':') + 2)); }
    }
    return "unknown";
}

/// A number of ranks that is studied.
struct Group {
    int n_rank;
    bool works; ///< whether this rank is one of them
    std::unique_ptr<Communicator> comm;
    std::optional<SideBySideRuns> beside = {}; ///< of those on the first node, where there are several
};

class Study {
public:
    Study(const ScalingConfig& config, const ScalingRequest& request, Communicator& world)
        : world_(world), work_(config, request, world) {
        study_.request = request;
        const Placement placement = place_ranks(world);
        const int position = placement.position[static_cast<std::size_t>(world.rank())];
        for (const int n_rank : request.ranks) {
            const bool works = position < n_rank;
            const auto end = placement.node_at.begin() + n_rank;
            groups_.push_back({n_rank, works, world.split(works ? 0 : 1, position)});
            const auto n_beside =
                static_cast<int>(std::count(placement.node_at.begin(), end, placement.node_at.front()));
            if (config.scaling.side_by_side && n_beside > 1) {
                groups_.back().beside.emplace(n_beside, position, world);
            }
            study_.place.n_node.push_back(
                static_cast<int>(std::set<std::string>(placement.node_at.begin(), end).size()));
        }
        // One rank alone would take all cores of its node, and its share of them among others: the comparison would be of cores.
        const int crowd = groups_.back().works ? groups_.back().comm->ranks_on_node() : 1;
        study_.place.n_thread = world.all_reduce_value(
            device::threads_for(static_cast<int>(config.cube.parallel.threads), world.all_reduce_value(crowd, Op::max)),
            Op::min);
        study_.place.n_rank = world.size();
        study_.place.galaxy = work_.text();
        study_.place.processor = processor_name();
        study_.place.n_core = static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
        reductions_ = config.scaling.reductions;
        leave_out_weights(config.cube);
    }

    ScalingStudy run() {
        for (int round = -1; round < study_.request.n_repeat; ++round) {
            for (Group& group : groups_) {
                together([&] { run_group(group, round); }, group.works, world_);
                if (group.beside) { run_beside(group, round); }
            }
            log::info(round < 0 ? std::string("warm-up done")
                                : fmt::format("round {} of {} done", round + 1, study_.request.n_repeat));
        }
        return std::move(study_);
    }

private:
    /// Weights are for hosts, and for spectra that have some; where it is the only one asked for, the run says so.
    void leave_out_weights(const Config& cube) {
        const std::string& device = cube.parallel.device;
        const bool on_gpu = device != "cpu" && (device != "auto" || !device::gpus().empty());
        const bool anywhere = world_.all_reduce_value(on_gpu ? 1 : 0, Op::max) != 0;
        const bool rubix = cube.synthesis.resampling == Resampling::rubix;
        if ((!anywhere && !rubix) || reductions_.size() == 1 || std::erase(reductions_, Reduction::weights) == 0) {
            return;
        }
        log::info(fmt::format("parallel.reduction: weights is left out: not {}",
                              rubix ? "with RUBIX's resampling" : "on a GPU"));
    }

    void run_group(const Group& group, int round) {
        if (round < 0) {
            Config config = configured(group.n_rank, reductions_.front());
            study_.sizes.push_back(forecast_cube(config, *group.comm).sizes);
        }
        // Each comes first in turn: what slept a while, processors and memory, is slower at first.
        for (std::size_t i = 0; i < reductions_.size(); ++i) {
            const std::size_t turn = i + static_cast<std::size_t>(std::max(round, 0));
            const Reduction reduction = reductions_[turn % reductions_.size()];
            ScalingRun run;
            if (round < 0 && &group == &groups_.front() && reduction == reductions_.front()) {
                run = measure(configured(group.n_rank, reduction), *group.comm); // warnings are heard once
            } else {
                const Silence silence(world_.is_root());
                run = measure(configured(group.n_rank, reduction), *group.comm);
            }
            if (round < 0 || !world_.is_root()) { continue; }
            run.reduction = reduction;
            run.repeat = round;
            study_.runs.push_back(std::move(run));
        }
    }

    /// After the runs of the same ranks, so that both meet the machine in the same mood.
    void run_beside(Group& group, int round) {
        const Config config = with_threads(work_.share_of(group.n_rank));
        if (round < 0 && !group.beside->fit(config)) {
            log::info(fmt::format("scaling.side_by_side is left out on {} ranks: {} runs at once lack memory, or GPUs",
                                  group.n_rank, group.beside->n_beside()));
            group.beside.reset();
            return;
        }
        SideBySide pair = group.beside->run(config);
        if (round < 0 || !world_.is_root()) { return; }
        pair.n_rank = group.n_rank;
        pair.repeat = round;
        study_.side_by_side.push_back(pair);
    }

    Config configured(int n_rank, Reduction reduction) const {
        return with_threads(work_.config_of(n_rank, reduction));
    }

    Config with_threads(Config config) const {
        config.parallel.threads = study_.place.n_thread;
        return config;
    }

    Communicator& world_;
    ScalingWork work_;
    std::vector<Reduction> reductions_;
    std::vector<Group> groups_;
    ScalingStudy study_;
};

[[noreturn]] void refuse_ranks(const std::string& text, const std::string& expected, const std::string& cure = "") {
    throw Error({.kind = Kind::config, .where = "--ranks", .found = text, .expected = expected, .cure = cure});
}

} // namespace

std::vector<int> parse_ranks(const std::string& text, int n_available) {
    std::set<int> ranks;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        int n = 0;
        const auto [end, status] = std::from_chars(text.data() + at, text.data() + comma, n);
        if (status != std::errc() || end != text.data() + comma || n < 1) {
            refuse_ranks(text, "whole numbers from 1, such as 1,2,4");
        }
        if (n > n_available) {
            refuse_ranks(fmt::format("{} of {} ranks", n, n_available), fmt::format("at most {}", n_available),
                         fmt::format("Start more: mpirun -n {} tessera scaling …", n));
        }
        ranks.insert(n);
        at = comma + 1;
    }
    return {ranks.begin(), ranks.end()};
}

ScalingStudy run_scaling_study(const ScalingConfig& config, const ScalingRequest& request, Communicator& world) {
    for (const int ranks : request.ranks) {
        if (ranks < 1 || ranks > world.size()) {
            refuse_ranks(fmt::format("{}", ranks), fmt::format("1 to {}, the ranks of this run", world.size()),
                         "Start more ranks with mpirun or srun");
        }
    }
    if (request.n_repeat < 1 || request.ranks.empty()) {
        throw Error({.kind = Kind::config,
                     .where = "--repeats",
                     .found = fmt::format("{}", request.n_repeat),
                     .expected = "at least 1"});
    }
    return Study(config, request, world).run();
}

} // namespace tessera
