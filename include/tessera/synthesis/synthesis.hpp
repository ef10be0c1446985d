#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "tessera/core/options.hpp"
#include "tessera/cube/cube.hpp"
#include "tessera/cube/grid.hpp"
#include "tessera/device/device.hpp"
#include "tessera/ssp/interpolation.hpp"
#include "tessera/ssp/library.hpp"
#include "tessera/view/spaxel_stars.hpp"

namespace tessera {

class Communicator;

enum class Method { automatic, exact };
enum class Resampling { conserving, rubix };
enum class Doppler { linear, exponential };
enum class Uncovered { error, flag };

template <>
struct EnumWords<Method> {
    static constexpr std::array words{std::pair{Method::automatic, std::string_view("auto")},
                                      std::pair{Method::exact, std::string_view("exact")}};
};
template <>
struct EnumWords<Resampling> {
    static constexpr std::array words{std::pair{Resampling::conserving, std::string_view("conserving")},
                                      std::pair{Resampling::rubix, std::string_view("rubix")}};
};
template <>
struct EnumWords<Doppler> {
    static constexpr std::array words{std::pair{Doppler::linear, std::string_view("linear")},
                                      std::pair{Doppler::exponential, std::string_view("exponential")}};
};
template <>
struct EnumWords<Uncovered> {
    static constexpr std::array words{std::pair{Uncovered::error, std::string_view("error")},
                                      std::pair{Uncovered::flag, std::string_view("flag")}};
};

struct SynthesisOptions {
    Method method = Method::automatic;
    double tolerance = 1.0e-3;
    ssp::Interpolation interpolation = ssp::Interpolation::linear;
    Resampling resampling = Resampling::conserving;
    Doppler doppler = Doppler::linear;
    Uncovered uncovered = Uncovered::error;

    template <class Visitor>
    void describe(Visitor& key) {
        key("synthesis.method", method, unit::none,
            "how spectra are summed; exact: every star with its own shift; auto: the cheapest within tolerance");
        key("synthesis.tolerance", tolerance, unit::none,
            "largest rms error over wavelengths, relative to the mean: sets the step of the log-wavelength grid, ten "
            "times below it",
            above(0), at_most(0.1));
        key("synthesis.interpolation", interpolation, unit::none,
            "interpolation of the SSP grid in age and metallicity");
        key("synthesis.resampling", resampling, unit::none,
            "conserving: integral of the shifted spectrum over each pixel; rubix: as RUBIX, for comparison");
        key("synthesis.doppler", doppler, unit::none,
            "Doppler factor: linear (1+z)(1+v/c); exponential (1+z)exp(v/c), as RUBIX");
        key("synthesis.uncovered", uncovered, unit::none,
            "telescope pixels that the SSP library does not cover: an error, or flagged in the mask");
    }
};

/// What was done, the same on every rank.
struct SynthesisReport {
    Method method = Method::exact;
    std::int64_t n_synthesised = 0;  ///< stars that gave light
    std::int64_t n_outside_grid = 0; ///< stars in the field outside the library's ages or metallicities
    std::int64_t n_age_outside = 0;  ///< stars in the field outside the library's ages
    std::int64_t n_metallicity_outside = 0;
    double log_step = 0;  ///< of the log-wavelength grid; 0 for rubix resampling
    double error_rms = 0; ///< rms over pixels relative to the mean, worst of a sample of single-star spectra,
                          ///< against the direct integral in double precision
    double error_max = 0; ///< largest deviation of a pixel in that sample, relative to the mean
};

/// How far the library covers the pixels for every star's Doppler shift: per pixel true when wholly covered.
/// @param pixels  may extend beyond the telescope's band (`first` … `first + n` are the telescope's own)
std::vector<bool> covered_pixels(const ssp::Library& library, const WavelengthGrid& pixels, double redshift,
                                 double largest_speed);

/// Called now and then from one thread with the stars done and in all on this rank.
using Progress = std::function<void(std::int64_t done, std::int64_t total)>;

/// The light of this rank's stars: [padded spaxel, pixel of `pixels`], Lsun per observed Angstrom (`conserving`), or Lsun per
/// rest Angstrom in RUBIX's sense (`rubix`). Collective: the plan (grid step, error sample) is the same on every rank.
/// @throws Error(Kind::config)  the library does not cover `pixels` and uncovered = error (says which part)
/// @throws Error(Kind::data)    a star outside the library and ssp.outside = error (says how many, and the first)
/// @par Cost  per star: (4 or 16 nodes + 4 taps) fused multiply-adds a log-wavelength pixel
PartialCube synthesise(const SpaxelStars& stars, const ssp::Library& library, ssp::Outside outside,
                       const WavelengthGrid& pixels, double redshift, const SynthesisOptions& options,
                       const device::Host& where, Communicator& comm, SynthesisReport& report,
                       const Progress& progress = {});

/// Bytes that `synthesise` needs on a rank besides its input and the partial cube it returns.
std::int64_t synthesis_bytes(std::int64_t n_star, const ssp::Library& library, const WavelengthGrid& pixels,
                             double redshift, const SynthesisOptions& options, int threads);

/// The slow formula: one star's spectrum by direct integration of the shifted, piecewise linear library spectrum over each
/// pixel, in double. Zero where the library has no light. What every method is measured against.
/// @return  [pixel] Lsun per observed Angstrom for `mass` Msun formed
std::vector<double> direct_spectrum(const ssp::Library& library, const ssp::NodeWeights& weights, double mass,
                                    double doppler_factor, const WavelengthGrid& pixels);

/// (1+z)(1+v/c) or (1+z)exp(v/c).
double doppler_factor(double redshift, double los_velocity, Doppler kind);

} // namespace tessera
