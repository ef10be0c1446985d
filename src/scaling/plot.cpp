#include "scaling/plot.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "scaling/log_axes.hpp"
#include "scaling/published.hpp"
#include "scaling/statistics.hpp"

namespace tessera {

namespace {

constexpr double width = 900, height = 860;
constexpr Rectangle time_area{100, 62, 560, 400};
constexpr Rectangle efficiency_area{100, 488, 560, 190};
constexpr Colour allowed_colour = rgb(0xc9cdd8); // wide and pale, to be seen below the series

/// The points of one reduction, as columns.
struct Series {
    std::string name = {};
    std::vector<double> ranks = {}, seconds = {}, fastest = {}, slowest = {}, efficiency = {};
};

std::vector<Series> series_of(const std::vector<PointSummary>& points) {
    std::vector<Series> all;
    for (const PointSummary& point : points) {
        const std::string name(word(point.reduction));
        if (all.empty() || all.back().name != name) { all.push_back({.name = name}); }
        all.back().ranks.push_back(point.n_rank);
        all.back().seconds.push_back(point.seconds.median);
        all.back().fastest.push_back(point.seconds.min);
        all.back().slowest.push_back(point.seconds.max);
        all.back().efficiency.push_back(point.efficiency);
    }
    return all;
}

class Figure {
public:
    Figure(Canvas& canvas, const ScalingStudy& study)
        : canvas_(canvas), study_(study), ranks_(study.request.ranks.begin(), study.request.ranks.end()) {
        const std::vector<PointSummary> points = summarise(study);
        series_ = series_of(points);
        for (const PointSummary& point : points) { // the same for all reductions
            const bool is_base = point.n_rank == points.front().n_rank;
            if (point.reduction != points.front().reduction || (!is_base && !point.allowed)) { continue; }
            allowed_ranks_.push_back(point.n_rank);
            allowed_.push_back(point.allowed.value_or(1));
        }
        if (allowed_ranks_.size() == 1) { allowed_ranks_.clear(); }
    }

    void draw() {
        canvas_.text({time_area.left, 30}, fmt::format("{} scaling, time of a cube", title()),
                     {.size = 19, .bold = true});
        canvas_.text({time_area.left, 50}, study_.place.galaxy, {.size = 13, .colour = page::faint_ink});
        draw_times();
        draw_efficiency();
        draw_legend();
        draw_caption();
    }

private:
    std::string title() const { return study_.request.kind == ScalingKind::strong ? "Strong" : "Weak"; }

    Range rank_range() const { return log_range(ranks_, 0.12); }

    std::vector<double> ideal() const {
        double best = 1e300;
        for (const Series& s : series_) { best = std::min(best, s.seconds.front()); }
        std::vector<double> line;
        for (const double n : ranks_) {
            line.push_back(study_.request.kind == ScalingKind::strong ? best * ranks_.front() / n : best);
        }
        return line;
    }

    /// The published galaxy is 6·10⁶ stars: beside others its time means nothing.
    bool shows_published() const {
        return study_.request.kind == ScalingKind::strong && !study_.sizes.empty() &&
               study_.sizes.front().n_star_rows == 6'000'000;
    }

    void draw_times() {
        std::vector<double> all = ideal();
        for (const Series& s : series_) {
            all.insert(all.end(), s.fastest.begin(), s.fastest.end());
            all.insert(all.end(), s.slowest.begin(), s.slowest.end());
        }
        if (shows_published()) {
            for (const PublishedTime& time : published_times) { all.push_back(time.seconds); }
        }
        const LogFrame frame{{.frame = time_area, .x = rank_range(), .y = log_range(all, 0.18)}};
        draw_log_x(canvas_, frame, ranks_, "");
        draw_log_y(canvas_, frame, "seconds");
        draw_dashes(canvas_, frame, ranks_, ideal(), page::faint_ink);
        if (shows_published()) {
            for (std::size_t i = 0; i < published_times.size(); ++i) {
                const double y = frame.at_y(published_times[i].seconds);
                const std::array<double, 2> across{std::pow(10.0, frame.plot.x.low), std::pow(10.0, frame.plot.x.high)};
                const std::array<double, 2> at{published_times[i].seconds, published_times[i].seconds};
                draw_dashes(canvas_, frame, across, at, series_colour(3));
                canvas_.text({time_area.right() - 6, y - 5}, published_times[i].what,
                             {.size = 12, .colour = series_colour(3), .across = Across::right});
            }
        }
        for (std::size_t i = 0; i < series_.size(); ++i) {
            const Series& s = series_[i];
            for (std::size_t k = 0; k < s.ranks.size(); ++k) {
                canvas_.line(frame.at(s.ranks[k], s.fastest[k]), frame.at(s.ranks[k], s.slowest[k]),
                             {series_colour(i), 1.4});
            }
            draw_series(canvas_, frame, s.ranks, s.seconds, series_colour(i), 4.5 - static_cast<double>(i) * 0.7);
        }
        draw_frame(canvas_, frame.plot);
    }

