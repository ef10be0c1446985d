#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "output/colour_map.hpp"

namespace tessera {

struct Point {
    double x = 0, y = 0;
};

/// In points of the page, y downwards.
struct Rectangle {
    double left = 0, top = 0, width = 0, height = 0;
    double right() const { return left + width; }
    double bottom() const { return top + height; }
    Point centre() const { return {left + 0.5 * width, top + 0.5 * height}; }
};

struct Stroke {
    Colour colour;
    double width = 1;
};

enum class Across { left, centre, right };
enum class Upright { baseline, middle, top };

struct TextStyle {
    double size = 15;
    bool bold = false;
    Colour colour = rgb(0x1f2430);
    Across across = Across::left; ///< which end of the text the point is
    Upright upright = Upright::baseline;
    double turn = 0; ///< degree, anticlockwise
};

/// Colours of an image, rows from the bottom of the page upwards: [y, x].
struct Raster {
    std::int64_t n_y = 0, n_x = 0;
    std::vector<Colour> pixels;
};

/// A page to draw on: vectors and text are kept as such until `save` turns them into a picture. The only place that
/// knows cairo.
class Canvas {
public:
    Canvas(double width, double height);
    ~Canvas();
    Canvas(const Canvas&) = delete;
    Canvas& operator=(const Canvas&) = delete;

    double width() const { return width_; }
    double height() const { return height_; }

    void fill(const Rectangle& area, const Colour& colour);
    void outline(const Rectangle& area, const Stroke& stroke);
    void line(Point from, Point to, const Stroke& stroke);
    /// Joined points; one that is not finite breaks the line. Nothing outside `clip` is drawn.
    void curve(std::span<const Point> points, const Stroke& stroke, const Rectangle& clip);
    void disc(Point centre, double radius, const Colour& fill, const Stroke& rim);
    void text(Point at, const std::string& text, const TextStyle& style);
    double text_width(const std::string& text, const TextStyle& style) const;
    /// Every element of the raster is a rectangle of flat colour, unless it is smaller than a pixel of the page.
    void image(const Rectangle& area, const Raster& raster);

    /// Writes the page as .png, .svg or .pdf, aside and then renamed.
    /// @throws Error(Kind::config) another extension; Error(Kind::resource) it cannot be written
    void save(const std::string& path) const;

private:
    struct Impl;
    double width_, height_;
    std::unique_ptr<Impl> impl_;
};

} // namespace tessera
