#pragma once

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "output/axes.hpp"

namespace tessera {

/// A frame whose x axis, and where wanted y axis, goes by factors: `plot` is in log10 of them.
struct LogFrame {
    Plot plot;
    bool log_y = true;
    double at_x(double value) const { return plot.at_x(std::log10(value)); }
    double at_y(double value) const { return plot.at_y(log_y ? std::log10(value) : value); }
    Point at(double x, double y) const { return {at_x(x), at_y(y)}; }
};

/// Range of log10 of the values with a margin of a fraction of a decade on both sides.
Range log_range(std::span<const double> values, double margin);

/// Ticks and numbers at these x values ("1", "64", "10⁴"), a faint line up from each.
void draw_log_x(Canvas& canvas, const LogFrame& frame, std::span<const double> ticks, const std::string& label);
/// Ticks at 1, 2, 5 of each decade; fewer where these are many.
void draw_log_y(Canvas& canvas, const LogFrame& frame, const std::string& label);

/// A line with discs at its points.
void draw_series(Canvas& canvas, const LogFrame& frame, std::span<const double> x, std::span<const double> y,
                 const Colour& colour, double radius);
/// A dashed line through points.
void draw_dashes(Canvas& canvas, const LogFrame& frame, std::span<const double> x, std::span<const double> y,
                 const Colour& colour);

/// The colour of the i-th series; told apart by colour-blind readers too (Okabe & Ito 2008).
Colour series_colour(std::size_t i);

/// "6 000 000" would be long: "6·10⁶", "250 000" as "2.5·10⁵", small numbers as they are.
std::string count_text(double value);

} // namespace tessera
