#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tessera {

/// sRGB, 0 to 1.
struct Colour {
    double red = 0, green = 0, blue = 0, alpha = 1;
};

/// 0xRRGGBB
constexpr Colour rgb(std::uint32_t code) {
    return {((code >> 16U) & 255U) / 255.0, ((code >> 8U) & 255U) / 255.0, (code & 255U) / 255.0, 1.0};
}

/// A colour in Oklab by lightness (0 to 1), chroma and hue: equal steps in lightness look equal.
/// @par Source  Ottosson (2020), "A perceptual color space for image processing".
struct Oklch {
    double lightness = 0, chroma = 0, hue = 0; ///< hue in degree
};
Colour to_srgb(const Oklch& colour); ///< clipped into the gamut

/// Colours for values 0 to 1, a table of 256 interpolated between a handful of anchors in Oklab.
class ColourMap {
public:
    /// @param anchors  at least two, evenly spaced from 0 to 1
    explicit ColourMap(std::span<const Oklch> anchors);
    Colour at(double fraction) const; ///< below 0 and above 1: the end colours

private:
    std::array<Colour, 256> table_;
};

const ColourMap& light_map();     ///< dark to light through violet and orange, lightness even: images of light
const ColourMap& diverging_map(); ///< blue (approaching) - white - red (receding), equally dark at both ends
const ColourMap& scalar_map();    ///< dark blue to pale yellow-green, lightness even: positive quantities

} // namespace tessera
