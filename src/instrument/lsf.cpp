#include "tessera/instrument/lsf.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "instrument/config_error.hpp"
#include "instrument/lsf_planes.hpp"
#include "instrument/warn_once.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"
#include "tessera/device/device.hpp"

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

void check_planes(WaveRange have, WaveRange wanted, const Lsf& lsf) {
    if (wanted.count > 0 && (wanted.first < have.first || wanted.end() > have.end() ||
                             (!lsf.is_identity() && wanted.end() > std::ssize(lsf.kernel_of)))) {
        throw Error({.where = "apply_lsf",
                     .found = fmt::format("planes {} to {} of a function of {} pixels", have.first, have.end(),
                                          lsf.kernel_of.size()),
                     .expected = fmt::format("planes {} to {}", wanted.first, wanted.end())});
    }
}

CubeSlab apply_lsf(const CubeSlab& with_ghosts, WaveRange wanted, const Lsf& lsf, int n_thread) {
    const WaveRange have = with_ghosts.range();
    check_planes(have, wanted, lsf);
    CubeSlab result(wanted, with_ghosts.n_y(), with_ghosts.n_x());
    const std::int64_t n_spaxel = with_ghosts.n_y() * with_ghosts.n_x();
    // A block of spaxels is small enough for the planes under the kernel to stay in cache from one pixel to the next.
    constexpr std::int64_t block = 1024;
    const std::int64_t n_block = (n_spaxel + block - 1) / block;
    const device::Host where{device::threads_for(n_thread, 1)};
    // A small field is one block: its planes are divided among the threads.
    const std::int64_t n_part = std::clamp<std::int64_t>(4 * where.threads / std::max<std::int64_t>(1, n_block), 1,
                                                         std::max<std::int64_t>(1, wanted.count));
    device::run_blocks(where, n_block * n_part, [&](std::int64_t at) {
        const std::int64_t begin = at / n_part * block, n = std::min(block, n_spaxel - begin), part = at % n_part;
        for (std::int64_t i = wanted.count * part / n_part; i < wanted.count * (part + 1) / n_part; ++i) {
            const std::int64_t wave = wanted.first + i;
            float* out = result.flux().row(i) + begin;
            if (lsf.is_identity()) {
                std::copy_n(with_ghosts.flux().row(wave - have.first) + begin, n, out);
                continue;
            }
            const auto& kernel = lsf.kernels[static_cast<std::size_t>(lsf.kernel_of[static_cast<std::size_t>(wave)])];
            const std::int64_t half = std::ssize(kernel) / 2;
            for (std::int64_t j = -half; j <= half; ++j) {
                std::int64_t from = wave + j - have.first;
                if (from < 0 || from >= have.count) {
                    if (lsf.edge == Lsf::Edge::zero) { continue; }
                    from = std::clamp<std::int64_t>(from, 0, have.count - 1);
                }
                const auto tap = static_cast<float>(kernel[static_cast<std::size_t>(j + half)]);
                const float* in = with_ghosts.flux().row(from) + begin;
                for (std::int64_t s = 0; s < n; ++s) { out[s] += tap * in[s]; }
            }
        }
    });
    return result;
}

} // namespace tessera
