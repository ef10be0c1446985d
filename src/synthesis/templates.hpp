#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "synthesis/log_grid.hpp"
#include "tessera/synthesis/synthesis.hpp"

namespace tessera {

/// T of the design: every node of the library integrated over the pixels of a log-wavelength grid. The grid covers the
/// telescope's pixels with `margin` pixels more on either side, as far as the fastest star shifts.
struct LogTemplates {
    LogGrid grid;            ///< of the templates, margin included
    std::int64_t margin = 0; ///< pixels on either side of those that Rebin reads
    std::int64_t n_node = 0;
    std::vector<float> light; ///< [node, pixel] Lsun per Msun formed in a log pixel

    const float* node(std::int64_t i) const { return light.data() + i * grid.n_pixel; }
    /// Log pixel of `grid` at which the unshifted grid, the one Rebin reads, begins.
    std::int64_t inner_pixels() const { return grid.n_pixel - 2 * margin; }
    LogGrid inner() const { return {grid.edge(margin), grid.step, inner_pixels()}; }
};

/// Log grid for the pixels with that step.
/// @param largest_shift  largest |ln Doppler factor| of a star in the galaxy's frame
LogTemplates make_templates(const ssp::Library& library, const WavelengthGrid& pixels, double redshift,
                            double largest_shift, double log_step, const device::Host& where);

/// Size of that grid without making it.
LogGrid template_grid(const WavelengthGrid& pixels, double largest_shift, double log_step, std::int64_t& margin);

/// Error of single-star spectra on a log grid against direct integration, relative to the mean over the pixels.
struct ResamplingError {
    double rms = 0; ///< worst star of the sample
    double max = 0; ///< worst pixel of the sample
};

/// The coarsest step, from a fixed ladder, whose error is at most `tolerance` on a fixed sample of nodes and velocities; the
/// sample depends on library, pixels and redshift only, so every rank finds the same.
/// @return  the step, and the error measured at it
double choose_log_step(const ssp::Library& library, const WavelengthGrid& pixels, double redshift, double largest_shift,
                       double tolerance, ResamplingError& error);

/// Finest spacing in ln(wavelength) of the library over the rest wavelengths that the pixels need.
double native_log_step(const ssp::Library& library, const WavelengthGrid& pixels, double redshift);

} // namespace tessera
