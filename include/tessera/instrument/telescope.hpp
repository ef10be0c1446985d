#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tessera/core/options.hpp"
#include "tessera/cube/grid.hpp"

namespace tessera {

enum class Aperture { square, circular, hexagonal };
template <>
struct EnumWords<Aperture> {
    static constexpr std::array words{std::pair{Aperture::square, std::string_view("square")},
                                      std::pair{Aperture::circular, std::string_view("circular")},
                                      std::pair{Aperture::hexagonal, std::string_view("hexagonal")}};
};

/// Pixels of equal steps in wavelength or in its logarithm.
enum class Sampling { linear, logarithmic };
template <>
struct EnumWords<Sampling> {
    static constexpr std::array words{std::pair{Sampling::linear, std::string_view("linear")},
                                      std::pair{Sampling::logarithmic, std::string_view("logarithmic")}};
};

/// Which telescope, and what of it is changed; null keeps the telescope's own value.
struct TelescopeOptions {
    std::string name = "MUSE";
    std::optional<double> field_of_view;
    std::optional<double> spaxel_size;
    std::optional<std::array<double, 2>> wavelength_range;
    std::optional<double> wavelength_step;
    std::optional<Sampling> sampling;
    std::optional<Aperture> aperture;
    std::optional<double> lsf_fwhm;

    template <class Visitor>
    void describe(Visitor& key) {
        key("telescope.name", name, unit::none,
            "a telescope that tessera knows (configs/telescopes) or the path of a YAML file like those");
        key("telescope.field_of_view", field_of_view, unit::arcsec, "edge length of the field", above(0));
        key("telescope.spaxel_size", spaxel_size, unit::arcsec, "edge length of a spaxel", above(0));
        key("telescope.wavelength_range", wavelength_range, unit::angstrom,
            "first pixel's centre, and the end that no pixel's centre reaches", above(0));
        key("telescope.wavelength_step", wavelength_step, unit::angstrom,
            "step between pixels; under logarithmic sampling the step in log10(wavelength)", above(0));
        key("telescope.sampling", sampling, unit::none, "equal steps in wavelength or in its logarithm");
        key("telescope.aperture", aperture, unit::none, "shape of the field inside its square");
        key("telescope.lsf_fwhm", lsf_fwhm, unit::angstrom, "full width at half maximum of the line-spread function",
            at_least(0));
    }
};

/// An integral-field instrument, overrides applied.
struct Telescope {
    std::string name;
    std::string source;                       ///< "built in" or the file it came from
    double field_of_view = 0;                 ///< arcsec, edge length
    double spaxel_size = 0;                   ///< arcsec
    std::int64_t n_x = 0, n_y = 0;            ///< spaxels, floor(field_of_view / spaxel_size) up to rounding
    std::array<double, 2> wavelength_range{}; ///< Angstrom: first pixel's centre, exclusive end
    double wavelength_step = 0;               ///< Angstrom; logarithmic: step in log10(wavelength)
    Sampling sampling = Sampling::linear;
    Medium medium = Medium::unknown; ///< of the wavelengths
    Aperture aperture = Aperture::square;
    double lsf_fwhm = 0; ///< Angstrom

    /// The observed pixels, `medium` set.
    WavelengthGrid wavelengths() const;
};

/// The telescope of that name with the overrides of the options. A name with a '/' or ending in .yaml or .yml is a file;
/// a relative one is looked for in `config_folder`.
/// @throws Error(Kind::config)  unknown name (the nearest is told), file missing or with unknown, missing or wrong keys,
///                              field smaller than a spaxel, more than 2^31 spaxels, range reversed, step wider than range
Telescope load_telescope(const TelescopeOptions& options, const std::string& config_folder);

/// Names of the built-in telescopes, sorted.
std::vector<std::string> telescope_names();

/// 1 where a spaxel [y, x] belongs to the aperture, else 0. Inscribed circle; hexagon with corners on the x axis.
/// @par Source  the masks of SimSpin and RUBIX (which never applies them), indices i = 1…n, centre n/2 + 1/2
std::vector<std::uint8_t> aperture_mask(const Telescope& telescope);

} // namespace tessera
