#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tessera {

/// A cube on a contact sheet.
struct Thumbnail {
    std::string label, note;       ///< below the picture: "17_0"; and a fainter word, such as its mass
    std::int64_t n_y = 0, n_x = 0; ///< y upwards on the page
    std::vector<float> image;      ///< [y, x] light, NaN outside the aperture; each picture has a stretch of its own
};

/// As many as a sheet may hold; the caller makes a choice where there are more.
inline constexpr std::size_t most_thumbnails = 60;

/// Of n cubes in an order those that a sheet shows: all, or most_thumbnails evenly spaced, the first and the last among them.
std::vector<std::size_t> choose_thumbnails(std::size_t n);

/// Draws a grid of light in an asinh stretch, row by row, at most 10 across: some 1400 × 1040.
/// @param path  .png, .svg or .pdf; written aside and renamed
/// @throws Error(Kind::resource)  the file cannot be written
/// @throws Error(Kind::internal)  too many, or an image that does not fit its size
void draw_contact_sheet(const std::string& title, const std::vector<Thumbnail>& cubes, const std::string& path);

} // namespace tessera
