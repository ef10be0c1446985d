#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "tessera/core/options.hpp"
#include "tessera/cube/cube_blocks.hpp"
#include "tessera/cube/grid.hpp"
#include "tessera/device/device.hpp"
#include "tessera/ssp/interpolation.hpp"
#include "tessera/ssp/library.hpp"
#include "tessera/synthesis/spaxel_sums.hpp"
#include "tessera/view/spaxel_stars.hpp"

namespace tessera {

class Communicator;

enum class Method { automatic, exact, binned, compressed };
enum class Resampling { conserving, rubix };
enum class Doppler { linear, exponential };
enum class Uncovered { error, flag };

template <>
struct EnumWords<Method> {
    static constexpr std::array words{std::pair{Method::automatic, std::string_view("auto")},
                                      std::pair{Method::exact, std::string_view("exact")},
                                      std::pair{Method::binned, std::string_view("binned")},
                                      std::pair{Method::compressed, std::string_view("compressed")}};
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

    bool operator==(const SynthesisOptions&) const = default;

    template <class Visitor>
    void describe(Visitor& key) {
        key("synthesis.method", method, unit::none,
            "how spectra are summed; exact: every star with its own shift; binned: by velocity bins of a spaxel; "
            "compressed: the same with fewer templates; auto: in each spaxel the cheapest that keeps the tolerance");
        key("synthesis.tolerance", tolerance, unit::none,
            "largest rms error over wavelengths in any spaxel against exact, relative to its mean; exact itself stays "
            "ten times below it",
            at_least(1e-5), at_most(0.1));
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
    Method method = Method::exact;   ///< as asked for
    std::int64_t n_synthesised = 0;  ///< stars that gave light
    std::int64_t n_outside_grid = 0; ///< stars in the field outside the library's ages or metallicities
    std::int64_t n_age_outside = 0;  ///< stars in the field outside the library's ages
    std::int64_t n_metallicity_outside = 0;
    std::int64_t n_spaxel_exact = 0; ///< lit spaxels by the method that made them
    std::int64_t n_spaxel_binned = 0;
    std::int64_t n_spaxel_compressed = 0;
    double velocity_step = 0; ///< ln Doppler factor between the rows of `exact`; 0 for rubix resampling
    double bin_step = 0;      ///< the same of `binned` and `compressed`; 0 when neither was used
    std::int64_t rank = 0;    ///< basis spectra of `compressed`; 0 when it was not used
    double exact_error_rms =
        0; ///< of `exact` against the direct integral: worst node of the library, half-way between rows, rms over
           ///< pixels relative to the mean
    double exact_error_max = 0; ///< likewise the worst pixel
    double error_rms =
        0; ///< worst spaxel of the sample: rms over pixels against `exact`, relative to the spaxel's mean;
           ///< when all is exact: exact_error_rms
    double error_rms_median = 0; ///< median of the sample
    double error_max = 0;        ///< worst pixel of the sample, relative to its spaxel's mean
    /// Largest bound of a spaxel that is not exact, which the choice of methods went by: of the velocity step the light-weighted mean
    /// of its nodes' errors; of the compression that, or twice an estimate of its stars' error together (docs/physics.md,
    /// section 8): good to a factor of two. 0 when all is exact.
    double error_bound = 0;
    std::int64_t n_error_sample = 0; ///< spaxels in the sample
    SpaxelSums sums;                 ///< of the stars, for maps
    int n_refined = 0;               ///< times that the sample was above the tolerance and finer settings were taken
};

/// How far the library covers the pixels for every star's Doppler shift: per pixel true when wholly covered.
/// @param pixels  may extend beyond the telescope's band (`first` … `first + n` are the telescope's own)
std::vector<bool> covered_pixels(const ssp::Library& library, const WavelengthGrid& pixels, double redshift,
                                 double largest_speed);

/// Called now and then from one thread with the stars done and in all on this rank.
using Progress = std::function<void(std::int64_t done, std::int64_t total)>;

/// Row weights (W of docs/design.md) that a rank holds at a time: what bounds the memory of synthesis.
struct WeightLimits {
    std::int64_t per_batch = std::int64_t{4} << 20; ///< before their product
    std::int64_t kept =
        std::int64_t{4} << 20; ///< from one block of wavelengths to the next; more are made again in each block
};

/// The light of this rank's stars, Lsun per observed Angstrom (`conserving`), or Lsun per rest Angstrom in RUBIX's sense (`rubix`, always
/// exact), added to the cube block by block. Collective: methods and steps are chosen from the stars of all ranks, and are the same for any
/// number of ranks; the light is the same, bit for bit, for any number of blocks of wavelengths.
/// @param cube  its spaxels are those of `stars`, its pixels `pixels`; no star of this rank lies in a spaxel that is none of its rows.
///              `rubix`: one block of wavelengths
/// @param band  observed wavelengths, Angstrom, between which report.sums counts light; none: all of `pixels`
/// @throws Error(Kind::config)  the library does not cover `pixels` and uncovered = error (says which part)
/// @throws Error(Kind::data)    a star outside the library and ssp.outside = error, or one faster than any star
/// @par Cost  a star: its nodes times four additions, for each block of wavelengths where row weights are not kept. A spaxel: multiply-adds =
///            pixels times the (velocity row, template) pairs that its stars touch, which do not grow with their number once all are touched
/// @par Memory  nothing that multiplies stars and pixels: see synthesis_bytes
void synthesise_into(BlockedCube& cube, const SpaxelStars& stars, const ssp::Library& library, ssp::Outside outside,
                     const WavelengthGrid& pixels, double redshift, const SynthesisOptions& options,
                     const device::Host& where, Communicator& comm, SynthesisReport& report,
                     const Progress& progress = {}, std::optional<std::array<double, 2>> band = {},
                     const WeightLimits& limits = {});

/// The same in one block: [padded spaxel, pixel].
PartialCube synthesise(const SpaxelStars& stars, const ssp::Library& library, ssp::Outside outside,
                       const WavelengthGrid& pixels, double redshift, const SynthesisOptions& options,
                       const device::Host& where, Communicator& comm, SynthesisReport& report,
                       const Progress& progress = {}, std::optional<std::array<double, 2>> band = {});

/// The blocks that a cube is best made in. @param sizes  `tile` and `least_part` are filled in
/// @param n_star  of a rank, on the field
CubeBlocks synthesis_blocks(BlockSizes sizes, std::int64_t n_star, const SynthesisOptions& options);

/// Bytes that `synthesise` needs on a rank besides its input and the blocks of the cube.
/// @param n_star        whose light it makes: of the rank, or of all ranks
/// @param of_all_ranks  row weights travel between the ranks
std::int64_t synthesis_bytes(std::int64_t n_star, std::int64_t n_spaxel, const ssp::Library& library,
                             const WavelengthGrid& pixels, double redshift, const SynthesisOptions& options,
                             int threads, bool of_all_ranks = false);

/// The slow formula: one star's spectrum by direct integration of the shifted, piecewise linear library spectrum over each
/// pixel, in double. Zero where the library has no light. What every method is measured against.
/// @return  [pixel] Lsun per observed Angstrom for `mass` Msun formed
std::vector<double> direct_spectrum(const ssp::Library& library, const ssp::NodeWeights& weights, double mass,
                                    double doppler_factor, const WavelengthGrid& pixels);

/// (1+z)(1+v/c) or (1+z)exp(v/c).
double doppler_factor(double redshift, double los_velocity, Doppler kind);

} // namespace tessera
