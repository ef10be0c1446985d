#include "tessera/scaling/report.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scaling/measure.hpp"
#include "scaling/plot.hpp"
#include "scaling/published.hpp"
#include "scaling/statistics.hpp"
#include "tessera/io/write_text.hpp"

namespace tessera {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Spread& spread) { return {{"median", spread.median}, {"min", spread.min}, {"max", spread.max}}; }

std::string now_text() {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                       utc.tm_hour, utc.tm_min, utc.tm_sec);
}

Json json_of(const ScalingRun& run) {
    Json stages = Json::object();
    for (std::size_t i = 0; i < run.stages.size(); ++i) {
        Json seconds = Json::array(), waiting = Json::array(), bytes = Json::array();
        for (const StageShare& share : run.shares[i]) {
            seconds.push_back(share.seconds);
            waiting.push_back(share.waiting);
            bytes.push_back(share.bytes);
        }
        stages[run.stages[i]] = {{"seconds", seconds}, {"waiting", waiting}, {"bytes", bytes}};
        if (run.shares[i].front().unit.empty()) { continue; }
        Json work = Json::array();
        for (const StageShare& share : run.shares[i]) { work.push_back(share.work); }
        stages[run.stages[i]]["work"] = work;
        stages[run.stages[i]]["work_unit"] = run.shares[i].front().unit;
    }
    const SynthesisReport& synthesis = run.summary.synthesis;
    return {{"reduction", word(run.reduction)},
            {"ranks", run.n_rank},
            {"repeat", run.repeat},
            {"seconds", run.seconds},
            {"stars", run.summary.n_star},
            {"stars_in_field", run.summary.n_in_field},
            {"spaxels", Json{{"exact", synthesis.n_spaxel_exact},
                             {"binned", synthesis.n_spaxel_binned},
                             {"compressed", synthesis.n_spaxel_compressed}}},
            {"total_flux", run.summary.total_flux},
            {"stages", stages}};
}

Json json_of(const PointSummary& point) {
    Json stages = Json::array();
    for (const StageSummary& stage : point.stages) {
        stages.push_back({{"stage", stage.stage},
                          {"seconds", json_of(stage.seconds)},
                          {"mean_over_ranks", stage.mean},
                          {"imbalance", stage.imbalance},
                          {"waiting_mean", stage.waiting_mean},
                          {"waiting_max", stage.waiting_max},
                          {"work", stage.work},
                          {"work_unit", stage.work_unit},
                          {"work_imbalance", stage.work_imbalance},
                          {"bytes_max", stage.bytes_max}});
    }
    return {{"reduction", word(point.reduction)},
            {"ranks", point.n_rank},
            {"nodes", point.n_node},
            {"seconds", json_of(point.seconds)},
            {"speedup", point.speedup},
            {"efficiency", point.efficiency},
            {"allowed", point.allowed ? Json(*point.allowed) : Json()},
            {"stages", stages}};
}

Json json_of(const SideBySide& pair) {
    return {{"ranks", pair.n_rank},
            {"at_once", pair.n_beside},
            {"repeat", pair.repeat},
            {"stars_each", pair.alone.n_star},
            {"seconds_alone", pair.alone.seconds},
            {"seconds_at_once", pair.at_once.seconds}};
}

Json json_of(const CubeSizes& sizes) {
    return {{"stars", sizes.n_star_rows},
            {"spaxels", sizes.n_spaxel},
            {"spaxels_field", sizes.n_spaxel_field},
            {"wavelengths", sizes.n_pixel},
            {"wavelengths_band", sizes.n_pixel_band},
            {"lsf_half_width", sizes.lsf_half_width},
            {"nodes_ssp", sizes.n_node},
            {"cube_bytes", sizes.cube_bytes()}};
}

} // namespace

