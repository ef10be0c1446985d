#include "scaling/log_axes.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace tessera {

Range log_range(std::span<const double> values, double margin) {
    Range range{1e300, -1e300};
    for (const double value : values) {
        if (!(value > 0)) { continue; }
        range.low = std::min(range.low, std::log10(value));
        range.high = std::max(range.high, std::log10(value));
    }
    if (range.low > range.high) { return {0, 1}; }
    return {range.low - margin, range.high + margin};
}

std::string count_text(double value) {
    if (value < 1e5) { return fmt::format("{:g}", value); }
    const int exponent = static_cast<int>(std::floor(std::log10(value) + 1e-9));
    const double mantissa = value / std::pow(10.0, exponent);
    return fmt::format("{:.3g}·{}", mantissa, power_of_ten(exponent));
}

void draw_log_x(Canvas& canvas, const LogFrame& frame, std::span<const double> ticks, const std::string& label) {
    const Rectangle& area = frame.plot.frame;
    double free_from = -1e9; // labels that would touch are left out, their ticks stay
    for (const double tick : ticks) {
        const double x = frame.at_x(tick);
        canvas.line({x, area.top}, {x, area.bottom()}, {page::grid, 1});
        canvas.line({x, area.bottom()}, {x, area.bottom() + page::tick_length}, {page::ink, 1.1});
        const TextStyle style{.size = page::tick_size, .across = Across::centre, .upright = Upright::top};
        const std::string text = count_text(tick);
        const double half = 0.5 * canvas.text_width(text, style);
        if (label.empty() || x - half < free_from) { continue; }
        canvas.text({x, area.bottom() + page::tick_length + 5}, text, style);
        free_from = x + half + 6;
    }
    canvas.text({area.centre().x, area.bottom() + 34}, label,
                {.size = page::label_size, .across = Across::centre, .upright = Upright::top});
}

void draw_log_y(Canvas& canvas, const LogFrame& frame, const std::string& label) {
    const Rectangle& area = frame.plot.frame;
    const Range& range = frame.plot.y;
    const bool many = range.span() > 2.5;
    for (int decade = static_cast<int>(std::floor(range.low)); decade <= range.high; ++decade) {
        for (const double factor : {1.0, 2.0, 5.0}) {
            if (many && factor != 1.0) { continue; }
            const double value = factor * std::pow(10.0, decade);
            const double place = std::log10(value);
            if (place < range.low || place > range.high) { continue; }
            const double y = frame.at_y(value);
            canvas.line({area.left, y}, {area.right(), y}, {page::grid, 1});
            canvas.line({area.left - page::tick_length, y}, {area.left, y}, {page::ink, 1.1});
            canvas.text({area.left - page::tick_length - 4, y},
                        decade < -3 ? power_of_ten(decade) : fmt::format("{:g}", value),
                        {.size = page::tick_size, .across = Across::right, .upright = Upright::middle});
        }
    }
    canvas.text({area.left - 62, area.centre().y}, label,
                {.size = page::label_size, .across = Across::centre, .turn = 90});
}

namespace {

std::vector<Point> points_of(const LogFrame& frame, std::span<const double> x, std::span<const double> y) {
    std::vector<Point> points;
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) { points.push_back(frame.at(x[i], y[i])); }
    return points;
}

} // namespace

void draw_series(Canvas& canvas, const LogFrame& frame, std::span<const double> x, std::span<const double> y,
                 const Colour& colour, double radius) {
    const std::vector<Point> points = points_of(frame, x, y);
    canvas.curve(points, {colour, 2}, frame.plot.frame);
    for (const Point& point : points) { canvas.disc(point, radius, colour, {rgb(0xffffff), 1}); }
}

void draw_dashes(Canvas& canvas, const LogFrame& frame, std::span<const double> x, std::span<const double> y,
                 const Colour& colour) {
    constexpr double dash = 7, gap = 5;
    const std::vector<Point> points = points_of(frame, x, y);
    for (std::size_t i = 1; i < points.size(); ++i) {
        const Point a = points[i - 1], b = points[i];
        const double length = std::hypot(b.x - a.x, b.y - a.y);
        for (double at = 0; at < length; at += dash + gap) {
            const double end = std::min(length, at + dash);
            const auto on = [&](double s) {
                return Point{a.x + (b.x - a.x) * s / length, a.y + (b.y - a.y) * s / length};
            };
            const std::array piece{on(at), on(end)};
            canvas.curve(piece, {colour, 1.6}, frame.plot.frame);
        }
    }
}

Colour series_colour(std::size_t i) {
    constexpr std::array colours{rgb(0x0072b2), rgb(0xd55e00), rgb(0x009e73), rgb(0xcc79a7), rgb(0xe69f00)};
    return colours[i % colours.size()];
}

} // namespace tessera
