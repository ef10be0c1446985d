#include "tessera/output/quicklook.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include <fmt/format.h>

#include "output/axes.hpp"
#include "output/stretch.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

namespace {

constexpr double page_width = 1760, page_height = 1040;
constexpr double map_side = 360; // of the square that a map's frame fills in its longer direction
constexpr double page_left = 96; // heading, first map and spectra begin here, numbers stand left of it
constexpr double bar_gap = 52, bar_width = 16;
constexpr double map_pitch = 552; // from map to map: frame, bar with its label, numbers of the next
constexpr double strip_gap = 12;  // between spectra
constexpr Colour nothing_here = rgb(0xd3d6dd);
// Of similar lightness, apart for the common kinds of colour blindness, readable as lines on white.
constexpr std::array<Colour, 6> mark_colours{rgb(0xc8392b), rgb(0x1b6fb3), rgb(0x2a8c55),
                                             rgb(0x8a4fa8), rgb(0xb7791f), rgb(0x4a5568)};

Colour mark_colour(std::size_t i) { return mark_colours[i % mark_colours.size()]; }

void check_sizes(const QuickLook& look) {
    const auto demand = [](const char* what, std::size_t found, std::size_t expected) {
        if (found == expected) { return; }
        throw Error({.kind = Kind::internal,
                     .where = fmt::format("quick-look picture, {}", what),
                     .found = fmt::format("{} values", found),
                     .expected = fmt::format("{}", expected),
                     .cure = "this is a defect of tessera, please report it"});
    };
    const auto n_spaxel = static_cast<std::size_t>(std::max<std::int64_t>(look.n_y * look.n_x, 0));
    demand("white light", look.white_light.size(), n_spaxel);
    demand("velocity", look.velocity.size(), n_spaxel);
    if (!look.dispersion.empty()) { demand("dispersion", look.dispersion.size(), n_spaxel); }
    for (const MarkedSpaxel& spaxel : look.spaxels) {
        demand(spaxel.label.c_str(), spaxel.flux.size(), look.wavelength.size());
        const bool inside = spaxel.y >= 0 && spaxel.y < look.n_y && spaxel.x >= 0 && spaxel.x < look.n_x;
        demand("marked spaxels inside the field", inside ? 1 : 0, 1);
    }
}

/// One map of the upper row: values, how they become colours, and the bar that says so.
struct MapPanel {
    const std::vector<float>* values = nullptr;
    const ColourMap* colours = nullptr;
    std::function<double(double)> place; ///< value to 0 … 1 on the bar
    Ticks ticks;                         ///< places on the bar; empty: there is nothing to show
    std::string label;
};

/// Ticks of a linear bar from `range.low` (0) to `range.high` (1).
Ticks bar_ticks(const Range& range, int n_max) {
    Ticks ticks = nice_ticks(range, n_max);
    for (double& value : ticks.value) { value = (value - range.low) / range.span(); }
    return ticks;
}

MapPanel light_panel(const QuickLook& look) {
    const AsinhStretch stretch(look.white_light);
    const std::string unit = readable_unit(look.white_light_unit);
    return {.values = &look.white_light,
            .colours = &light_map(),
            .place = [stretch](double v) { return stretch(v); },
            .ticks = stretch.ticks(),
            .label = unit.empty() ? "white light" : fmt::format("white light  [{}]", unit)};
}

MapPanel linear_panel(const std::vector<float>& values, const ColourMap& colours, const Range& range,
                      const std::string& label) {
    MapPanel panel{.values = &values, .colours = &colours, .place = {}, .ticks = {}, .label = label};
    panel.place = [range](double v) { return (v - range.low) / range.span(); };
    if (!finite_sorted(values).empty()) { panel.ticks = bar_ticks(range, 7); }
    return panel;
}

/// Angle from the field's centre and the frame's place on the page.
Plot map_plot(const QuickLook& look, double left, double top) {
    const double step = look.spaxel_size > 0 ? look.spaxel_size : 1;
    const auto n_x = static_cast<double>(std::max<std::int64_t>(look.n_x, 1)),
               n_y = static_cast<double>(std::max<std::int64_t>(look.n_y, 1));
    const double longest = std::max(n_x, n_y);
    const double width = map_side * n_x / longest, height = map_side * n_y / longest;
    return {.frame = {left + 0.5 * (map_side - width), top + 0.5 * (map_side - height), width, height},
            .x = {-0.5 * n_x * step, 0.5 * n_x * step},
            .y = {-0.5 * n_y * step, 0.5 * n_y * step}};
}

Rectangle spaxel_area(const QuickLook& look, const Plot& plot, const MarkedSpaxel& spaxel) {
    const double width = plot.frame.width / static_cast<double>(look.n_x),
                 height = plot.frame.height / static_cast<double>(look.n_y);
    return {plot.frame.left + static_cast<double>(spaxel.x) * width,
            plot.frame.bottom() - static_cast<double>(spaxel.y + 1) * height, width, height};
}

/// Outlines the marked spaxels and puts their numbers beside them: on the side away from the first one, so that neighbours
/// do not cover each other.
void draw_marks(Canvas& canvas, const QuickLook& look, const Plot& plot) {
    std::vector<Point> centres;
    for (const MarkedSpaxel& spaxel : look.spaxels) { centres.push_back(spaxel_area(look, plot, spaxel).centre()); }
    for (std::size_t i = 0; i < centres.size(); ++i) {
        Point away{0.6, -0.8};
        if (i == 0 && centres.size() > 1) { // across the line to the second, upwards
            away = {centres[1].y - centres[0].y, -(centres[1].x - centres[0].x)};
            if (away.y > 0) { away = {-away.x, -away.y}; }
        } else if (i > 0) {
            away = {centres[i].x - centres[0].x, centres[i].y - centres[0].y};
        }
        const double length = std::max(std::hypot(away.x, away.y), 1e-9);
        Rectangle area = spaxel_area(look, plot, look.spaxels[i]);
        const double side = std::max(area.width, 7.0);
        area = {centres[i].x - 0.5 * side, centres[i].y - 0.5 * side, side, side};
        canvas.outline(area, {rgb(0xffffff), 3.4});
        canvas.outline(area, {mark_colour(i), 1.8});
        const double distance = 0.5 * side + 16;
        Point badge{centres[i].x + away.x / length * distance, centres[i].y + away.y / length * distance};
        const Rectangle& frame = plot.frame;
        badge.x = std::clamp(badge.x, frame.left + 12, std::max(frame.left + 12, frame.right() - 12));
        badge.y = std::clamp(badge.y, frame.top + 12, std::max(frame.top + 12, frame.bottom() - 12));
        if (frame.width >= 60 && frame.height >= 60) {
            draw_badge(canvas, badge, static_cast<int>(i) + 1, mark_colour(i));
        }
    }
}

void draw_map(Canvas& canvas, const QuickLook& look, const MapPanel& panel, double left, double top, bool first) {
    const Plot plot = map_plot(look, left, top);
    canvas.fill(plot.frame, nothing_here);
    Raster raster{.n_y = look.n_y, .n_x = look.n_x, .pixels = {}};
    for (const float value : *panel.values) {
        raster.pixels.push_back(std::isfinite(value) ? panel.colours->at(panel.place(value)) : nothing_here);
    }
    canvas.image(plot.frame, raster);
    draw_marks(canvas, look, plot);
    draw_frame(canvas, plot);

    const bool angular = look.spaxel_size > 0,
               physical = angular && std::isfinite(look.kpc_per_arcsec) && look.kpc_per_arcsec > 0;
    const int n_across = plot.frame.width < 150 ? 3 : 6, n_up = plot.frame.height < 150 ? 3 : 6;
    const std::string angle = angular ? "arcsec" : "spaxel";
    draw_axis(canvas, plot, Side::bottom, plot.x, {.label = angle, .n_ticks = n_across});
    draw_axis(canvas, plot, Side::left, plot.y, {.label = first ? angle : "", .n_ticks = n_up});
    if (physical) {
        const double k = look.kpc_per_arcsec;
        draw_axis(canvas, plot, Side::top, {k * plot.x.low, k * plot.x.high}, {.label = "kpc", .n_ticks = n_across});
        draw_axis(canvas, plot, Side::right, {k * plot.y.low, k * plot.y.high}, {.n_ticks = n_up});
    }
    if (panel.ticks.value.empty()) {
        canvas.text({plot.frame.centre().x, plot.frame.top + 30}, "no light",
                    {.size = page::label_size,
                     .colour = panel.colours == &light_map() ? rgb(0xffffff) : page::faint_ink,
                     .across = Across::centre,
                     .upright = Upright::middle});
    }
    const Rectangle bar{left + map_side + bar_gap, top + 0.5 * (map_side - std::max(plot.frame.height, 200.0)),
                        bar_width, std::max(plot.frame.height, 200.0)};
    draw_colour_bar(canvas, bar, *panel.colours, panel.ticks, panel.label);
}

void draw_maps(Canvas& canvas, const QuickLook& look, double top) {
    std::vector<MapPanel> panels{light_panel(look)};
    const double fastest = largest_usual(look.velocity);
    const double limit = fastest > 0 ? fastest : 1;
    panels.push_back(linear_panel(look.velocity, diverging_map(), {-limit, limit}, "line-of-sight velocity  [km s⁻¹]"));
    if (!look.dispersion.empty()) {
        panels.push_back(
            linear_panel(look.dispersion, scalar_map(), usual_range(look.dispersion), "velocity dispersion  [km s⁻¹]"));
    }
    // Three maps fill the page from the left edge; fewer stand in its middle.
    const auto n_missing = 3.0 - static_cast<double>(panels.size());
    double left = page_left + 0.5 * n_missing * map_pitch;
    for (const MapPanel& panel : panels) {
        draw_map(canvas, look, panel, left, top, &panel == &panels.front());
        left += map_pitch;
    }
}

/// The values' range with some air; a constant spectrum is drawn as a level line, not as its rounding errors.
Range flux_range(const std::vector<float>& flux) {
    const std::vector<double> sorted = finite_sorted(flux);
    if (sorted.empty()) { return {0, 1}; }
    const Range range{sorted.front(), sorted.back()};
    const double largest = std::max(std::abs(range.low), std::abs(range.high));
    return range.span() > 1e-4 * largest ? padded(range, 0.1) : padded({range.low, range.low}, 0);
}

/// What stands beside a spectrum: the mark, its name, where it is and how fast.
void draw_spectrum_key(Canvas& canvas, const QuickLook& look, std::size_t i, Point at) {
    const MarkedSpaxel& spaxel = look.spaxels[i];
    draw_badge(canvas, {at.x + 10, at.y}, static_cast<int>(i) + 1, mark_colour(i));
    canvas.text({at.x + 28, at.y}, spaxel.label, {.size = page::label_size, .bold = true, .upright = Upright::middle});
    const TextStyle small{.size = page::tick_size, .colour = page::faint_ink, .upright = Upright::middle};
    if (look.spaxel_size > 0) {
        const double x = (static_cast<double>(spaxel.x) + 0.5 - 0.5 * static_cast<double>(look.n_x)) * look.spaxel_size;
        const double y = (static_cast<double>(spaxel.y) + 0.5 - 0.5 * static_cast<double>(look.n_y)) * look.spaxel_size;
        const int decimals = look.spaxel_size < 0.1 ? 2 : 1;
        canvas.text({at.x + 28, at.y + 22},
                    fmt::format("({}″, {}″)", number_text(x, decimals), number_text(y, decimals)), small);
    }
    const float velocity = look.velocity[static_cast<std::size_t>(spaxel.y * look.n_x + spaxel.x)];
    if (std::isfinite(velocity)) {
        canvas.text({at.x + 28, at.y + 42}, fmt::format("v = {} km s⁻¹", number_text(velocity, 0)), small);
    }
}

void draw_spectra(Canvas& canvas, const QuickLook& look, const Rectangle& area) {
    if (look.spaxels.empty() || look.wavelength.empty()) { return; }
    const Range wavelength = look.wavelength.size() > 1 ? Range{look.wavelength.front(), look.wavelength.back()}
                                                        : padded({look.wavelength[0], look.wavelength[0]}, 0);
    const auto n_strip = static_cast<double>(look.spaxels.size());
    const double height = (area.height - (n_strip - 1) * strip_gap) / n_strip;
    for (std::size_t i = 0; i < look.spaxels.size(); ++i) {
        const MarkedSpaxel& spaxel = look.spaxels[i];
        const Plot plot{
            .frame = {area.left, area.top + static_cast<double>(i) * (height + strip_gap), area.width, height},
            .x = wavelength,
            .y = flux_range(spaxel.flux)};
        const bool last = i + 1 == look.spaxels.size();
        const char* medium = look.medium == Medium::air ? " (air)" : look.medium == Medium::vacuum ? " (vacuum)" : "";
        const std::string label = last ? fmt::format("{}{}  [Å]", look.wavelength_label, medium) : "";
        draw_axis(canvas, plot, Side::bottom, plot.x,
                  {.label = label, .n_ticks = 12, .tick_labels = last, .grid = true, .inward = true});
        draw_axis(canvas, plot, Side::left, plot.y,
                  {.n_ticks = std::clamp(static_cast<int>(height / 28), 2, 8), .inward = true});
        draw_curve(canvas, plot, look.wavelength, spaxel.flux, {mark_colour(i), 1.3});
        draw_frame(canvas, plot);
        draw_spectrum_key(canvas, look, i, {area.right() + 16, plot.frame.centre().y - 22});
    }
    const std::string unit = readable_unit(look.flux_unit);
    canvas.text({area.left - 70, area.centre().y},
                unit.empty() ? "flux density" : fmt::format("flux density  [{}]", unit),
                {.size = page::label_size, .across = Across::centre, .turn = 90});
}

/// A line of the heading, smaller where it would not fit the page.
void draw_heading(Canvas& canvas, const std::string& text, double baseline, TextStyle style) {
    const double room = page_width - 2 * page_left;
    style.size *= std::clamp(room / std::max(canvas.text_width(text, style), 1.0), 0.4, 1.0);
    canvas.text({page_left, baseline}, text, style);
}

} // namespace

void draw_quicklook(const QuickLook& look, const std::string& path) {
    check_sizes(look);
    Canvas canvas(page_width, page_height);
    draw_heading(canvas, look.title, 48, {.size = 27, .bold = true});
    double baseline = 50;
    for (const std::string& line : look.subtitle) {
        baseline += 25;
        draw_heading(canvas, line, baseline, {.size = 15.5, .colour = page::faint_ink});
    }
    const double maps_top = std::max(baseline, 100.0) + 68;
    draw_maps(canvas, look, maps_top);
    const double spectra_top = maps_top + map_side + 78;
    draw_spectra(canvas, look, {page_left, spectra_top, page_width - page_left - 210, page_height - 62 - spectra_top});
    canvas.save(path);
}

} // namespace tessera
