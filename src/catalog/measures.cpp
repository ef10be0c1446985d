#include "catalog/measures.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/region.hpp"

namespace tessera::catalog {

void Stopwatch::add(const std::string& phase, double seconds) {
    const auto it = std::find_if(phases_.begin(), phases_.end(), [&](const auto& p) { return p.first == phase; });
    if (it == phases_.end()) {
        phases_.emplace_back(phase, seconds);
    } else {
        it->second += seconds;
    }
}

void Stopwatch::add_cube() {
    ++n_cube_;
    for (const Regions::Entry& entry : Regions::instance().entries()) {
        if (entry.name.find('/') == std::string::npos) { add(entry.name, entry.seconds); }
    }
}

RunMeasures Stopwatch::sum(const SnapshotReads& reads, std::int64_t star_bytes, Communicator& world) const {
    RunMeasures out;
    out.selected_star_bytes = world.broadcast_value(star_bytes, 0);
    std::vector<std::int64_t> counts{reads.star_bytes, reads.gas_bytes, n_counter_, n_cube_};
    world.all_reduce(counts, Op::sum);
    out.star_bytes = counts[0];
    out.gas_bytes = counts[1];
    out.n_counter = counts[2];
    out.n_cube = counts[3];
    out.most_files = world.all_reduce_value(reads.n_opened, Op::max);
    out.most_openings = world.all_reduce_value(reads.most_openings, Op::max);
    std::vector<double> seconds{worked_, total_, reads.seconds, counter_seconds_};
    world.all_reduce(seconds, Op::sum);
    out.seconds = world.all_reduce_value(total_, Op::max);
    out.idle = seconds[1] > 0 ? std::max(0.0, 1 - seconds[0] / seconds[1]) : 0;
    out.read_seconds = seconds[2];
    out.counter_seconds = seconds[3];
    // A rank may have met stages that others have not.
    std::string mine;
    for (const auto& [phase, unused] : phases_) { mine += phase + '\n'; }
    const auto text = world.all_gather(std::span<const char>(mine));
    std::vector<std::string> names;
    for (auto begin = text.begin(); begin != text.end();) {
        const auto end = std::find(begin, text.end(), '\n');
        std::string name(begin, end);
        if (std::find(names.begin(), names.end(), name) == names.end()) { names.push_back(std::move(name)); }
        begin = end + 1;
    }
    for (const std::string& name : names) {
        const auto it = std::find_if(phases_.begin(), phases_.end(), [&](const auto& p) { return p.first == name; });
        out.phases.emplace_back(name, world.all_reduce_value(it == phases_.end() ? 0 : it->second, Op::sum));
    }
    return out;
}

std::string text_of(const RunMeasures& measures) {
    const auto share = [](double part, double of) { return of > 0 ? part / of : 0; };
    std::string text = fmt::format(
        "read {:.3g} MB of stars, {:.3f} of those selected, and {:.3g} MB of gas in {:.2f} s; {} files opened by a "
        "rank at "
        "most, each {} times at most; ranks idle {:.1f} %; {} counter operations, {:.3g} a second of {:.0f} possible",
        static_cast<double>(measures.star_bytes) * 1e-6,
        share(static_cast<double>(measures.star_bytes), static_cast<double>(measures.selected_star_bytes)),
        static_cast<double>(measures.gas_bytes) * 1e-6, measures.read_seconds, measures.most_files,
        measures.most_openings, 100 * measures.idle, measures.n_counter,
        share(static_cast<double>(measures.n_counter), measures.seconds),
        share(static_cast<double>(measures.n_counter), measures.counter_seconds));
    text += "\nseconds a cube, on all its ranks:";
    for (const auto& [phase, seconds] : measures.phases) {
        text += fmt::format(" {} {:.4f}", phase, share(seconds, static_cast<double>(measures.n_cube)));
    }
    return text;
}

} // namespace tessera::catalog
