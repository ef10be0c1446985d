#include "synthesis/conserving.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "synthesis/doppler.hpp"
#include "synthesis/tile_kernel.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/core/hash.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/region.hpp"
#include "tessera/synthesis/coverage.hpp"

namespace tessera {

namespace {

constexpr int most_attempts = 3;
/// Blocks of pixels in which the errors of a step are measured: enough to see every kind of feature.
constexpr std::int64_t blocks_looked_at = 8;

/// Speeds in steps of 150 km/s, so that galaxies much like each other share their settings.
double rounded_up(double speed) { return std::ceil(speed / 150) * 150; }

/// All ranks choose by the costs of one: they must choose alike.
WorkCosts costs_of_root(WorkCosts own, Communicator& comm) {
    std::vector<double> values{own.single, own.fill, own.host, own.dense ? 1.0 : 0.0};
    comm.broadcast(values, 0);
    return {values[0], values[1], values[2], values[3] != 0};
}

} // namespace

Conserving::Conserving(StarLight& stars, const RowInput& input, const SynthesisOptions& options,
                       std::vector<double> node_band_light, Communicator& comm, ToleranceShares shares)
    : stars_(stars), input_(input), options_(options), comm_(comm), shares_(shares),
      band_light_(std::move(node_band_light)), work_(costs_of_root(stars.costs(), comm)),
      covered_(covered_pixels(input.library, input.pixels, input.redshift, 1e-3 * constants::speed_of_light)) {
    // Where the library ends inside a pixel its light stops at once: flagged, and no measure of steps. If it is so everywhere, then
    // all count.
    if (std::none_of(covered_.begin(), covered_.end(), [](bool c) { return c; })) {
        covered_.assign(covered_.size(), true);
    }
    const double largest =
        -std::log1p(-rounded_up(input.velocities.largest_speed()) / constants::speed_of_light); // blue
    points_ = points_read(input.library.wavelength, input.pixels, input.redshift, largest + reach_of_rows);
}

/// All nodes, made when they are first asked for: known settings need none.
const Spectra& Conserving::nodes() {
    if (nodes_.n_used == 0) {
        std::vector<std::int32_t> all(static_cast<std::size_t>(input_.library.n_node()));
        std::iota(all.begin(), all.end(), 0);
        nodes_ = Spectra::of_nodes(input_.library, all, points_, reach_of_rows, input_.where);
    }
    return nodes_;
}

SettingsKey Conserving::settings_key(double bin_tolerance) const {
    Fnv1a pixels;
    pixels.add_bytes(input_.pixels.edges.data(), input_.pixels.edges.size() * sizeof(double));
    const std::vector<char> covered(covered_.begin(), covered_.end());
    pixels.add_bytes(covered.data(), covered.size());
    const ssp::Library& library = input_.library;
    return {.library = library.checksum != 0 ? library.checksum : ssp::checksum_of(library),
            .pixels = pixels.hash(),
            .first_point = points_.first,
            .end_point = points_.end,
            .redshift = input_.redshift,
            .shift = likely_shift(),
            .tolerance = options_.tolerance,
            .bin_tolerance = bin_tolerance,
            .compression_tolerance = shares_.compression * options_.tolerance};
}

/// What `auto` takes into account. In multiply-adds a pixel, as all costs here: panels of templates, the basis and the comparison
/// with a sample cost a small galaxy more than they save.
Method Conserving::worthwhile_method() {
    if (options_.method != Method::automatic) { return options_.method; }
    classes_ = stars_.node_classes(comm_);
    double n_node = 0;
    for (const NodeClass& nodes : classes_) { n_node += nodes.n_node; }
    // What libraries of some hundred nodes took at 1e-2 to 1e-4.
    const double likely_rank = std::clamp(56 * std::pow(1e-3 / options_.tolerance, 0.45), 8.0, 256.0);
    const MethodCosts costs = costs_with(static_cast<std::int64_t>(n_node), static_cast<std::int64_t>(likely_rank));
    std::vector<std::int64_t> n_star(static_cast<std::size_t>(stars_.n_spaxel()));
    for (std::size_t s = 0; s < n_star.size(); ++s) { n_star[s] = stars_.n_star_of(static_cast<std::int64_t>(s)); }
    comm_.all_reduce(n_star, Op::sum);
    double exact = 0;
    double binned = 0;
    double compressed = 0;
    double n_lit = 0;
    double widest = 0;
    for (std::size_t s = 0; s < n_star.size(); ++s) {
        if (n_star[s] == 0) { continue; }
        const double range = log_doppler(input_.velocities.fastest[s], options_.doppler) -
                             log_doppler(input_.velocities.slowest[s], options_.doppler);
        const double here = costs.exact(n_star[s], range);
        const double in_bins = std::min(here, costs.binned(n_star[s], range));
        exact += here;
        binned += in_bins;
        compressed += std::min(in_bins, costs.compressed(range));
        n_lit += 1;
        widest = std::max(widest, range);
    }
    const double panels = work_.fill * n_node;
    const double exact_panels = (widest / steps_.exact + 4) * panels;
    const double bin_panels = (widest / steps_.bin + 4) * panels;
    const double sample = exact_panels + 16 * exact / std::max(n_lit, 1.0);
    constexpr double passes = 5; // over the library for every basis vector
    constexpr double slower = 8; // than the product, per multiply-add; finding the errors included
    const double basis = work_.host * passes * likely_rank * slower * static_cast<double>(input_.library.n_node()) *
                         static_cast<double>(points_.size()) / static_cast<double>(input_.pixels.size());
    const double with_exact = exact + exact_panels;
    const double with_bins = binned + bin_panels + sample;
    const double with_basis = compressed + bin_panels + sample + basis;
    if (with_exact <= std::min(with_bins, with_basis)) { return Method::exact; }
    return with_bins <= with_basis ? Method::binned : Method::automatic;
}

MethodCosts Conserving::costs_with(std::int64_t n_node, std::int64_t rank) const {
    // Where all spaxels take all rows, the widest range is everyone's.
    double widest = 0;
    for (std::size_t s = 0; work_.dense && s < input_.velocities.slowest.size(); ++s) {
        if (!input_.velocities.has_stars(static_cast<std::int64_t>(s))) { continue; }
        widest = std::max(widest, log_doppler(input_.velocities.fastest[s], options_.doppler) -
                                      log_doppler(input_.velocities.slowest[s], options_.doppler));
    }
    return {.dense_range = widest,
            .cost_of_single = work_.single,
            .nodes_per_star = options_.interpolation == ssp::Interpolation::linear ? 4 : 16,
            .n_node_used = n_node,
            .exact_step = steps_.exact,
            .bin_step = steps_.bin,
            .rank = rank,
            .classes = classes_};
}

/// Steps, and the compression if there is to be one: from the library, the pixels, the options and the stars of all ranks.
void Conserving::choose_settings() {
    const Region region("settings");
    const std::int64_t n_block = (input_.pixels.size() + tile_pixels - 1) / tile_pixels;
    const PixelChoice some{input_.pixels, covered_, std::max<std::int64_t>(1, n_block / blocks_looked_at)};
    const PixelChoice all{input_.pixels, covered_, 1};
    const double bin_tolerance =
        options_.method == Method::exact ? std::numeric_limits<double>::infinity() : shares_.step * options_.tolerance;
    const std::shared_ptr<Settings> known = recent_settings(settings_key(bin_tolerance));
    if (!known->steps) {
        known->prior = ssp::population_prior(input_.library, {points_.first, points_.end});
        known->steps =
            choose_steps(nodes(), some, input_.redshift, known->prior, options_.tolerance, bin_tolerance, input_.where);
    }
    steps_ = *known->steps;
    compression_ = nullptr;
    method_ = worthwhile_method();
    if (method_ == Method::exact) { return; }
    const auto at_all_speeds = [&](const auto& errors_at) {
        NodeErrors errors = errors_at(input_.redshift);
        for (const double end : {-1.0, 1.0}) { // other velocities see other pixels of the same error
            errors.take_larger(errors_at((1 + input_.redshift) * std::exp(end * likely_shift()) - 1));
        }
        return errors;
    };
    if (!known->bin_errors) {
        known->bin_errors = at_all_speeds(
            [&](double redshift) { return step_errors(nodes(), some, redshift, steps_.bin, input_.where); });
    }
    steps_.bin_errors = *known->bin_errors;
    if (method_ == Method::binned) { return; }
    compression_ = ssp::compressed(input_.library, {points_.first, points_.end}, known->prior,
                                   shares_.compression * options_.tolerance, input_.where);
    basis_ = Spectra::of_basis(input_.library, *compression_, points_, reach_of_rows, input_.where);
    if (!known->compression_errors) {
        known->compression_errors = at_all_speeds([&](double redshift) {
            return compression_errors(nodes(), *compression_, basis_, all, redshift, input_.where);
        });
    }
    compression_errors_ = *known->compression_errors;
}

/// ln Doppler factor of the fastest star, or of 6000 km/s: beyond that are single stars.
double Conserving::likely_shift() const {
    return std::min(rounded_up(input_.velocities.largest_speed()), 6000.0) / constants::speed_of_light;
}

void Conserving::survey() {
    const Region region("survey");
    std::vector<NodeLight> nodes(band_light_.size());
    for (std::size_t k = 0; k < nodes.size(); ++k) {
        nodes[k].in_band = band_light_[k];
        nodes[k].mean = steps_.bin_errors.mean[k];
        nodes[k].step_error = nodes[k].mean * steps_.bin_errors.rms[k];
        if (!compression_) { continue; }
        nodes[k].compression_error = nodes[k].mean * compression_errors_.rms[k];
        std::copy_n(compression_errors_.sketch.begin() + static_cast<std::ptrdiff_t>(k * sketch_size), sketch_size,
                    nodes[k].sketch.begin());
    }
    survey_ = stars_.survey(nodes, compression_ != nullptr, comm_);
    columns_ = NodeColumns::of(survey_.node_used);
    used_ = stars_.has_library()
                ? Spectra::outline_of_nodes(input_.library, columns_.node, points_, reach_of_rows)
                : Spectra::of_nodes(input_.library, columns_.node, points_, reach_of_rows, input_.where);
}

void Conserving::choose() {
    const MethodCosts costs =
        costs_with(static_cast<std::int64_t>(columns_.node.size()), compression_ ? compression_->rank : 0);
    // Where auto has no use for a basis it still takes bins only where they are cheaper.
    const Method among = options_.method == Method::automatic && method_ != Method::exact ? Method::automatic : method_;
    choices_ = choose_methods(among, options_.tolerance, survey_, input_.velocities, options_.doppler, costs,
                              shares_.keep_bounds);
}

RowKind Conserving::kind_of(SpaxelMethod method) const {
    switch (method) {
    case SpaxelMethod::binned: return {&used_, steps_.bin, nullptr};
    case SpaxelMethod::compressed: return {&basis_, steps_.bin, compression_.get()};
    case SpaxelMethod::dark:
    case SpaxelMethod::exact: break;
    }
    return {&used_, steps_.exact, nullptr};
}

std::vector<std::int64_t> Conserving::spaxels_of(SpaxelMethod method, const std::vector<std::int64_t>& among) const {
    std::vector<std::int64_t> spaxels;
    std::copy_if(among.begin(), among.end(), std::back_inserter(spaxels),
                 [&](std::int64_t s) { return choices_.method[static_cast<std::size_t>(s)] == method; });
    return spaxels;
}

FieldLight Conserving::light() const {
    std::vector<std::int64_t> all(choices_.method.size());
    std::iota(all.begin(), all.end(), std::int64_t{0});
    FieldLight out{.shares = {}, .exact = kind_of(SpaxelMethod::exact), .columns = columns_};
    for (const SpaxelMethod method : {SpaxelMethod::exact, SpaxelMethod::binned, SpaxelMethod::compressed}) {
        auto spaxels = spaxels_of(method, all);
        if (!spaxels.empty()) { out.shares.push_back({kind_of(method), std::move(spaxels)}); }
    }
    return out;
}

std::function<void(std::int64_t)> told_to(const Progress& progress, std::int64_t n_star) {
    return [&progress, n_star, n_done = std::int64_t{0}](std::int64_t n) mutable {
        n_done += n;
        if (progress) { progress(std::min(n_done, n_star), n_star); }
    };
}

/// Makes the sample as it was chosen, and exactly.
SampleError Conserving::measure(std::int64_t& n_sample) {
    const Region region("error sample");
    std::vector<std::int64_t> candidates;
    std::vector<double> bound;
    for (std::size_t s = 0; s < choices_.method.size(); ++s) {
        if (choices_.method[s] != SpaxelMethod::binned && choices_.method[s] != SpaxelMethod::compressed) { continue; }
        candidates.push_back(static_cast<std::int64_t>(s));
        bound.push_back(choices_.bound[s]);
    }
    const std::vector<std::int64_t> sample = sample_of(candidates, bound);
    n_sample = static_cast<std::int64_t>(sample.size());
    if (sample.empty()) { return {}; }
    const RowKind exact = kind_of(SpaxelMethod::exact);
    std::vector<std::int64_t> order; // spaxels of the rows
    PartialCube made(n_sample, input_.pixels.size());
    for (const SpaxelMethod method : {SpaxelMethod::binned, SpaxelMethod::compressed}) {
        const std::vector<std::int64_t> spaxels = spaxels_of(method, sample);
        if (spaxels.empty()) { continue; }
        const PartialCube some = stars_.spectra(kind_of(method), exact, columns_, spaxels);
        std::copy_n(some.flux().data(), some.flux().size(), made.flux().row(std::ssize(order)));
        order.insert(order.end(), spaxels.begin(), spaxels.end());
    }
    std::vector<std::int64_t> ascending = order;
    std::sort(ascending.begin(), ascending.end());
    const PartialCube there = stars_.spectra(exact, exact, columns_, ascending);
    PartialCube truth(n_sample, input_.pixels.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        const auto at = std::lower_bound(ascending.begin(), ascending.end(), order[i]) - ascending.begin();
        std::copy_n(there.flux().row(at), there.n_wave(), truth.flux().row(static_cast<std::int64_t>(i)));
    }
    return compare(made, truth, covered_, comm_);
}

void Conserving::fill(SynthesisReport& report) const {
    report.method = options_.method;
    survey_.fill(report);
    report.n_spaxel_exact = std::count(choices_.method.begin(), choices_.method.end(), SpaxelMethod::exact);
    report.n_spaxel_binned = std::count(choices_.method.begin(), choices_.method.end(), SpaxelMethod::binned);
    report.n_spaxel_compressed = std::count(choices_.method.begin(), choices_.method.end(), SpaxelMethod::compressed);
    report.velocity_step = steps_.exact;
    report.exact_error_rms = steps_.exact_errors.worst_rms();
    report.exact_error_max = steps_.exact_errors.worst_pixel();
    const bool approximated = report.n_spaxel_binned + report.n_spaxel_compressed > 0;
    report.bin_step = approximated ? steps_.bin : 0;
    report.rank = report.n_spaxel_compressed > 0 ? compression_->rank : 0;
    report.error_bound = approximated ? *std::max_element(choices_.bound.begin(), choices_.bound.end()) : 0;
}

void Conserving::decide(SynthesisReport& report) {
    for (int attempt = 0;; ++attempt) {
        stars_.forget_templates();
        choose_settings();
        nodes_ = Spectra(); // as large as the library
        survey();
        choose();
        if (attempt == most_attempts) {
            choices_ = choose_methods(Method::exact, options_.tolerance, survey_, input_.velocities, options_.doppler,
                                      {}, true);
        }
        std::int64_t n_sample = 0;
        const SampleError error = measure(n_sample);
        fill(report);
        report.n_refined = attempt;
        report.n_error_sample = n_sample;
        report.error_rms = n_sample > 0 ? error.worst_rms : report.exact_error_rms;
        report.error_rms_median = n_sample > 0 ? error.median_rms : report.exact_error_rms;
        report.error_max = n_sample > 0 ? error.worst_pixel : report.exact_error_max;
        if (n_sample == 0 || error.worst_rms <= options_.tolerance) { break; }
        log::warning(fmt::format("a sample of {} spaxels is off by up to {:.2e} (rms relative to the mean) where "
                                 "synthesis.tolerance is {:.2e}: finer settings are taken",
                                 n_sample, error.worst_rms, options_.tolerance));
        shares_ = {shares_.step / 4, shares_.compression / 4, true};
    }
}

} // namespace tessera