    void draw_efficiency() {
        double highest = 1.1;
        for (const Series& s : series_) {
            for (const double e : s.efficiency) { highest = std::max(highest, e * 1.05); }
        }
        const LogFrame frame{{.frame = efficiency_area, .x = rank_range(), .y = {0, highest}}, false};
        draw_axis(canvas_, frame.plot, Side::left, frame.plot.y, {.n_ticks = 6, .grid = true});
        draw_log_x(canvas_, frame, ranks_, "ranks");
        canvas_.text({efficiency_area.left - 62, efficiency_area.centre().y}, "efficiency",
                     {.size = page::label_size, .across = Across::centre, .turn = 90});
        const std::vector<double> one(ranks_.size(), 1.0);
        draw_dashes(canvas_, frame, ranks_, one, page::faint_ink);
        for (std::size_t i = 1; i < allowed_ranks_.size(); ++i) {
            canvas_.line(frame.at(allowed_ranks_[i - 1], allowed_[i - 1]), frame.at(allowed_ranks_[i], allowed_[i]),
                         {allowed_colour, 7});
        }
        for (std::size_t i = 0; i < series_.size(); ++i) {
            draw_series(canvas_, frame, series_[i].ranks, series_[i].efficiency, series_colour(i),
                        4.5 - static_cast<double>(i) * 0.7);
        }
        draw_frame(canvas_, frame.plot);
    }

    void draw_legend() {
        double y = time_area.top + 12;
        const double x = time_area.right() + 24;
        for (std::size_t i = 0; i < series_.size(); ++i, y += 24) {
            canvas_.line({x, y}, {x + 26, y}, {series_colour(i), 2});
            canvas_.disc({x + 13, y}, 4, series_colour(i), {rgb(0xffffff), 1});
            canvas_.text({x + 34, y}, series_[i].name, {.size = 14, .upright = Upright::middle});
        }
        for (const double at : {0.0, 10.0, 20.0}) {
            canvas_.line({x + at, y}, {x + at + 6, y}, {page::faint_ink, 1.6});
        }
        canvas_.text({x + 34, y}, "ideal", {.size = 14, .upright = Upright::middle});
        if (allowed_ranks_.empty()) { return; }
        y += 24;
        canvas_.line({x, y}, {x + 26, y}, {allowed_colour, 7});
        canvas_.text({x + 34, y}, "side by side", {.size = 14, .upright = Upright::middle});
    }

    void draw_caption() {
        double y = efficiency_area.bottom() + 72;
        const auto line = [&](const std::string& text) {
            canvas_.text({time_area.left - 60, y}, text, {.size = 12.5, .colour = page::faint_ink});
            y += 18;
        };
        line(fmt::format("Medians of {} runs, bars from the fastest to the slowest; {} a rank; ranks packed, "
                         "node by node.",
                         study_.request.n_repeat, threads_text(study_.place.n_thread)));
        line(fmt::format("{}; whole runs, from reading to the file.", study_.place.processor));
        line(study_.request.kind == ScalingKind::strong
                 ? "Efficiency: P0 T(P0) / (P T(P)), P0 the smallest number of ranks."
                 : "Efficiency: T(P0) / T(P), P0 the smallest number of ranks; as many stars a rank everywhere.");
        if (!allowed_ranks_.empty()) {
            line("Side by side: runs of one rank's share on the ranks of the first node, which exchange nothing.");
        }
        if (shows_published()) { line(fmt::format("Published times: {}.", published_caveat)); }
    }

    Canvas& canvas_;
    const ScalingStudy& study_;
    std::vector<Series> series_;
    std::vector<double> ranks_;
    std::vector<double> allowed_ranks_, allowed_; ///< efficiency of runs side by side, where it was measured
};

} // namespace

StudyPlot::StudyPlot(const ScalingStudy& study) : canvas_(std::make_unique<Canvas>(width, height)) {
    Figure(*canvas_, study).draw();
}

StudyPlot::~StudyPlot() = default;

void StudyPlot::save(const std::string& path) const { canvas_->save(path); }

} // namespace tessera
