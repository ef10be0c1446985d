#include "tessera/synthesis/synthesis.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "synthesis/exact.hpp"
#include "synthesis/templates.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"
#include "tessera/synthesis/coverage.hpp"

namespace tessera {

namespace {

/// Faster than any star of a simulation; beyond it the input is wrong, and the log grid would need no end of margin.
constexpr double fastest = 0.2 * constants::speed_of_light;

double largest_speed(const SpaxelStars& stars, Communicator& comm) {
    float largest = 0;
    agree(comm, [&] {
        for (std::size_t i = 0; i < stars.age.size(); ++i) {
            const float speed = std::abs(stars.los_velocity[i]);
            if (!(speed <= fastest)) {
                throw Error({.kind = Kind::data,
                             .where = "line-of-sight velocity of a star in the field",
                             .found = fmt::format("{} km/s", stars.los_velocity[i]),
                             .expected = fmt::format("at most {:.0f} km/s from the galaxy's velocity", fastest),
                             .cure = "check galaxy.velocity and the velocity units of the input"});
            }
            largest = std::max(largest, speed);
        }
    });
    return comm.all_reduce_value(static_cast<double>(largest), Op::max);
}

/// Counts stars of the field outside the library; throws where the user wants that.
void check_placements(const SpaxelStars& stars, const ssp::Interpolator& interpolator, const ssp::Library& library,
                      ssp::Outside outside, Communicator& comm, SynthesisReport& report) {
    std::vector<std::int64_t> counts(4, 0); // age, metallicity, with light, either outside
    agree(comm, [&] {
        for (std::size_t i = 0; i < stars.age.size(); ++i) {
            const auto placement = interpolator.placement(stars.metallicity[i], stars.age[i]);
            const bool age = placement == ssp::Placement::age_outside || placement == ssp::Placement::both_outside;
            const bool metallicity =
                placement == ssp::Placement::metallicity_outside || placement == ssp::Placement::both_outside;
            counts[0] += age ? 1 : 0;
            counts[1] += metallicity ? 1 : 0;
            counts[3] += age || metallicity ? 1 : 0;
            counts[2] += (age || metallicity) && outside == ssp::Outside::zero ? 0 : 1;
            if ((age || metallicity) && outside == ssp::Outside::error) {
                throw Error(
                    {.kind = Kind::data,
                     .where =
                         fmt::format("a star with age {} Gyr and metallicity {}", stars.age[i], stars.metallicity[i]),
                     .expected = fmt::format("ages {} to {} Gyr and metallicities {} to {}, the grid of {}",
                                             library.age.front(), library.age.back(), library.metallicity.front(),
                                             library.metallicity.back(), library.source),
                     .cure = "Set ssp.outside to clamp or zero, or use a library with a wider grid"});
            }
        }
    });
    comm.all_reduce(counts, Op::sum);
    report.n_age_outside = counts[0];
    report.n_metallicity_outside = counts[1];
    report.n_synthesised = counts[2];
    report.n_outside_grid = counts[3];
}

} // namespace

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

PartialCube synthesise(const SpaxelStars& stars, const ssp::Library& library, ssp::Outside outside,
                       const WavelengthGrid& pixels, double redshift, const SynthesisOptions& options,
                       const device::Host& where, Communicator& comm, SynthesisReport& report,
                       const Progress& progress) {
    const ssp::Interpolator interpolator(library, options.interpolation, outside);
    const double speed = largest_speed(stars, comm);
    check_placements(stars, interpolator, library, outside, comm, report);
    if (options.uncovered == Uncovered::error) { check_coverage(library, pixels, redshift, speed); }

    PartialCube cube(stars.n_spaxel(), pixels.size());
    const ExactInput exact{stars, interpolator, redshift, options.doppler, where, progress};
    report.method = Method::exact;
    if (progress) { progress(0, stars.size()); } // the clock of the rate starts
    if (options.resampling == Resampling::rubix) {
        exact_rubix(exact, library, pixels, cube);
        return cube;
    }
    const double beta = speed / constants::speed_of_light;
    const double largest_shift = -std::log1p(-beta); // the blue side is the larger one
    ResamplingError error;
    report.log_step = choose_log_step(library, pixels, redshift, largest_shift, options.tolerance / 10, error);
    report.error_rms = error.rms;
    report.error_max = error.max;
    const LogTemplates templates = make_templates(library, pixels, redshift, largest_shift, report.log_step, where);
    const Rebin rebin(templates.inner(), pixels);
    exact_conserving(exact, templates, rebin, cube);
    return cube;
}

std::int64_t synthesis_bytes(std::int64_t n_star, const ssp::Library& library, const WavelengthGrid& pixels,
                             double redshift, const SynthesisOptions& options, int threads) {
    const std::int64_t order = n_star * static_cast<std::int64_t>(sizeof(std::int32_t));
    if (options.resampling == Resampling::rubix) {
        return order + threads * (library.n_wave() + 2 * pixels.size()) * static_cast<std::int64_t>(sizeof(double));
    }
    // The step is not known before the library is looked at: twice the library's own sampling is what it usually takes.
    std::int64_t margin = 0;
    const double step = std::max(native_log_step(library, pixels, redshift), 1e-7) / 2;
    const LogGrid grid = template_grid(pixels, 1000.0 / constants::speed_of_light, step, margin);
    constexpr std::int64_t star_bytes = 320; // a star of the batch, and its copy while they are ordered
    constexpr std::int64_t batch_bytes = stars_per_batch * star_bytes;
    return order + library.n_node() * grid.n_pixel * static_cast<std::int64_t>(sizeof(float)) +
           std::min(batch_bytes, n_star * star_bytes);
}

} // namespace tessera
