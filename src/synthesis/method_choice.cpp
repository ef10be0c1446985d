#include "synthesis/method_choice.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "synthesis/doppler.hpp"
#include "synthesis/star_kernels.hpp"
#include "tessera/comm/communicator.hpp"
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

double MethodCosts::of_nodes(std::int64_t n_star, double velocity_range, double step) const {
    const double rows = rows_of(dense_range > 0 ? dense_range : velocity_range, step);
    const double n = static_cast<double>(n_star);
    const double each_its_own = cost_of_single * 4 * static_cast<double>(nodes_per_star) * n;
    const double all_pairs = rows * static_cast<double>(n_node_used);
    if (classes.empty() || dense_range > 0) { return std::min(each_its_own, all_pairs); }
    // Velocities as a Gaussian that ends at three standard deviations, in strips; a pair is touched unless all stars miss it.
    constexpr int n_strip = 16;
    constexpr double share_of_strip[n_strip / 2] = {0.00299, 0.00791, 0.01822, 0.03651,
                                                    0.06366, 0.09659, 0.12755, 0.14657};
    double pairs = 0;
    for (const double share : share_of_strip) {
        const double on_row = std::min(1.0, 4 * share * n_strip / rows);
        for (const NodeClass& nodes : classes) {
            pairs += 2 * rows / n_strip * nodes.n_node * (1 - std::exp(-n * nodes.share * on_row));
        }
    }
    constexpr double fewer_kinds = 0.7; // of stars in a spaxel than in the galaxy: 0.4 to 1 where it was counted
    pairs *= fewer_kinds;
    // Where most pairs are touched neighbours share them.
    const double shared = std::min(1.0, pairs / all_pairs);
    return std::min(each_its_own, pairs * (cost_of_single - (cost_of_single - 1) * shared));
}

double MethodCosts::exact(std::int64_t n_star, double velocity_range) const {
    return of_nodes(n_star, velocity_range, exact_step);
}

double MethodCosts::binned(std::int64_t n_star, double velocity_range) const {
    return of_nodes(n_star, velocity_range, bin_step);
}

double MethodCosts::compressed(double velocity_range) const {
    return rows_of(dense_range > 0 ? dense_range : velocity_range, bin_step) * static_cast<double>(rank);
}

std::vector<NodeClass> node_classes(const SpaxelStars& stars, const ssp::Interpolator& interpolator,
                                    std::int64_t n_node, const device::Host& where, Communicator& comm) {
    const StarSample sample{comm.all_reduce_value(stars.size(), Op::sum) <= few_stars};
    constexpr std::int64_t part_size = 1 << 16;
    const std::int64_t n_part = (stars.size() + part_size - 1) / part_size;
    std::vector<std::int64_t> parts(static_cast<std::size_t>(n_part * (n_node + 1)), 0); // [part, node], and the stars
    device::for_each(where, n_part, 1, [&](std::int64_t part) {
        std::int64_t* count = parts.data() + part * (n_node + 1);
        for (std::int64_t star = part * part_size; star < std::min(stars.size(), (part + 1) * part_size); ++star) {
            const auto i = static_cast<std::size_t>(star);
            if (!sample.takes(device::bits_of(stars.los_velocity[i]), device::bits_of(stars.age[i]))) { continue; }
            const ssp::NodeWeights nodes = interpolator.at(stars.metallicity[i], stars.age[i]);
            for (int k = 0; k < nodes.count; ++k) { ++count[nodes.node[k]]; }
            count[n_node] += nodes.count > 0 ? 1 : 0;
        }
    });
    std::vector<std::int64_t> counts(static_cast<std::size_t>(n_node) + 1, 0);
    for (std::size_t i = 0; i < parts.size(); ++i) { counts[i % counts.size()] += parts[i]; }
    comm.all_reduce(counts, Op::sum);
    return classes_of(counts);
}

std::vector<NodeClass> classes_of(const std::vector<std::int64_t>& counts) {
    std::map<int, NodeClass> octaves; // sums of shares until the end
    for (std::size_t k = 0; k + 1 < counts.size(); ++k) {
        if (counts[k] == 0) { continue; }
        const double share = static_cast<double>(counts[k]) / static_cast<double>(counts.back());
        NodeClass& octave = octaves[static_cast<int>(std::floor(std::log2(share)))];
        octave.share += share;
        octave.n_node += 1;
    }
    std::vector<NodeClass> classes;
    for (const auto& [octave, sum] : octaves) { classes.push_back({sum.share / sum.n_node, sum.n_node}); }
    return classes;
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
