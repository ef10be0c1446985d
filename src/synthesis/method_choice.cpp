#include "synthesis/method_choice.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "synthesis/doppler.hpp"
#include "tessera/core/log.hpp"

namespace tessera {

namespace {

/// Finest spacing in ln(wavelength) of the points.
double finest_spacing(const std::vector<double>& wavelength) {
    double finest = std::log(wavelength.back() / wavelength.front());
    for (std::size_t i = 1; i < wavelength.size(); ++i) {
        finest = std::min(finest, std::log(wavelength[i] / wavelength[i - 1]));
    }
    return finest;
}

double narrowest_pixel(const WavelengthGrid& pixels) {
    double narrowest = std::log(pixels.edges.back() / pixels.edges.front());
    for (std::int64_t k = 0; k < pixels.size(); ++k) {
        narrowest = std::min(narrowest, pixels.width(k) / pixels.centres[static_cast<std::size_t>(k)]);
    }
    return narrowest;
}

double weighted_mean(const std::vector<double>& weight, const std::vector<double>& value) {
    return std::inner_product(value.begin(), value.end(), weight.begin(), 0.0) /
           std::accumulate(weight.begin(), weight.end(), 0.0);
}

/// Velocity rows that stars in a range of ln(Doppler factor) touch.
double rows_of(double range, double step) { return range / step + 4; }

/// Weights of n stars on so many rows and nodes: each its own as long as they are few, all pairs when they are many.
double weights_of(std::int64_t n_star, std::int64_t per_star, double n_pair, double cost_of_single) {
    return std::min(cost_of_single * 4 * static_cast<double>(per_star) * static_cast<double>(n_star), n_pair);
}

} // namespace

VelocitySteps choose_steps(const Spectra& nodes, const PixelChoice& choice, double redshift,
                           const std::vector<double>& prior, double tolerance, double bin_tolerance,
                           const device::Host& where) {
    // A library finer than the telescope needs no more than a few steps a pixel, and the other way round.
    double step =
        std::min(coarsest_step, 2 * std::max(finest_spacing(nodes.wavelength), narrowest_pixel(choice.pixels)));
    const double finest = step / 256;
    VelocitySteps out;
    for (; step > finest; step /= std::sqrt(2.0)) {
        NodeErrors errors = step_errors(nodes, choice, redshift, step, where);
        if (out.bin == 0 && weighted_mean(prior, errors.rms) <= bin_tolerance) {
            out.bin = step;
            out.bin_errors = errors;
        }
        out.exact = step;
        out.exact_errors = std::move(errors);
        if (out.bin > 0 && out.exact_errors.worst_rms() <= tolerance / 10) { return out; }
    }
    if (out.bin == 0) {
        out.bin = out.exact;
        out.bin_errors = out.exact_errors;
    }
    if (out.exact_errors.worst_rms() > tolerance / 10) {
        log::warning(
            fmt::format("the velocity rows of exact synthesis reach an rms error of {:.2e} relative to the mean "
                        "where {:.2e} was wanted: the SSP library changes too fast from point to point",
                        out.exact_errors.worst_rms(), tolerance / 10));
    }
    return out;
}

double MethodCosts::exact(std::int64_t n_star, double velocity_range) const {
    return weights_of(n_star, nodes_per_star, rows_of(velocity_range, exact_step) * static_cast<double>(n_node_used),
                      cost_of_single);
}

double MethodCosts::binned(std::int64_t n_star, double velocity_range) const {
    return weights_of(n_star, nodes_per_star, rows_of(velocity_range, bin_step) * static_cast<double>(n_node_used),
                      cost_of_single);
}

double MethodCosts::compressed(double velocity_range) const {
    return rows_of(velocity_range, bin_step) * static_cast<double>(rank);
}

SpaxelChoices choose_methods(Method asked, double tolerance, const Survey& survey, const VelocityRanges& velocities,
                             Doppler doppler, const MethodCosts& costs, bool keep_bounds) {
    // Bounds are against the truth; exact, which the tolerance refers to, may be a tenth of it off itself.
    const double limit = keep_bounds ? 0.9 * tolerance : std::numeric_limits<double>::infinity();
    SpaxelChoices out;
    out.method.assign(survey.n_star.size(), SpaxelMethod::dark);
    out.bound.assign(survey.n_star.size(), 0.0);
    for (std::size_t s = 0; s < out.method.size(); ++s) {
        if (survey.n_star[s] == 0) { continue; }
        out.method[s] = SpaxelMethod::exact;
        if (asked == Method::exact || !(survey.light[s] > 0)) { continue; }
        const double range = log_doppler(velocities.fastest[s], doppler) - log_doppler(velocities.slowest[s], doppler);
        double cheapest =
            asked == Method::automatic ? costs.exact(survey.n_star[s], range) : std::numeric_limits<double>::infinity();
        const auto consider = [&](SpaxelMethod method, double error, double cost) {
            if (!(error <= limit) || !(cost < cheapest)) { return; }
            cheapest = cost;
            out.bound[s] = error;
            out.method[s] = method;
        };
        const double step_error = survey.step_error[s] / survey.light[s];
        double compression_error = survey.compression_error[s] / survey.light[s];
        if (!survey.compression_rms.empty()) {
            compression_error =
                std::min(compression_error, sketch_safety * survey.compression_rms[s] / survey.light[s]);
        }
        if (asked != Method::compressed) {
            consider(SpaxelMethod::binned, step_error, costs.binned(survey.n_star[s], range));
        }
        if (asked != Method::binned && costs.rank > 0) {
            consider(SpaxelMethod::compressed, step_error + compression_error, costs.compressed(range));
        }
    }
    return out;
}

} // namespace tessera
