// What holds for a library of any dialect.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "ssp/dialects.hpp"
#include "tessera/core/error.hpp"

namespace tessera::ssp {

namespace {

[[noreturn]] void refuse(const Library& library, const char* what, std::string found, std::string expected,
                         std::string cure) {
    throw Error({.kind = Kind::data,
                 .where = fmt::format("{}: {}", library.source, what),
                 .found = std::move(found),
                 .expected = std::move(expected),
                 .cure = std::move(cure)});
}

void check_axis(const Library& library, const char* what, const std::vector<double>& axis, std::size_t least) {
    if (axis.size() < least) {
        refuse(library, what, fmt::format("{} values", axis.size()), fmt::format("at least {}", least),
               "the file is empty or incomplete: fetch or write it again");
    }
    for (std::size_t i = 0; i < axis.size(); ++i) {
        if (!std::isfinite(axis[i])) {
            refuse(library, what, fmt::format("{} at index {}", axis[i], i), "finite numbers",
                   "the file is damaged: fetch or write it again");
        }
        if (axis[i] < 0) {
            refuse(library, what, fmt::format("{:.6g} at index {}", axis[i], i), "no negative number",
                   "if these are logarithms, state it in the attribute `unit` or convert the file with `tessera ssp "
                   "convert`");
        }
        // In single precision, because that is how stars are looked up.
        if (i > 0 && !(static_cast<float>(axis[i]) > static_cast<float>(axis[i - 1]))) {
            refuse(library, what, fmt::format("{:.9g} after {:.9g} at index {}", axis[i], axis[i - 1], i),
                   "strictly ascending values", "sort the grid, and drop values that come twice");
        }
    }
}

/// Bits of the largest |value|: as integers they order as the magnitudes do, infinity and NaN above all numbers.
std::uint32_t largest_magnitude(const float* values, std::size_t n) {
    std::uint32_t largest = 0;
    for (std::size_t i = 0; i < n; ++i) {
        largest = std::max(largest, std::bit_cast<std::uint32_t>(values[i]) & 0x7fffffffU);
    }
    return largest;
}

void check_flux(const Library& library) {
    const auto n_node = static_cast<std::size_t>(library.n_node()), n_wave = static_cast<std::size_t>(library.n_wave());
    if (library.flux.size() != n_node * n_wave) {
        refuse(library, "flux", fmt::format("{} values", library.flux.size()),
               fmt::format("{} metallicities x {} ages x {} wavelengths", library.n_metallicity(), library.n_age(),
                           library.n_wave()),
               "the file is incomplete: fetch or write it again");
    }
    for (std::size_t node = 0; node < n_node; ++node) {
        const float* spectrum = library.flux.data() + node * n_wave;
        const auto population = [&] {
            return fmt::format("the population Z = {:.4g}, {:.4g} Gyr", library.metallicity[node / library.age.size()],
                               library.age[node % library.age.size()]);
        };
        const std::uint32_t largest = largest_magnitude(spectrum, n_wave);
        if (largest >= std::bit_cast<std::uint32_t>(std::numeric_limits<float>::infinity())) {
            const auto bad = static_cast<std::size_t>(
                std::find_if(spectrum, spectrum + n_wave, [](float value) { return !std::isfinite(value); }) -
                spectrum);
            refuse(library, "flux",
                   fmt::format("{} at {:.6g} Angstrom of {}", spectrum[bad], library.wavelength[bad], population()),
                   "finite numbers",
                   "the file is damaged, or in a unit in which single precision overflows: convert it again");
        }
        if (largest == 0) {
            refuse(library, "flux", "only zeros for " + population(), "some light from every population",
                   "the file is incomplete: fetch or write it again, or cut the empty part off its grid");
        }
    }
}

} // namespace

void check(const Library& library) {
    check_axis(library, "metallicity", library.metallicity, 1);
    check_axis(library, "age", library.age, 1);
    check_axis(library, "wavelength", library.wavelength, 2);
    if (library.wavelength.front() == 0) {
        refuse(library, "wavelength", "0 Angstrom", "wavelengths above 0", "cut the first wavelength off the grid");
    }
    check_flux(library);
}

} // namespace tessera::ssp
