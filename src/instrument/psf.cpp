#include "tessera/instrument/psf.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>

#include <fmt/format.h>

#include "instrument/config_error.hpp"
#include "instrument/warn_once.hpp"
#include "tessera/core/constants.hpp"

namespace tessera {
namespace {

constexpr double default_fwhm = 0.8;   // arcsec, good seeing at Paranal
constexpr double flux_wanted = 0.999;  // that the default kernel holds
constexpr double flux_demanded = 0.99; // that a kernel of the user's size must hold
constexpr std::int64_t largest_size = 4097;

// Gauss-Legendre nodes and weights on [-1, 1], 8 points (Abramowitz & Stegun 1964, table 25.4); the others by symmetry.
constexpr std::array<double, 4> gauss_node{0.1834346424956498, 0.5255324099163290, 0.7966664774136267,
                                           0.9602898564975363};
constexpr std::array<double, 4> gauss_weight{0.3626837833783620, 0.3137066458778873, 0.2223810344533745,
                                             0.1012285362903763};

/// Integral of f from a to b, exact for polynomials to degree 15.
template <class Function>
double integrate(double a, double b, const Function& f) {
    const double centre = (a + b) / 2, half = (b - a) / 2;
    double sum = 0;
    for (std::size_t i = 0; i < gauss_node.size(); ++i) {
        sum += gauss_weight[i] * (f(centre - half * gauss_node[i]) + f(centre + half * gauss_node[i]));
    }
    return sum * half;
}

Kernel2D normalised(std::int64_t size, std::vector<double> values) {
    Kernel2D kernel;
    kernel.n_y = kernel.n_x = size;
    kernel.centre_y = kernel.centre_x = (size - 1) / 2;
    const double sum = std::accumulate(values.begin(), values.end(), 0.0);
    for (double& value : values) { value /= sum; }
    kernel.values = std::move(values);
    return kernel;
}

Kernel2D outer_product(std::vector<double> profile) {
    const double sum = std::accumulate(profile.begin(), profile.end(), 0.0);
    for (double& value : profile) { value /= sum; }
    std::vector<double> values;
    values.reserve(profile.size() * profile.size());
    for (const double y : profile) {
        for (const double x : profile) { values.push_back(y * x); }
    }
    Kernel2D kernel = normalised(static_cast<std::int64_t>(profile.size()), std::move(values));
    kernel.column = kernel.row = std::move(profile);
    kernel.profile = PsfProfile::gaussian;
    return kernel;
}

/// Offset of element i from the kernel's middle, spaxels.
double offset(std::int64_t i, std::int64_t size) { return static_cast<double>(i) - static_cast<double>(size - 1) / 2; }

/// The smallest odd size that holds `share` of the flux; 0 when none up to largest_size does.
std::int64_t size_that_holds(double share, const std::function<double(std::int64_t)>& flux_within) {
    for (std::int64_t size = 1; size <= largest_size; size += 2) {
        if (flux_within(size) >= share) { return size; }
    }
    return 0;
}

void check(const PsfOptions& options) {
    const auto expect_width = [](const char* key, const std::optional<double>& width, const char* unit_name) {
        if (width && !(std::isfinite(*width) && *width > 0)) {
            throw_config(key, fmt::format("{} {}", *width, unit_name), "a positive width",
                         "For no point-spread function set psf.profile: none");
        }
    };
    expect_width("psf.fwhm", options.fwhm, unit::arcsec);
    expect_width("psf.sigma", options.sigma, unit::spaxel);
    if (options.fwhm && options.sigma) {
        throw_config("psf",
                     fmt::format("psf.fwhm = {} arcsec and psf.sigma = {} spaxels", *options.fwhm, *options.sigma),
                     "one of the two", "Set the other to null");
    }
    if (options.sigma && options.profile == PsfProfile::moffat) {
        throw_config("psf.sigma", fmt::format("{} spaxels with psf.profile: moffat", *options.sigma),
                     "psf.fwhm for a Moffat", "Give psf.fwhm in arcsec, or psf.profile: gaussian");
    }
    if (options.profile == PsfProfile::moffat && !(options.moffat_beta > 1)) {
        throw_config("psf.moffat_beta", fmt::format("{}", options.moffat_beta),
                     "more than 1: at or below it the flux is infinite", "Typical seeing has 2.5 to 4.8");
    }
    if (options.size && (*options.size < 1 || *options.size > largest_size)) {
        throw_config("psf.size", fmt::format("{} spaxels", *options.size), fmt::format("1 to {}", largest_size),
                     "Correct it, or null for 99.9 % of the flux");
    }
}

/// The size of the kernel of a profile that is integrated over spaxels.
std::int64_t kernel_size(const PsfOptions& options, const std::function<double(std::int64_t)>& flux_within) {
    if (!options.size) {
        const std::int64_t size = size_that_holds(flux_wanted, flux_within);
        if (size == 0) {
            throw_config("psf",
                         fmt::format("a profile whose inner {} x {} spaxels hold {:.4g} % of the flux", largest_size,
                                     largest_size, 100 * flux_within(largest_size)),
                         "99.9 %", "Take a larger psf.moffat_beta or a smaller psf.fwhm, or set psf.size");
        }
        return size;
    }
    if (*options.size % 2 == 0) {
        throw_config("psf.size", fmt::format("{} spaxels", *options.size),
                     "an odd number: an even one would move the image by half a spaxel",
                     fmt::format("Take {}", *options.size + 1));
    }
    const double share = flux_within(*options.size);
    if (share < flux_demanded) {
        const std::int64_t enough = size_that_holds(flux_demanded, flux_within);
        throw_config("psf.size", fmt::format("{} spaxels, which hold {:.4g} % of the flux", *options.size, 100 * share),
                     "at least 99 %",
                     enough == 0 ? std::string("Take a larger psf.moffat_beta or a smaller psf.fwhm")
                                 : fmt::format("Take {} or more, or null for 99.9 %", enough));
    }
    return *options.size;
}

Kernel2D rubix_psf(const PsfOptions& options, double spaxel_size) {
    const double sigma = *options.sigma;
    const auto flux_within = [sigma](std::int64_t size) { return gaussian_flux_within(sigma, size); };
    const std::int64_t size = options.size ? *options.size : kernel_size(options, flux_within);
    const double share = flux_within(size);
    if (share < flux_demanded) {
        warn_once(
            fmt::format("psf {} {}", size, sigma),
            fmt::format("psf.size = {} holds {:.3g} % of the flux of psf.sigma = {} spaxels; the rest is added to the "
                        "core ({} would hold 99 %)",
                        size, 100 * share, sigma, size_that_holds(flux_demanded, flux_within)));
    }
    Kernel2D kernel = sampled_gaussian_kernel(sigma, size);
    kernel.fwhm = sigma * spaxel_size * constants::fwhm_per_sigma;
    return kernel;
}

} // namespace

std::int64_t Kernel2D::reach() const { return std::max({centre_y, n_y - 1 - centre_y, centre_x, n_x - 1 - centre_x}); }

double gaussian_flux_within(double sigma, std::int64_t size) {
    const double along = std::erf(static_cast<double>(size) / 2 / (sigma * std::sqrt(2.0)));
    return along * along;
}

double moffat_flux_within(double alpha, double beta, std::int64_t size) {
    // The circle of radius R holds 1 - (1 + R²/alpha²)^(1-beta); the square is eight sectors with R = h / cos(theta).
    const double h = static_cast<double>(size) / 2 / alpha;
    const auto enclosed = [&](double theta) {
        const double r = h / std::cos(theta);
        return 1 - std::pow(1 + r * r, 1 - beta);
    };
    const double quarter = constants::pi / 4;
    double sum = 0;
    for (int part = 0; part < 4; ++part) { sum += integrate(quarter * part / 4, quarter * (part + 1) / 4, enclosed); }
    return sum / quarter;
}

Kernel2D gaussian_kernel(double sigma, std::int64_t size) {
    std::vector<double> profile;
    const double scale = 1 / (sigma * std::sqrt(2.0));
    for (std::int64_t i = 0; i < size; ++i) {
        // Differences of erfc on the far side keep the digits that 1 - tiny would lose.
        const double near = std::abs(offset(i, size)) - 0.5, far = std::abs(offset(i, size)) + 0.5;
        profile.push_back(0.5 * (std::erfc(near * scale) - std::erfc(far * scale)));
    }
    return outer_product(std::move(profile));
}

Kernel2D sampled_gaussian_kernel(double sigma, std::int64_t size) {
    std::vector<double> profile;
    for (std::int64_t i = 0; i < size; ++i) {
        profile.push_back(std::exp(-0.5 * std::pow(offset(i, size) / sigma, 2)));
    }
    return outer_product(std::move(profile));
}

Kernel2D moffat_kernel(double alpha, double beta, std::int64_t size) {
    const std::int64_t half = size / 2;
    // Parts of half a core radius keep the poles of the integrand, at a distance of alpha, far from the quadrature's interval.
    const auto n_part = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(2 / alpha)), 1, 256);
    const double step = 1.0 / static_cast<double>(n_part);
    const auto pixel = [&](std::int64_t iy, std::int64_t ix) {
        const bool far = static_cast<double>(std::max(iy, ix)) > 20 * alpha + 2; // smooth there: one part is enough
        const std::int64_t n = far ? 1 : n_part;
        const double width = far ? 1.0 : step;
        double sum = 0;
        for (std::int64_t py = 0; py < n; ++py) {
            const double y0 = static_cast<double>(iy) - 0.5 + static_cast<double>(py) * width;
            sum += integrate(y0, y0 + width, [&](double y) {
                double line = 0;
                for (std::int64_t px = 0; px < n; ++px) {
                    const double x0 = static_cast<double>(ix) - 0.5 + static_cast<double>(px) * width;
                    line += integrate(x0, x0 + width,
                                      [&](double x) { return std::pow(1 + (x * x + y * y) / (alpha * alpha), -beta); });
                }
                return line;
            });
        }
        return sum;
    };
    std::vector<double> values(static_cast<std::size_t>(size * size));
    for (std::int64_t iy = 0; iy <= half; ++iy) {
        for (std::int64_t ix = iy; ix <= half; ++ix) { // one octant; the others are its mirror images
            const double value = pixel(iy, ix);
            for (const auto& [a, b] : {std::pair{iy, ix}, std::pair{ix, iy}}) {
                for (const std::int64_t y : {half - a, half + a}) {
                    for (const std::int64_t x : {half - b, half + b}) {
                        values[static_cast<std::size_t>(y * size + x)] = value;
                    }
                }
            }
        }
    }
    Kernel2D kernel = normalised(size, std::move(values));
    kernel.profile = PsfProfile::moffat;
    kernel.moffat_beta = beta;
    return kernel;
}

Kernel2D make_psf(const PsfOptions& options, double spaxel_size) {
    if (options.profile == PsfProfile::none) { return {}; }
    check(options);
    if (options.sigma) { return rubix_psf(options, spaxel_size); }
    const double fwhm = options.fwhm.value_or(default_fwhm);
    Kernel2D kernel;
    if (options.profile == PsfProfile::gaussian) {
        const double sigma = fwhm / spaxel_size / constants::fwhm_per_sigma;
        kernel = gaussian_kernel(
            sigma, kernel_size(options, [sigma](std::int64_t size) { return gaussian_flux_within(sigma, size); }));
    } else {
        const double beta = options.moffat_beta;
        const double alpha = fwhm / spaxel_size / (2 * std::sqrt(std::exp2(1 / beta) - 1));
        kernel = moffat_kernel(alpha, beta, kernel_size(options, [=](std::int64_t size) {
                                   return moffat_flux_within(alpha, beta, size);
                               }));
    }
    kernel.fwhm = fwhm;
    return kernel;
}

} // namespace tessera
