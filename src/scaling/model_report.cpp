#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scaling/log_axes.hpp"
#include "tessera/io/write_text.hpp"
#include "tessera/scaling/cost_model.hpp"

namespace tessera {

namespace {

using Json = nlohmann::ordered_json;

std::string bytes_text(double bytes) {
    if (bytes < 1e6) { return fmt::format("{:.3g} kB", bytes / 1e3); }
    if (bytes < 1e9) { return fmt::format("{:.3g} MB", bytes / 1e6); }
    return fmt::format("{:.3g} GB", bytes / 1e9);
}

std::string time_text(double seconds) {
    if (seconds < 1e-3) { return fmt::format("{:.3g} µs", seconds * 1e6); }
    if (seconds < 1) { return fmt::format("{:.3g} ms", seconds * 1e3); }
    return fmt::format("{:.3g} s", seconds);
}

std::vector<int> ranks_of(const std::vector<Prediction>& all) {
    std::vector<int> ranks;
    for (const Prediction& p : all) {
        if (std::find(ranks.begin(), ranks.end(), p.n_rank) == ranks.end()) { ranks.push_back(p.n_rank); }
    }
    return ranks;
}

const Prediction& fastest(const std::vector<Prediction>& all, int n_rank) {
    const Prediction* best = nullptr;
    for (const Prediction& p : all) {
        if (p.n_rank == n_rank && (best == nullptr || p.compute < best->compute)) { best = &p; }
    }
    return *best;
}

std::string table(const std::vector<Prediction>& all) {
    std::string text = "| ranks | stars |";
    std::string rule = "|---|---|";
    std::vector<Reduction> reductions;
    for (const Prediction& p : all) {
        if (std::find(reductions.begin(), reductions.end(), p.reduction) == reductions.end()) {
            reductions.push_back(p.reduction);
            text += fmt::format(" {} | efficiency | sent a rank |", word(p.reduction));
            rule += "---|---|---|";
        }
    }
    text += " fastest | its longest stage | file to file |\n" + rule + "---|---|---|\n";
    for (const int n_rank : ranks_of(all)) {
        std::string row;
        for (const Reduction reduction : reductions) {
            for (const Prediction& p : all) {
                if (p.n_rank != n_rank || p.reduction != reduction) { continue; }
                if (row.empty()) { row = fmt::format("| {} | {:g} |", n_rank, static_cast<double>(p.n_star)); }
                row += fmt::format(" {} | {:.2f} | {} |", time_text(p.compute), p.efficiency, bytes_text(p.sent));
            }
        }
        const Prediction& best = fastest(all, n_rank);
        text += row + fmt::format(" {} | {} | {} |\n", n_rank == 1 ? "-" : std::string(word(best.reduction)),
                                  best.largest, time_text(best.total));
    }
    return text;
}

std::string memory_text(const ModelReport& report) {
    for (const auto* all : {&report.strong, &report.weak}) {
        for (const Prediction& p : *all) {
            if (p.memory > report.machine.memory) {
                return fmt::format("A rank needs {} at {} ranks ({:g} stars, {}), more than its {}: use more ranks for "
                                   "such a galaxy.\n",
                                   bytes_text(p.memory), p.n_rank, static_cast<double>(p.n_star), word(p.reduction),
                                   bytes_text(report.machine.memory));
            }
        }
    }
    return "";
}

Json json_of(const std::vector<Prediction>& all) {
    Json list = Json::array();
    for (const Prediction& p : all) {
        Json stages = Json::object();
        for (const PredictedStage& stage : p.stages) { stages[stage.stage] = stage.seconds; }
        list.push_back({{"reduction", word(p.reduction)},
                        {"ranks", p.n_rank},
                        {"stars", p.n_star},
                        {"compute", p.compute},
                        {"total", p.total},
                        {"efficiency", p.efficiency},
                        {"efficiency_total", p.efficiency_total},
                        {"bytes_sent", p.sent},
                        {"memory", p.memory},
                        {"longest_stage", p.largest},
                        {"stages", stages}});
    }
    return list;
}

/// One panel: seconds of `compute` against ranks.
void draw_panel(Canvas& canvas, const Rectangle& area, const std::string& title, const std::vector<Prediction>& all,
                bool strong, Range times) {
    std::vector<double> ranks;
    for (const int n : ranks_of(all)) { ranks.push_back(n); }
    const LogFrame frame{{.frame = area, .x = log_range(ranks, 0.1), .y = times}};
    draw_log_x(canvas, frame, ranks, "ranks");
    draw_log_y(canvas, frame, "seconds");
    std::vector<double> ideal;
    for (const double n : ranks) { ideal.push_back(all.front().compute * (strong ? ranks.front() / n : 1)); }
    draw_dashes(canvas, frame, ranks, ideal, page::faint_ink);
    std::size_t i = 0;
    const std::size_t n_way = all.size() / ranks.size();
    for (auto first = all.begin(); first != all.end(); ++i) {
        const auto other = [&](const Prediction& p) { return p.reduction != first->reduction; };
        const auto end = std::find_if(first, all.end(), other);
        std::vector<double> x, y;
        for (auto p = first; p != end; ++p) {
            x.push_back(p->n_rank);
            y.push_back(p->compute);
        }
        draw_series(canvas, frame, x, y, series_colour(i), 4);
        const double at = area.right() - 130 * static_cast<double>(n_way - i);
        canvas.line({at, area.top - 15}, {at + 22, area.top - 15}, {series_colour(i), 2});
        canvas.text({at + 28, area.top - 15}, std::string(word(first->reduction)),
                    {.size = 13, .upright = Upright::middle});
        first = end;
    }
    draw_frame(canvas, frame.plot);
    canvas.text({area.left, area.top - 32}, title, {.size = 15, .bold = true});
}

} // namespace

std::string ModelReport::text() const {
    std::string out = fmt::format(
        "Prediction, not a measurement: {} ({} ranks a node, a rank is a {}); cube of {} spaxels x {} wavelengths, "
        "{}.\nTimes are from the stars in memory to the finished cube; the last column adds reading and writing.\n",
        machine.name, machine.ranks_per_node, machine.worker, sizes.n_spaxel, sizes.n_pixel,
        bytes_text(static_cast<double>(sizes.cube_bytes())));
    out += fmt::format("\nStrong: {:g} stars in all\n\n{}", static_cast<double>(sizes.n_star_rows), table(strong));
    out += fmt::format("\nWeak: {:g} stars a rank\n\n{}", static_cast<double>(sizes.n_star_rows), table(weak));
    const std::string memory = memory_text(*this);
    return out + (memory.empty() ? "" : "\n" + memory);
}

std::string ModelReport::json() const {
    Machine shown = machine;
    OptionTable options;
    shown.describe(options);
    Json of_machine = Json::object();
    for (const Option& option : options.options()) {
        const Value value = option.get();
        double number = 0;
        if (value.number(number)) {
            of_machine[option.name] = number;
        } else {
            of_machine[option.name] = *value.as_string();
        }
    }
    const Json all{
        {"schema", 1},
        {"prediction", true},
        {"machine", of_machine},
        {"sizes", {{"stars", sizes.n_star_rows}, {"spaxels", sizes.n_spaxel}, {"wavelengths", sizes.n_pixel}}},
        {"strong", json_of(strong)},
        {"weak", json_of(weak)}};
    return all.dump(1) + "\n";
}

std::vector<std::string> ModelReport::files(const std::string& name) {
    return {name + ".json", name + ".png", name + ".svg"};
}

std::vector<std::string> ModelReport::write(const std::string& name) const {
    const std::vector<std::string> names = files(name);
    io::write_text(names[0], json());
    Canvas canvas(1180, 590);
    canvas.text({90, 32}, fmt::format("Predicted time of a cube, {}", machine.name), {.size = 19, .bold = true});
    std::vector<double> times;
    for (const auto* all : {&strong, &weak}) {
        for (const Prediction& p : *all) { times.push_back(p.compute); }
    }
    const Range range = log_range(times, 0.25);
    draw_panel(canvas, {90, 110, 450, 360},
               fmt::format("Strong, {} stars", count_text(static_cast<double>(sizes.n_star_rows))), strong, true,
               range);
    draw_panel(canvas, {670, 110, 450, 360},
               fmt::format("Weak, {} stars a rank", count_text(static_cast<double>(sizes.n_star_rows))), weak, false,
               range);
    canvas.text({90, 546},
                fmt::format("A model, not a measurement: from stars in memory to the finished cube of {} x {} values. "
                            "Dashed: ideal.",
                            sizes.n_spaxel, sizes.n_pixel),
                {.size = 12.5, .colour = page::faint_ink});
    for (std::size_t i = 1; i < names.size(); ++i) { canvas.save(names[i]); }
    return names;
}

} // namespace tessera
