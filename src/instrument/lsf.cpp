#include "tessera/instrument/lsf.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "instrument/config_error.hpp"
#include "instrument/warn_once.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"

namespace tessera {
namespace {

/// A convolution narrower than this, in pixels, changes nothing that a float can show next to the line's own width.
constexpr double negligible_sigma = 1e-3;

void check(const LsfOptions& options) {
    for (const auto& [key, width] : {std::pair{"lsf.fwhm", options.fwhm}, std::pair{"lsf.sigma", options.sigma}}) {
        if (width && !(std::isfinite(*width) && *width > 0)) {
            throw_config(key, fmt::format("{} Angstrom", *width), "a positive width",
                         "For no line-spread function set lsf.profile: none");
        }
    }
    if (options.fwhm && options.sigma) {
        throw_config("lsf", fmt::format("lsf.fwhm = {} and lsf.sigma = {} Angstrom", *options.fwhm, *options.sigma),
                     "one of the two", "Set the other to null");
    }
    if (options.template_fwhm && !(std::isfinite(*options.template_fwhm) && *options.template_fwhm >= 0)) {
        throw_config("lsf.template_fwhm", fmt::format("{} Angstrom", *options.template_fwhm), "0 or a positive width",
                     "Take null for the library's own");
    }
    if (options.taps && (*options.taps < 1 || *options.taps % 2 == 0)) {
        throw_config("lsf.taps", fmt::format("{}", *options.taps), "an odd positive number",
                     "RUBIX has 25; null is the exact convolution");
    }
}

/// Kernels for widths that vary from pixel to pixel: a few are computed, the others lie between two of them. Linear in
/// sigma², interpolation keeps sum and variance exact.
class KernelTable {
public:
    std::vector<double> at(double sigma) {
        const int below = static_cast<int>(std::floor(std::log(sigma) / step));
        const std::vector<double>& narrow = node(below);
        const std::vector<double>& wide = node(below + 1);
        const double narrow_variance = std::exp(2 * step * below), wide_variance = std::exp(2 * step * (below + 1));
        const double share = (sigma * sigma - narrow_variance) / (wide_variance - narrow_variance);
        std::vector<double> out(std::max(narrow.size(), wide.size()));
        add(narrow, 1 - share, out);
        add(wide, share, out);
        return out;
    }

private:
    static constexpr double step = 0.02; // in ln sigma
    static void add(const std::vector<double>& kernel, double share, std::vector<double>& out) {
        const std::size_t shift = (out.size() - kernel.size()) / 2;
        for (std::size_t i = 0; i < kernel.size(); ++i) { out[i + shift] += share * kernel[i]; }
    }
    const std::vector<double>& node(int i) {
        auto [entry, is_new] = nodes_.try_emplace(i);
        if (is_new) { entry->second = lsf_kernel(std::exp(step * i)); }
        return entry->second;
    }
    std::map<int, std::vector<double>> nodes_;
};

void warn_where_templates_are_broader(const WavelengthGrid& grid, const std::vector<double>& instrument,
                                      double template_fwhm, double redshift) {
    std::int64_t n = 0, first = 0, last = 0;
    for (std::int64_t i = 0; i < grid.size(); ++i) {
        if (instrument[static_cast<std::size_t>(i)] < template_fwhm * (1 + redshift)) {
            if (n == 0) { first = i; }
            last = i;
            ++n;
        }
    }
    if (n == 0) { return; }
    warn_once(fmt::format("lsf {} {} {}", template_fwhm, redshift, instrument[static_cast<std::size_t>(first)]),
              fmt::format(
                  "the templates (FWHM {:.4g} Angstrom, {:.4g} at redshift {}) are broader than the instrument "
                  "(from {:.4g}) between {:.6g} and {:.6g} Angstrom: spectra keep the templates' resolution there",
                  template_fwhm, template_fwhm * (1 + redshift), redshift, instrument[static_cast<std::size_t>(first)],
                  grid.centres[static_cast<std::size_t>(first)], grid.centres[static_cast<std::size_t>(last)]));
}

/// Fills kernels and kernel_of from sigma.
void make_kernels(Lsf& lsf, const std::optional<std::int64_t>& taps) {
    const auto [least, most] = std::minmax_element(lsf.sigma.begin(), lsf.sigma.end());
    const bool uniform = *most - *least <= 1e-9 * *most;
    KernelTable table;
    for (std::size_t i = 0; i < lsf.sigma.size(); ++i) {
        if (i == 0 || !uniform) {
            const double sigma = lsf.sigma[i];
            if (sigma < negligible_sigma) {
                lsf.kernels.push_back({1.0});
            } else if (taps) {
                lsf.kernels.push_back(sampled_lsf_kernel(sigma, *taps));
            } else {
                lsf.kernels.push_back(uniform ? lsf_kernel(sigma) : table.at(sigma));
            }
        }
        lsf.kernel_of.push_back(std::ssize(lsf.kernels) - 1);
    }
}

} // namespace

std::int64_t Lsf::half_width() const {
    std::int64_t widest = 0;
    for (const auto& kernel : kernels) { widest = std::max<std::int64_t>(widest, std::ssize(kernel) / 2); }
    return widest;
}

Lsf make_lsf(const LsfOptions& options, const WavelengthGrid& grid, double telescope_fwhm,
             std::optional<double> template_fwhm, double redshift) {
    Lsf lsf;
    if (options.profile == LsfProfile::none) { return lsf; }
    check(options);
    const double fwhm =
        options.sigma ? *options.sigma * constants::fwhm_per_sigma : options.fwhm.value_or(telescope_fwhm);
    if (fwhm <= 0 || grid.size() == 0) { return lsf; }
    const auto n = static_cast<std::size_t>(grid.size());
    lsf.edge = options.taps ? Lsf::Edge::zero : Lsf::Edge::nearest;
    lsf.instrument_fwhm.assign(n, fwhm);
    const double own =
        options.template_fwhm ? *options.template_fwhm : (options.taps ? 0.0 : template_fwhm.value_or(0.0));
    warn_where_templates_are_broader(grid, lsf.instrument_fwhm, own, redshift);
    const double missing = std::sqrt(std::max(0.0, fwhm * fwhm - std::pow(own * (1 + redshift), 2)));
    for (std::size_t i = 0; i < n; ++i) {
        lsf.sigma.push_back(missing / constants::fwhm_per_sigma / grid.width(static_cast<std::int64_t>(i)));
    }
    const double widest = *std::max_element(lsf.sigma.begin(), lsf.sigma.end());
    if (widest < negligible_sigma) { return lsf; }
    if (!options.taps && widest > static_cast<double>(n) && widest > 8) {
        throw_config("lsf.fwhm", fmt::format("{} Angstrom, sigma = {:.4g} pixels", fwhm, widest),
                     fmt::format("a line narrower than the band of {} pixels", n),
                     "Correct lsf.fwhm (Angstrom) or the telescope's wavelength_range");
    }
    make_kernels(lsf, options.taps);
    return lsf;
}

} // namespace tessera