std::string study_json(const ScalingStudy& study, const ScalingConfig& config) {
    const std::vector<PointSummary> points = summarise(study);
    ScalingConfig shown = config;
    Json json{{"schema", 1},
              {"kind", word(study.request.kind)},
              {"date", now_text()},
              {"version", study.place.version},
              {"limiting_stage", verdict(study, points)},
              {"place",
               {{"ranks", study.place.n_rank},
                {"threads_a_rank", study.place.n_thread},
                {"nodes", study.place.n_node},
                {"placement", "packed: the first ranks, node by node"},
                {"processor", study.place.processor},
                {"cores_of_the_first_node", study.place.n_core},
                {"device", config.cube.parallel.device}}},
              {"galaxy", study.place.galaxy},
              {"ranks", study.request.ranks},
              {"repeats", study.request.n_repeat},
              {"efficiency", study.request.kind == ScalingKind::strong
                                 ? "P0 T(P0) / (P T(P)), P0 the smallest number of ranks, T the median"
                                 : "T(P0) / T(P), P0 the smallest number of ranks, T the median"}};
    for (const CubeSizes& sizes : study.sizes) { json["sizes"].push_back(json_of(sizes)); }
    for (const PointSummary& point : points) { json["points"].push_back(json_of(point)); }
    for (const PublishedTime& time : published_times) {
        json["published"].push_back({{"what", time.what}, {"seconds", time.seconds}, {"caveat", published_caveat}});
    }
    json["allowed"] =
        "efficiency of runs of one rank's share side by side on the first node, which exchange nothing: T(alone) / "
        "T(slowest at once), without writing, over that of P0";
    json["side_by_side"] = Json::array();
    for (const SideBySide& pair : study.side_by_side) { json["side_by_side"].push_back(json_of(pair)); }
    for (const ScalingRun& run : study.runs) { json["runs"].push_back(json_of(run)); }
    json["config"] = option_table(shown).yaml();
    return json.dump(1) + "\n";
}

std::string study_csv(const ScalingStudy& study) {
    constexpr std::array collectives{"all_reduce", "reduce_scatter", "all_to_all", "all_gather", "broadcast"};
    std::string csv = "kind,reduction,ranks,nodes,threads,stage,repeats,median_s,min_s,max_s,mean_over_ranks_s,"
                      "imbalance,waiting_mean_s,waiting_max_s";
    for (const char* name : collectives) { csv += fmt::format(",bytes_{}", name); }
    csv += ",speedup,efficiency,work,work_unit,work_imbalance,allowed\n";
    for (const PointSummary& point : summarise(study)) {
        for (const StageSummary& stage : point.stages) {
            csv += fmt::format("{},{},{},{},{},{},{},{:.6g},{:.6g},{:.6g},{:.6g},{:.4f},{:.6g},{:.6g}",
                               word(study.request.kind), word(point.reduction), point.n_rank, point.n_node,
                               study.place.n_thread, stage.stage, study.request.n_repeat, stage.seconds.median,
                               stage.seconds.min, stage.seconds.max, stage.mean, stage.imbalance, stage.waiting_mean,
                               stage.waiting_max);
            for (const char* name : collectives) {
                const auto it = stage.bytes_max.find(name);
                csv += fmt::format(",{}", it == stage.bytes_max.end() ? 0 : it->second);
            }
            csv += stage.stage == whole_run ? fmt::format(",{:.4f},{:.4f}", point.speedup, point.efficiency)
                                            : std::string(",,");
            csv += stage.work_unit.empty()
                       ? std::string(",,,")
                       : fmt::format(",{:.6g},{},{:.4f}", stage.work, stage.work_unit, stage.work_imbalance);
            csv += stage.stage == whole_run && point.allowed ? fmt::format(",{:.4f}\n", *point.allowed) : ",\n";
        }
    }
    return csv;
}

