#include "tessera/synthesis/synthesis.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "synthesis/conserving.hpp"
#include "synthesis/exact_rubix.hpp"
#include "synthesis/star_light.hpp"
#include "synthesis/survey.hpp"
#include "synthesis/tile_kernel.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/region.hpp"
#include "tessera/synthesis/coverage.hpp"

namespace tessera {

void check_coverage(const ssp::Library& library, const WavelengthGrid& pixels, double redshift, double speed) {
    const auto covered = covered_pixels(library, pixels, redshift, speed);
    const auto uncovered = [](bool c) { return !c; };
    const auto first = std::find_if(covered.begin(), covered.end(), uncovered);
    if (first == covered.end()) { return; }
    const auto last = std::find_if(covered.rbegin(), covered.rend(), uncovered);
    const auto n = std::count(covered.begin(), covered.end(), false);
    throw Error(
        {.kind = Kind::config,
         .where = fmt::format("SSP library {}", library.source),
         .found = fmt::format("rest wavelengths {:.1f} to {:.1f} Angstrom, at redshift {} observed from {:.1f} to "
                              "{:.1f}: {} of {} telescope "
                              "pixels, between {:.2f} and {:.2f} Angstrom, are not covered",
                              library.wavelength.front(), library.wavelength.back(), redshift,
                              library.wavelength.front() * (1 + redshift), library.wavelength.back() * (1 + redshift),
                              n, covered.size(), pixels.centres[static_cast<std::size_t>(first - covered.begin())],
                              pixels.centres[covered.size() - 1 - static_cast<std::size_t>(last - covered.rbegin())]),
         .expected = "the telescope's range covered for every star's Doppler shift",
         .cure = "Narrow telescope.wavelength_range, use a wider library, or set synthesis.uncovered: flag to mark "
                 "those pixels in the mask"});
}

std::vector<bool> covered_pixels(const ssp::Library& library, const WavelengthGrid& pixels, double redshift,
                                 double largest_speed) {
    const double beta = largest_speed / constants::speed_of_light;
    std::vector<bool> covered(pixels.centres.size());
    for (std::size_t k = 0; k < covered.size(); ++k) {
        covered[k] = pixels.edges[k] / ((1 + redshift) * (1 + beta)) >= library.wavelength.front() &&
                     pixels.edges[k + 1] / ((1 + redshift) * (1 - beta)) <= library.wavelength.back();
    }
    return covered;
}

std::vector<double> node_light(const ssp::Library& library, const WavelengthGrid& pixels, double redshift,
                               std::optional<std::array<double, 2>> band) {
    const std::array<double, 2> of_maps = band.value_or(std::array{pixels.edges.front(), pixels.edges.back()});
    return band_light(library, of_maps[0] / (1 + redshift), of_maps[1] / (1 + redshift));
}

void synthesise_into(BlockedCube& cube, const SpaxelStars& stars, const ssp::Library& library, ssp::Outside outside,
                     const WavelengthGrid& pixels, double redshift, const SynthesisOptions& options,
                     const device::Host& where, Communicator& comm, SynthesisReport& report, const Progress& progress,
                     std::optional<std::array<double, 2>> band, const WeightLimits& limits) {
    const ssp::Interpolator interpolator(library, options.interpolation, outside);
    VelocityRanges velocities = velocity_ranges(stars, where, comm);
    if (options.uncovered == Uncovered::error) {
        check_coverage(library, pixels, redshift, velocities.largest_speed());
    }
    if (progress) { progress(0, stars.size()); } // the clock of the rate starts
    std::vector<double> of_nodes = node_light(library, pixels, redshift, band);
    const RowInput input{library, interpolator, pixels, redshift, options.doppler, std::move(velocities), where};
    HostStarLight light(stars, input, outside, comm.broadcast_value(tile_kernels().cost_of_single, 0), cube, limits,
                        comm);
    if (options.resampling == Resampling::rubix) {
        survey_for_rubix(light, of_nodes, comm, report);
        exact_rubix(stars, library, interpolator, pixels, redshift, options.doppler, where, progress, cube);
        return;
    }
    Conserving synthesis(light, input, options, std::move(of_nodes), comm);
    synthesis.decide(report);
    const Region region("sum");
    light.sum(synthesis.light(), told_to(progress, stars.size()));
}

PartialCube synthesise(const SpaxelStars& stars, const ssp::Library& library, ssp::Outside outside,
                       const WavelengthGrid& pixels, double redshift, const SynthesisOptions& options,
                       const device::Host& where, Communicator& comm, SynthesisReport& report, const Progress& progress,
                       std::optional<std::array<double, 2>> band) {
    PartialCube cube(stars.n_spaxel(), pixels.size());
    WholeCube whole(cube);
    synthesise_into(whole, stars, library, outside, pixels, redshift, options, where, comm, report, progress, band);
    return cube;
}

namespace {

constexpr std::int64_t weights_per_star(const SynthesisOptions& options) {
    return options.interpolation == ssp::Interpolation::linear ? 16 : 64;
}

/// Stars of a spaxel share rows and nodes. How many depends on the galaxy; this is what disc galaxies of 10^4 to 10^7 stars take, a
/// quarter more or less.
std::int64_t likely_weights(std::int64_t n_star, std::int64_t n_spaxel, std::int64_t per_star) {
    const auto shared = static_cast<std::int64_t>(
        7.5 * std::sqrt(static_cast<double>(per_star) * static_cast<double>(n_star) * static_cast<double>(n_spaxel)));
    return std::min(n_star * per_star, shared);
}

} // namespace

CubeBlocks synthesis_blocks(BlockSizes sizes, std::int64_t n_star, const SynthesisOptions& options) {
    sizes.tile = 0;
    // RUBIX's stars are scaled by their whole spectrum.
    if (options.resampling == Resampling::rubix || sizes.own_planes) { return choose_blocks(sizes); }
    // Parts whose row weights can be kept: what is made again in each block of wavelengths costs more than templates for each part.
    const std::int64_t weights = likely_weights(n_star, sizes.n_row, weights_per_star(options));
    sizes.tile = tile_pixels;
    const CubeBlocks blocks = choose_blocks(sizes);
    if (blocks.n_wave_block == 1) { return blocks; }
    sizes.least_part = weights / WeightLimits().kept + 1;
    return choose_blocks(sizes);
}

std::int64_t synthesis_bytes(std::int64_t n_star, std::int64_t n_spaxel, const ssp::Library& library,
                             const WavelengthGrid& pixels, double redshift, const SynthesisOptions& options,
                             int threads, bool of_all_ranks) {
    const std::int64_t survey = n_spaxel * 8 * 8;
    if (options.resampling == Resampling::rubix) {
        const std::int64_t sums = library.n_node() * library.n_wave(); // from which totals are differences
        return survey + (sums + threads * (library.n_wave() + 2 * pixels.size())) * 8;
    }
    constexpr double likely_speed = 3e-3; // of light: how far beyond the pixels templates are kept
    const PointRange points = points_read(library.wavelength, pixels, redshift, likely_speed);
    const std::int64_t nodes = points.size() * padded_columns(library.n_node()) * 4;
    constexpr std::int64_t weight_bytes = 18, // in its list and in its group
        way_bytes = 32;                       // sent, received, summed, received again
    const std::int64_t n_weight =
        std::min(WeightLimits().per_batch, likely_weights(n_star, n_spaxel, weights_per_star(options)));
    const std::int64_t n_under_way = of_all_ranks ? std::min(n_weight, WeightLimits().per_batch / 4) : 0;
    return survey + 2 * nodes + n_weight * weight_bytes + n_under_way * way_bytes + threads * (std::int64_t{2} << 20);
}

} // namespace tessera
