#include "tessera/output/contact_sheet.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "output/canvas.hpp"
#include "output/colour_map.hpp"
#include "output/stretch.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

namespace {

constexpr double margin = 24, header = 48, side = 124, gap = 12, caption = 34; // points of the page
constexpr std::size_t most_across = 10;
constexpr Colour nothing_here = rgb(0xd3d6dd), faint = rgb(0x6b7280);

void draw(Canvas& canvas, const Thumbnail& cube, double left, double top) {
    const Rectangle frame{left, top, side, side};
    canvas.fill(frame, nothing_here);
    const AsinhStretch stretch(cube.image);
    Raster raster{.n_y = cube.n_y, .n_x = cube.n_x, .pixels = {}};
    for (const float value : cube.image) {
        raster.pixels.push_back(std::isfinite(value) ? light_map().at(stretch(value)) : nothing_here);
    }
    // The whole field, whatever its shape.
    const auto longest = static_cast<double>(std::max({cube.n_y, cube.n_x, std::int64_t{1}}));
    const double width = side * static_cast<double>(cube.n_x) / longest,
                 height = side * static_cast<double>(cube.n_y) / longest;
    canvas.image({left + 0.5 * (side - width), top + 0.5 * (side - height), width, height}, raster);
    const Point below{left + 0.5 * side, top + side + 14};
    canvas.text(below, cube.label, {.size = 12, .across = Across::centre});
    canvas.text({below.x, below.y + 14}, cube.note, {.size = 11, .colour = faint, .across = Across::centre});
}

} // namespace

std::vector<std::size_t> choose_thumbnails(std::size_t n) {
    const std::size_t n_shown = std::min(n, most_thumbnails);
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < n_shown; ++i) { out.push_back(n_shown < 2 ? 0 : i * (n - 1) / (n_shown - 1)); }
    return out;
}

void draw_contact_sheet(const std::string& title, const std::vector<Thumbnail>& cubes, const std::string& path) {
    if (cubes.size() > most_thumbnails) {
        throw Error({.where = "draw_contact_sheet",
                     .found = fmt::format("{} cubes", cubes.size()),
                     .expected = fmt::format("at most {}", most_thumbnails)});
    }
    for (const Thumbnail& cube : cubes) {
        if (std::ssize(cube.image) == cube.n_y * cube.n_x) { continue; }
        throw Error({.where = "draw_contact_sheet",
                     .found = fmt::format("{} values of {}", cube.image.size(), cube.label),
                     .expected = fmt::format("{} x {}", cube.n_y, cube.n_x)});
    }
    const std::size_t across = std::clamp<std::size_t>(cubes.size(), 4, most_across);
    const std::size_t rows = std::max<std::size_t>(1, (cubes.size() + across - 1) / across);
    Canvas canvas(2 * margin + static_cast<double>(across) * (side + gap) - gap,
                  margin + header + static_cast<double>(rows) * (side + caption + gap));
    canvas.fill({0, 0, canvas.width(), canvas.height()}, rgb(0xffffff));
    canvas.text({margin, margin + 16}, title, {.size = 18, .bold = true});
    for (std::size_t i = 0; i < cubes.size(); ++i) {
        const std::size_t column = i % across, row = i / across;
        draw(canvas, cubes[i], margin + static_cast<double>(column) * (side + gap),
             margin + header + static_cast<double>(row) * (side + caption + gap) - 12);
    }
    canvas.save(path);
}

} // namespace tessera
