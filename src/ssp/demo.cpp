// The built-in library: two black bodies (turn-off and giants), a Balmer jump, a 4000 Angstrom break, absorption lines that
// change with age and metallicity. Shapes and sizes are chosen to look right, not fitted to anything.
#include <algorithm>
#include <array>
#include <cmath>

#include "tessera/core/constants.hpp"
#include "tessera/ssp/library.hpp"

namespace tessera::ssp {

namespace {

struct Population {
    double metallicity; ///< mass fraction
    double log_age;     ///< log10(age / Gyr)
    double turn_off;    ///< K
    double giants;      ///< K
    double giant_share; ///< of the light at 5500 Angstrom
    double metal_lines; ///< strength of the metal lines, 1 for old and solar
    double balmer;      ///< strength of the Balmer lines, 1 at their maximum, near 0.4 Gyr
    double oldness;     ///< 0 young … 1 old
    double level;       ///< Lsun/Angstrom/Msun at 5500 Angstrom
};

struct Line {
    double centre; ///< Angstrom, air
    double depth;  ///< optical depth in the centre at strength 1
    double sigma;  ///< Angstrom
};

// Wavelengths in air: Moore, Minnaert & Houtgast (1966).
constexpr std::array<Line, 8> balmer_lines{{{6562.80, 0.75, 7.0},
                                            {4861.33, 0.80, 8.0},
                                            {4340.47, 0.80, 8.0},
                                            {4101.74, 0.80, 8.0},
                                            {3970.07, 0.70, 7.0},
                                            {3889.05, 0.60, 6.0},
                                            {3835.39, 0.50, 5.0},
                                            {3797.90, 0.40, 5.0}}};
constexpr std::array<Line, 14> metal_lines{{{3933.66, 1.10, 5.0},
                                            {3968.47, 0.90, 5.0},
                                            {4226.73, 0.30, 2.5},
                                            {4305.00, 0.35, 8.0},
                                            {5167.32, 0.30, 2.5},
                                            {5172.68, 0.40, 2.5},
                                            {5183.60, 0.45, 2.5},
                                            {5270.40, 0.25, 4.0},
                                            {5335.10, 0.22, 4.0},
                                            {5889.95, 0.45, 2.2},
                                            {5895.92, 0.38, 2.2},
                                            {8498.02, 0.30, 3.0},
                                            {8542.09, 0.55, 3.5},
                                            {8662.14, 0.45, 3.5}}};

/// 900 to 56000 Angstrom: 1 Angstrom in the blue and green, coarser where there is less to see.
std::vector<double> wavelengths() {
    struct Segment {
        double first, last, step;
    };
    std::vector<double> out;
    for (const Segment& s : {Segment{900, 2700, 20}, Segment{2700, 3600, 3}, Segment{3600, 6800, 1},
                             Segment{6800, 9400, 2}, Segment{9400, 25000, 20}, Segment{25000, 56000, 100}}) {
        const auto n = static_cast<int>(std::lround((s.last - s.first) / s.step));
        for (int i = 0; i < n; ++i) { out.push_back(s.first + i * s.step); }
    }
    out.push_back(56000);
    return out;
}

/// Black body per Angstrom relative to its value at 5500 Angstrom.
double planck(double wavelength, double temperature) {
    constexpr double hc_k = 1.438776877e8; // Angstrom K: second radiation constant, CODATA 2018
    const double ratio = 5500 / wavelength;
    return std::pow(ratio, 5) * std::expm1(hc_k / (5500 * temperature)) / std::expm1(hc_k / (wavelength * temperature));
}

/// 1 well below `edge`, 0 well above.
double below(double wavelength, double edge, double width) { return 1 / (1 + std::exp((wavelength - edge) / width)); }

Population population(double metallicity, double age) {
    Population p{};
    const double log_age = std::log10(age), richness = std::log10(metallicity / 0.02);
    p.metallicity = metallicity;
    p.log_age = log_age;
    p.oldness = std::clamp((log_age + 2.5) / 3.5, 0.0, 1.0);
    p.turn_off = std::max(5400.0, 3.6e4 * std::pow(age / 0.003, -0.26)) * std::pow(10.0, -0.03 * richness);
    p.giants = 4300 - 250 * richness;
    p.giant_share = 0.05 + 0.50 * p.oldness;
    p.metal_lines = p.oldness * p.oldness * std::pow(10.0, 0.35 * richness);
    p.balmer = std::max(0.25, std::exp(-0.5 * std::pow((log_age + 0.4) / 0.6, 2)));
    p.level = 1.7e-4 * std::pow(std::max(age, 0.003), -0.7) * std::pow(10.0, -0.12 * richness);
    return p;
}

/// Optical depth of Gaussian lines at strength 1.
template <std::size_t N>
double depth_of(const std::array<Line, N>& lines, double wavelength) {
    double depth = 0;
    for (const Line& line : lines) {
        const double x = (wavelength - line.centre) / line.sigma;
        if (std::abs(x) < 8) { depth += line.depth * std::exp(-0.5 * x * x); }
    }
    return depth;
}

double luminosity(const Population& p, double wavelength) {
    double light = (1 - p.giant_share) * planck(wavelength, p.turn_off) + p.giant_share * planck(wavelength, p.giants);
    double depth = p.balmer * depth_of(balmer_lines, wavelength) + p.metal_lines * depth_of(metal_lines, wavelength);
    depth += 0.55 * p.metal_lines * below(wavelength, 3990, 15); // 4000 Angstrom break
    depth += 0.60 * p.balmer * below(wavelength, 3690, 20);      // Balmer jump
    depth += 4.0 * below(wavelength, 912, 3);                    // Lyman limit
    return p.level * light * std::exp(-depth);
}

} // namespace

Library demo_library() {
    Library library;
    library.name = "demonstration (analytic, not for science)";
    library.source = "demo";
    library.format = "demo";
    library.medium = Medium::air;
    library.metallicity = {0.0004, 0.004, 0.008, 0.02, 0.05};
    library.age = {0.001, 0.002, 0.003, 0.005, 0.008, 0.013, 0.02, 0.035, 0.06, 0.1,
                   0.18,  0.32,  0.56,  1.0,   1.8,   3.2,   5.0,  8.0,   11.0, 14.0};
    library.wavelength = wavelengths();
    library.flux.reserve(library.metallicity.size() * library.age.size() * library.wavelength.size());
    for (const double metallicity : library.metallicity) {
        for (const double age : library.age) {
            const Population p = population(metallicity, age);
            for (const double wavelength : library.wavelength) {
                library.flux.push_back(static_cast<float>(luminosity(p, wavelength)));
            }
        }
    }
    library.checksum = checksum_of(library);
    return library;
}

} // namespace tessera::ssp