std::string study_text(const ScalingStudy& study) {
    const std::vector<PointSummary> points = summarise(study);
    std::string text = fmt::format(
        "{} scaling of {}\n{} a rank; medians of {} runs\n\n{:<16} {:>6} {:>6} {:>10} {:>18} "
        "{:>8} {:>10} {:>9} {:>7}\n",
        word(study.request.kind), study.place.galaxy, threads_text(study.place.n_thread), study.request.n_repeat,
        "reduction", "ranks", "nodes", "median s", "min to max s", "speed-up", "efficiency", "allowed", "of it");
    const PointSummary* last = nullptr;
    for (const PointSummary& point : points) {
        text += fmt::format("{:<16} {:>6} {:>6} {:>10.4f} {:>18} {:>8.2f} {:>10.2f}", word(point.reduction),
                            point.n_rank, point.n_node, point.seconds.median,
                            fmt::format("{:.4f} to {:.4f}", point.seconds.min, point.seconds.max), point.speedup,
                            point.efficiency);
        text += point.allowed ? fmt::format(" {:>9.2f} {:>7.2f}\n", *point.allowed, point.efficiency / *point.allowed)
                              : std::string("\n");
        if (point.n_rank == study.request.ranks.back() &&
            (last == nullptr || point.seconds.median < last->seconds.median)) {
            last = &point;
        }
    }
    if (last == nullptr) { return text; }
    text += fmt::format("\n{} on {} ranks:\n{:<22} {:>10} {:>10} {:>10} {:>12} {:>14} {:>24} {:>12}\n",
                        word(last->reduction), last->n_rank, "stage", "mean s", "slowest s", "imbalance",
                        "in messages s", "MB sent a rank", "work of all ranks", "its balance");
    for (const StageSummary& stage : last->stages) {
        double bytes = 0;
        for (const auto& [name, sent] : stage.bytes_max) { bytes += static_cast<double>(sent); }
        text += fmt::format("{:<22} {:>10.4f} {:>10.4f} {:>10.2f} {:>12.4f} {:>14.3f}", stage.stage, stage.mean,
                            stage.seconds.median, stage.imbalance, stage.waiting_mean, bytes * 1e-6);
        text += stage.work_unit.empty()
                    ? "\n"
                    : fmt::format(" {:>24} {:>12.3f}\n", fmt::format("{:.4g} {}", stage.work, stage.work_unit),
                                  stage.work_imbalance);
    }
    return text + "\n" + verdict(study, points) + "\n";
}

std::string comparison_text(const ScalingStudy& study, const Machine& machine) {
    std::string text = fmt::format("\nThe model of {}, whole runs:\n{:<16} {:>6} {:>12} {:>12} {:>12}\n", machine.name,
                                   "reduction", "ranks", "measured s", "predicted s", "difference");
    for (const PointSummary& point : summarise(study)) {
        const auto& ranks = study.request.ranks;
        const auto i = std::find(ranks.begin(), ranks.end(), point.n_rank) - ranks.begin();
        if (static_cast<std::size_t>(i) >= study.sizes.size()) { continue; }
        const Prediction predicted =
            predict(machine, study.sizes[static_cast<std::size_t>(i)], point.reduction, point.n_rank);
        text += fmt::format("{:<16} {:>6} {:>12.4f} {:>12.4f} {:>+11.0f}%\n", word(point.reduction), point.n_rank,
                            point.seconds.median, predicted.total, 100 * (predicted.total / point.seconds.median - 1));
    }
    return text;
}

std::vector<std::string> study_files(const std::string& name) {
    return {name + ".json", name + ".csv", name + ".png", name + ".svg"};
}

std::vector<std::string> write_study(const ScalingStudy& study, const ScalingConfig& config, const std::string& name) {
    const std::vector<std::string> files = study_files(name);
    io::write_text(files[0], study_json(study, config));
    io::write_text(files[1], study_csv(study));
    const StudyPlot plot(study);
    plot.save(files[2]);
    plot.save(files[3]);
    return files;
}

} // namespace tessera
