#include "output/axes.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace tessera {

namespace {

TextStyle tick_style(Side side) {
    switch (side) {
    case Side::bottom: return {.size = page::tick_size, .across = Across::centre, .upright = Upright::top};
    case Side::top: return {.size = page::tick_size, .across = Across::centre, .upright = Upright::baseline};
    case Side::left: return {.size = page::tick_size, .across = Across::right, .upright = Upright::middle};
    case Side::right: return {.size = page::tick_size, .across = Across::left, .upright = Upright::middle};
    }
    return {};
}

bool horizontal(Side side) { return side == Side::bottom || side == Side::top; }

/// The tick's foot on the frame and the direction away from it.
struct Foot {
    Point on, away;
};
Foot foot(const Plot& plot, Side side, double fraction) {
    const Rectangle& frame = plot.frame;
    switch (side) {
    case Side::bottom: return {{frame.left + fraction * frame.width, frame.bottom()}, {0, 1}};
    case Side::top: return {{frame.left + fraction * frame.width, frame.top}, {0, -1}};
    case Side::left: return {{frame.left, frame.bottom() - fraction * frame.height}, {-1, 0}};
    case Side::right: return {{frame.right(), frame.bottom() - fraction * frame.height}, {1, 0}};
    }
    return {};
}

Point along(const Point& from, const Point& direction, double distance) {
    return {from.x + direction.x * distance, from.y + direction.y * distance};
}

void draw_axis_label(Canvas& canvas, const Plot& plot, Side side, const std::string& label, double distance) {
    const Foot middle = foot(plot, side, 0.5);
    TextStyle style{.size = page::label_size, .across = Across::centre};
    if (side == Side::bottom) { style.upright = Upright::top; }
    if (!horizontal(side)) { style.turn = 90; }
    if (side == Side::right) { style.upright = Upright::top; }
    canvas.text(along(middle.on, middle.away, distance), label, style);
}

} // namespace

void draw_frame(Canvas& canvas, const Plot& plot) { canvas.outline(plot.frame, {page::ink, 1.1}); }

void draw_axis(Canvas& canvas, const Plot& plot, Side side, const Range& range, const AxisStyle& style) {
    const Ticks ticks = nice_ticks(range, style.n_ticks);
    const double outward = style.inward ? -1 : 1;
    double widest = 0;
    for (std::size_t i = 0; i < ticks.value.size(); ++i) {
        const Foot tick = foot(plot, side, (ticks.value[i] - range.low) / range.span());
        if (style.grid) {
            const double across = horizontal(side) ? plot.frame.height : plot.frame.width;
            canvas.line(tick.on, along(tick.on, tick.away, -across), {page::grid, 1});
        }
        canvas.line(tick.on, along(tick.on, tick.away, outward * page::tick_length), {page::ink, 1.1});
        if (!style.tick_labels) { continue; }
        const double gap = page::tick_length + (horizontal(side) ? 5 : 4);
        canvas.text(along(tick.on, tick.away, gap), ticks.label[i], tick_style(side));
        widest = std::max(
            widest, gap + (horizontal(side) ? page::tick_size : canvas.text_width(ticks.label[i], tick_style(side))));
    }
    if (ticks.exponent != 0 && style.tick_labels) {
        const std::string factor = fmt::format("×{}", power_of_ten(ticks.exponent));
        if (horizontal(side)) {
            canvas.text({plot.frame.right() + 10, foot(plot, side, 1).on.y + 5}, factor, {.size = page::tick_size});
        } else {
            canvas.text({plot.frame.left + 8, plot.frame.top + 7}, factor,
                        {.size = page::tick_size, .colour = page::faint_ink, .upright = Upright::top});
        }
    }
    if (!style.label.empty()) { draw_axis_label(canvas, plot, side, style.label, widest + 10); }
}

void draw_curve(Canvas& canvas, const Plot& plot, std::span<const double> x, std::span<const float> y,
                const Stroke& stroke) {
    std::vector<Point> points(std::min(x.size(), y.size()));
    for (std::size_t i = 0; i < points.size(); ++i) { points[i] = {plot.at_x(x[i]), plot.at_y(y[i])}; }
    canvas.curve(points, stroke, plot.frame);
}

void draw_badge(Canvas& canvas, Point at, int number, const Colour& colour) {
    canvas.disc(at, 10, colour, {rgb(0xffffff), 1.8});
    canvas.text(
        at, fmt::format("{}", number),
        {.size = 13, .bold = true, .colour = rgb(0xffffff), .across = Across::centre, .upright = Upright::middle});
}

void draw_colour_bar(Canvas& canvas, const Rectangle& bar, const ColourMap& map, const Ticks& ticks,
                     const std::string& label) {
    constexpr std::int64_t n_step = 256;
    Raster raster{.n_y = n_step, .n_x = 1, .pixels = std::vector<Colour>(n_step)};
    for (std::int64_t i = 0; i < n_step; ++i) {
        raster.pixels[static_cast<std::size_t>(i)] = map.at(static_cast<double>(i) / (n_step - 1));
    }
    canvas.image(bar, raster);
    const Plot plot{.frame = bar};
    draw_frame(canvas, plot);
    double widest = 0;
    for (std::size_t i = 0; i < ticks.value.size(); ++i) {
        const Foot tick = foot(plot, Side::right, ticks.value[i]);
        canvas.line(tick.on, along(tick.on, tick.away, page::tick_length), {page::ink, 1.1});
        canvas.text(along(tick.on, tick.away, page::tick_length + 4), ticks.label[i], tick_style(Side::right));
        widest = std::max(widest, page::tick_length + 4 + canvas.text_width(ticks.label[i], tick_style(Side::right)));
    }
    draw_axis_label(canvas, plot, Side::right, label, widest + 9);
}

} // namespace tessera
