#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tessera/core/options.hpp"
#include "tessera/core/view.hpp"
#include "tessera/cube/grid.hpp"
#include "tessera/device/device.hpp"

namespace tessera {
class Communicator;
}

namespace tessera::ssp {

/// A grid of simple stellar populations. Axes ascend strictly; nothing is logarithmic here.
struct Library {
    std::string name;                      ///< "BC03-MILES", for people
    std::string source;                    ///< file it came from
    std::string format;                    ///< dialect it was read as
    Medium medium = Medium::unknown;       ///< of `wavelength`
    std::string imf;                       ///< empty when unknown
    std::optional<double> resolution_fwhm; ///< Angstrom, of the templates, rest frame; nullopt when unknown
    std::vector<double> metallicity;       ///< mass fraction
    std::vector<double> age;               ///< Gyr
    std::vector<double> wavelength;        ///< Angstrom, rest frame
    std::vector<float> flux;               ///< [metallicity, age, wavelength] Lsun/Angstrom per Msun formed
    std::uint64_t checksum = 0;            ///< of axes and flux, for provenance

    std::int64_t n_metallicity() const { return static_cast<std::int64_t>(metallicity.size()); }
    std::int64_t n_age() const { return static_cast<std::int64_t>(age.size()); }
    std::int64_t n_wave() const { return static_cast<std::int64_t>(wavelength.size()); }
    std::int64_t n_node() const { return n_metallicity() * n_age(); } ///< node = iZ · n_age + iage
    /// [node, wavelength]
    View<const float, 2> nodes() const { return View<const float, 2>(flux.data(), n_node(), n_wave()); }
};

enum class Format { automatic, rubix, plain, dsps, bc03_fits, ppxf, pypipe3d };
enum class Outside { zero, clamp, error };

struct LibraryOptions {
    std::string path = "demo"; ///< a file, or "demo": the built-in demonstration library
    Format format = Format::automatic;
    Outside outside = Outside::clamp;

    template <class Visitor>
    void describe(Visitor& key) {
        key("ssp.path", path, unit::none,
            "file of the SSP library; demo: a small built-in one, for trying out, not for science");
        key("ssp.format", format, unit::none, "layout of the file; auto looks into it");
        key("ssp.outside", outside, unit::none,
            "stars outside the grid in age or metallicity: no light, the nearest edge, or an error; always counted");
    }
};

enum class AgeUnit { gyr, myr, yr, log10_gyr, log10_yr };
enum class MetallicityUnit { mass_fraction, log10_mass_fraction, solar, log10_solar };

/// What the user knows about a file that does not say it (or says it wrongly): each one given overrides the file.
struct ReadHints {
    std::optional<AgeUnit> age_unit;
    std::optional<MetallicityUnit> metallicity_unit;
    std::optional<double> solar_metallicity; ///< mass fraction that solar units and [M/H] = 0 stand for
    std::optional<Medium> medium;            ///< air or vacuum
};

/// Reads a library (rank 0 reads, the others receive it); path "demo" gives demo_library(). Axes are logarithmic or not as
/// the file's units say; ambiguous ones are refused. The dialects, their units and defaults are in docs/ssp.md.
/// @param where  threads that unpack
/// @throws Error(Kind::data) missing, malformed, empty, NaN, not ascending, ambiguous units; the text names file and dataset
Library read_library(const LibraryOptions& options, Communicator& comm, const ReadHints& hints = {},
                     const device::Host& where = {});

/// Writes the plain layout (docs/ssp.md), read back bit for bit; written aside and renamed. One rank calls it.
/// @throws Error(Kind::resource)  unwritable, full disk
void write_library(const Library& library, const std::string& path);

/// WordHash (core/hash.hpp) over the extents, the axes (f64) and the flux (f32) of a library, little-endian.
std::uint64_t checksum_of(const Library& library);
/// What files of version 1 of the plain layout carry: FNV-1a (64 bits) over the same.
std::uint64_t first_checksum_of(const Library& library);

/// What `tessera ssp info` prints: name, axes with counts, ranges and spacing, medium, resolution, IMF, bytes, checksum.
/// Ends with a line break.
std::string summary(const Library& library);

/// A small analytic library (blackbody-like continua with absorption lines and a 4000 Å break that ages), so that the
/// program can be tried without a download. Not for science.
Library demo_library();

} // namespace tessera::ssp

namespace tessera {
template <>
struct EnumWords<ssp::Format> {
    static constexpr std::array words{std::pair{ssp::Format::automatic, std::string_view("auto")},
                                      std::pair{ssp::Format::rubix, std::string_view("rubix")},
                                      std::pair{ssp::Format::plain, std::string_view("plain")},
                                      std::pair{ssp::Format::dsps, std::string_view("dsps")},
                                      std::pair{ssp::Format::bc03_fits, std::string_view("bc03-fits")},
                                      std::pair{ssp::Format::ppxf, std::string_view("ppxf")},
                                      std::pair{ssp::Format::pypipe3d, std::string_view("pypipe3d")}};
};
template <>
struct EnumWords<ssp::AgeUnit> {
    static constexpr std::array words{std::pair{ssp::AgeUnit::gyr, std::string_view("Gyr")},
                                      std::pair{ssp::AgeUnit::myr, std::string_view("Myr")},
                                      std::pair{ssp::AgeUnit::yr, std::string_view("yr")},
                                      std::pair{ssp::AgeUnit::log10_gyr, std::string_view("log10(Gyr)")},
                                      std::pair{ssp::AgeUnit::log10_yr, std::string_view("log10(yr)")}};
};
template <>
struct EnumWords<ssp::MetallicityUnit> {
    static constexpr std::array words{
        std::pair{ssp::MetallicityUnit::mass_fraction, std::string_view("Z")},
        std::pair{ssp::MetallicityUnit::log10_mass_fraction, std::string_view("log10(Z)")},
        std::pair{ssp::MetallicityUnit::solar, std::string_view("Zsun")},
        std::pair{ssp::MetallicityUnit::log10_solar, std::string_view("log10(Zsun)")}};
};
template <>
struct EnumWords<ssp::Outside> {
    static constexpr std::array words{std::pair{ssp::Outside::zero, std::string_view("zero")},
                                      std::pair{ssp::Outside::clamp, std::string_view("clamp")},
                                      std::pair{ssp::Outside::error, std::string_view("error")}};
};
} // namespace tessera
