#pragma once

#include <span>
#include <string>

#include "output/canvas.hpp"
#include "output/ticks.hpp"

namespace tessera {

/// Colours and sizes shared by everything on a page.
namespace page {
inline constexpr Colour ink = rgb(0x1f2430);
inline constexpr Colour faint_ink = rgb(0x5d6475);
inline constexpr Colour grid = rgb(0xe6e8ee);
inline constexpr double tick_size = 13.5, label_size = 15, tick_length = 5;
} // namespace page

/// A rectangle of the page that shows x and y values.
struct Plot {
    Rectangle frame = {};
    Range x = {}, y = {};
    double at_x(double value) const { return frame.left + (value - x.low) / x.span() * frame.width; }
    double at_y(double value) const { return frame.bottom() - (value - y.low) / y.span() * frame.height; }
};

enum class Side { bottom, left, top, right };

struct AxisStyle {
    std::string label = {}; ///< empty: none
    int n_ticks = 6;        ///< at most
    bool tick_labels = true;
    bool grid = false;   ///< faint lines across the frame
    bool inward = false; ///< ticks into the frame
};

void draw_frame(Canvas& canvas, const Plot& plot);
/// Ticks, numbers and label on one side of the frame, for the values `range` that this side spans. A common factor of
/// the numbers stands at the end of the axis. Draw before the data when there is a grid.
void draw_axis(Canvas& canvas, const Plot& plot, Side side, const Range& range, const AxisStyle& style);
/// The points (x[i], y[i]), joined, inside the frame.
void draw_curve(Canvas& canvas, const Plot& plot, std::span<const double> x, std::span<const float> y,
                const Stroke& stroke);

/// A number in a disc of its colour: the mark of a curve on a map and beside its plot.
void draw_badge(Canvas& canvas, Point at, int number, const Colour& colour);

/// Vertical bar of the map's colours. @param ticks  their values are places on the bar, 0 (bottom) to 1 (top)
void draw_colour_bar(Canvas& canvas, const Rectangle& bar, const ColourMap& map, const Ticks& ticks,
                     const std::string& label);

} // namespace tessera
