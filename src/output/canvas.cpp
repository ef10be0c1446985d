#include "output/canvas.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>
#include <fmt/format.h>

#include "tessera/comm/communicator.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/write_aside.hpp"

namespace fs = std::filesystem;

namespace tessera {

namespace {

struct Destroy {
    void operator()(cairo_t* context) const { cairo_destroy(context); }
    void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
    void operator()(cairo_font_options_t* options) const { cairo_font_options_destroy(options); }
};
using Context = std::unique_ptr<cairo_t, Destroy>;
using Surface = std::unique_ptr<cairo_surface_t, Destroy>;
using FontOptions = std::unique_ptr<cairo_font_options_t, Destroy>;

void set_colour(cairo_t* context, const Colour& colour) {
    cairo_set_source_rgba(context, colour.red, colour.green, colour.blue, colour.alpha);
}

void set_stroke(cairo_t* context, const Stroke& stroke) {
    set_colour(context, stroke.colour);
    cairo_set_line_width(context, stroke.width);
}

void set_font(cairo_t* context, const TextStyle& style) {
    // The toy interface of cairo falls back to another font, at last to a built-in one, when this one is missing.
    cairo_select_font_face(context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           style.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(context, style.size);
}

/// The text with every byte that is not part of a UTF-8 character replaced: cairo gives up on such a text, and names of
/// files may hold anything.
std::string printable(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80                   ? 1
                                   : lead >= 0xc2 && lead < 0xe0 ? 2
                                   : lead >= 0xe0 && lead < 0xf0 ? 3
                                   : lead >= 0xf0 && lead < 0xf5 ? 4
                                                                 : 0;
        bool valid = length > 0 && i + length <= text.size() && (length > 1 || lead >= 0x20);
        for (std::size_t k = 1; valid && k < length; ++k) {
            valid = (static_cast<unsigned char>(text[i + k]) & 0xc0U) == 0x80U;
        }
        if (valid && length > 2) { // longer than needed, surrogates, beyond the last character
            const auto second = static_cast<unsigned char>(text[i + 1]);
            valid = !(lead == 0xe0 && second < 0xa0) && !(lead == 0xed && second >= 0xa0) &&
                    !(lead == 0xf0 && second < 0x90) && !(lead == 0xf4 && second >= 0x90);
        }
        out += valid ? text.substr(i, length) : "?";
        i += valid ? length : 1;
    }
    return out;
}

cairo_status_t append(void* closure, const unsigned char* data, unsigned int length) {
    static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(data), length);
    return CAIRO_STATUS_SUCCESS;
}

[[noreturn]] void throw_unwritable(const std::string& path, const std::string& reason) {
    throw Error({.kind = Kind::resource,
                 .where = path,
                 .found = reason,
                 .expected = "a place to write the picture",
                 .cure = "choose another path with output.quicklook, or null for no picture"});
}

void write_file(const std::string& path, const std::string& temporary, const std::string& content) {
    std::FILE* file = std::fopen(temporary.c_str(), "wb");
    if (file == nullptr) { throw_unwritable(path, std::strerror(errno)); }
    int reason = std::fwrite(content.data(), 1, content.size(), file) == content.size() ? 0 : errno;
    if (std::fclose(file) != 0 && reason == 0) { reason = errno; }
    if (reason != 0) { throw_unwritable(path, std::strerror(reason)); }
}

} // namespace

struct Canvas::Impl {
    Surface surface; // a recording, replayed on the surface of the file format
    Context context;
};

Canvas::Canvas(double width, double height) : width_(width), height_(height), impl_(std::make_unique<Impl>()) {
    const cairo_rectangle_t extents{0, 0, width, height};
    impl_->surface.reset(cairo_recording_surface_create(CAIRO_CONTENT_COLOR_ALPHA, &extents));
    impl_->context.reset(cairo_create(impl_->surface.get()));
    const FontOptions options(cairo_font_options_create());
    cairo_font_options_set_hint_metrics(options.get(), CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_hint_style(options.get(), CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_antialias(options.get(), CAIRO_ANTIALIAS_GRAY);
    cairo_set_font_options(impl_->context.get(), options.get());
    cairo_set_line_join(impl_->context.get(), CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(impl_->context.get(), CAIRO_LINE_CAP_BUTT);
    fill({0, 0, width, height}, rgb(0xffffff));
}

Canvas::~Canvas() = default;

void Canvas::fill(const Rectangle& area, const Colour& colour) {
    cairo_t* const context = impl_->context.get();
    set_colour(context, colour);
    cairo_rectangle(context, area.left, area.top, area.width, area.height);
    cairo_fill(context);
}

void Canvas::outline(const Rectangle& area, const Stroke& stroke) {
    cairo_t* const context = impl_->context.get();
    set_stroke(context, stroke);
    cairo_rectangle(context, area.left, area.top, area.width, area.height);
    cairo_stroke(context);
}

void Canvas::line(Point from, Point to, const Stroke& stroke) {
    cairo_t* const context = impl_->context.get();
    set_stroke(context, stroke);
    cairo_move_to(context, from.x, from.y);
    cairo_line_to(context, to.x, to.y);
    cairo_stroke(context);
}

void Canvas::curve(std::span<const Point> points, const Stroke& stroke, const Rectangle& clip) {
    cairo_t* const context = impl_->context.get();
    cairo_save(context);
    cairo_rectangle(context, clip.left, clip.top, clip.width, clip.height);
    cairo_clip(context);
    set_stroke(context, stroke);
    bool down = false;
    for (const Point& point : points) {
        if (!std::isfinite(point.x) || !std::isfinite(point.y)) {
            down = false;
            continue;
        }
        // Fixed-point coordinates of cairo overflow beyond 2^23: what is far outside stays far outside.
        const double y = std::clamp(point.y, clip.top - 1e4, clip.bottom() + 1e4);
        const double x = std::clamp(point.x, clip.left - 1e4, clip.right() + 1e4);
        if (down) {
            cairo_line_to(context, x, y);
        } else {
            cairo_move_to(context, x, y);
        }
        down = true;
    }
    cairo_stroke(context);
    cairo_restore(context);
}

void Canvas::disc(Point centre, double radius, const Colour& fill, const Stroke& rim) {
    cairo_t* const context = impl_->context.get();
    cairo_new_sub_path(context);
    cairo_arc(context, centre.x, centre.y, radius, 0, 2 * constants::pi);
    set_colour(context, fill);
    cairo_fill_preserve(context);
    set_stroke(context, rim);
    cairo_stroke(context);
}

double Canvas::text_width(const std::string& text, const TextStyle& style) const {
    cairo_t* const context = impl_->context.get();
    set_font(context, style);
    cairo_text_extents_t extents{};
    cairo_text_extents(context, printable(text).c_str(), &extents);
    return extents.x_advance;
}

void Canvas::text(Point at, const std::string& text, const TextStyle& style) {
    if (text.empty()) { return; }
    const std::string shown = printable(text);
    cairo_t* const context = impl_->context.get();
    cairo_save(context);
    set_font(context, style);
    cairo_text_extents_t extents{}, digit{};
    cairo_text_extents(context, shown.c_str(), &extents);
    cairo_text_extents(context, "0", &digit); // the same height for every text, so that labels in a row line up
    const double x = style.across == Across::left     ? 0
                     : style.across == Across::centre ? -0.5 * extents.x_advance
                                                      : -extents.x_advance;
    const double y = style.upright == Upright::baseline ? 0
                     : style.upright == Upright::middle ? 0.5 * digit.height
                                                        : digit.height;
    cairo_translate(context, at.x, at.y);
    cairo_rotate(context, -style.turn * constants::pi / 180);
    cairo_move_to(context, x, y);
    set_colour(context, style.colour);
    cairo_show_text(context, shown.c_str());
    cairo_restore(context);
}

void Canvas::image(const Rectangle& area, const Raster& raster) {
    const auto n_x = static_cast<int>(raster.n_x), n_y = static_cast<int>(raster.n_y);
    if (n_x <= 0 || n_y <= 0) { return; }
    const Surface pixels(cairo_image_surface_create(CAIRO_FORMAT_RGB24, n_x, n_y));
    if (cairo_surface_status(pixels.get()) != CAIRO_STATUS_SUCCESS) { return; } // reported by save: the page lacks it
    unsigned char* const data = cairo_image_surface_get_data(pixels.get());
    const int stride = cairo_image_surface_get_stride(pixels.get());
    for (int y = 0; y < n_y; ++y) {
        auto* const row = reinterpret_cast<std::uint32_t*>(data + static_cast<std::ptrdiff_t>(n_y - 1 - y) * stride);
        for (int x = 0; x < n_x; ++x) {
            const Colour& colour =
                raster
                    .pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(n_x) + static_cast<std::size_t>(x)];
            const auto byte = [](double v) { return static_cast<std::uint32_t>(std::lround(255 * v)); };
            row[x] = byte(colour.red) << 16U | byte(colour.green) << 8U | byte(colour.blue);
        }
    }
    cairo_surface_mark_dirty(pixels.get());
    cairo_t* const context = impl_->context.get();
    cairo_save(context);
    cairo_translate(context, area.left, area.top);
    cairo_scale(context, area.width / n_x, area.height / n_y);
    cairo_set_source_surface(context, pixels.get(), 0, 0);
    const bool coarse = area.width >= n_x && area.height >= n_y;
    cairo_pattern_set_filter(cairo_get_source(context), coarse ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
    cairo_pattern_set_extend(cairo_get_source(context), CAIRO_EXTEND_PAD);
    cairo_rectangle(context, 0, 0, n_x, n_y);
    cairo_fill(context);
    cairo_restore(context);
}

void Canvas::save(const std::string& path) const {
    std::string extension = fs::path(path).extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    std::string content;
    Surface target;
    if (extension == ".png") {
        target.reset(
            cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width_), static_cast<int>(height_)));
    } else if (extension == ".svg") {
        target.reset(cairo_svg_surface_create_for_stream(append, &content, width_, height_));
    } else if (extension == ".pdf") {
        target.reset(cairo_pdf_surface_create_for_stream(append, &content, width_, height_));
    } else {
        throw Error({.kind = Kind::config,
                     .where = path,
                     .found = extension.empty() ? "no extension" : fmt::format("extension '{}'", extension),
                     .expected = ".png, .svg or .pdf",
                     .cure = "give the picture one of these names"});
    }
    const Context context(cairo_create(target.get()));
    cairo_set_source_surface(context.get(), impl_->surface.get(), 0, 0);
    cairo_paint(context.get());
    cairo_status_t status = cairo_status(impl_->context.get());
    if (status == CAIRO_STATUS_SUCCESS) { status = cairo_status(context.get()); }
    if (status == CAIRO_STATUS_SUCCESS) {
        if (extension == ".png") {
            status = cairo_surface_write_to_png_stream(target.get(), append, &content);
        } else {
            cairo_surface_finish(target.get());
            status = cairo_surface_status(target.get());
        }
    }
    if (status != CAIRO_STATUS_SUCCESS) {
        throw_unwritable(path, fmt::format("cairo: {}", cairo_status_to_string(status)));
    }
    const auto alone = make_self_communicator(); // one rank draws
    io::write_aside(path, *alone, [&](const std::string& temporary) { write_file(path, temporary, content); });
}

} // namespace tessera
