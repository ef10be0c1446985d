#include "particles/header.hpp"

#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {
namespace {

Error incomplete(const io::Hdf5Group& file, const std::string& found, const std::string& expected) {
    return Error({.kind = Kind::data,
                  .where = file.file() + ":/Header",
                  .found = found,
                  .expected = expected,
                  .cure = "the ages and lengths of the particles need it: copy the header of the original snapshot"});
}

double scale_factor_of(const io::Hdf5Group& file, const std::vector<std::string>& names,
                       std::optional<double> redshift) {
    const auto stated = find_in(file, {"Header", "Cosmology"}, names);
    if (!stated && !redshift) {
        throw incomplete(file, "neither the scale factor nor the redshift",
                         fmt::format("attribute {} or Redshift", fmt::join(names, " or ")));
    }
    const double a = stated.value_or(1.0 / (1.0 + redshift.value_or(0)));
    if (!(a > 0) || !std::isfinite(a)) {
        throw incomplete(file, fmt::format("scale factor {}", a), "a number above 0");
    }
    if (stated && redshift && std::abs(a * (1.0 + *redshift) - 1.0) > 1e-3) {
        log::warning(fmt::format("{}:/Header: scale factor {} and redshift {} disagree; the scale factor is believed",
                                 file.file(), a, *redshift));
    }
    return a;
}

std::optional<Cosmology> cosmology_of(const io::Hdf5Group& file, double h) {
    const std::vector<std::string> groups{"Header", "Cosmology"};
    const auto omega_m = find_in(file, groups, {"Omega0", "Omega_m", "OmegaMatter"});
    if (!omega_m) { throw incomplete(file, "no matter density", "attribute Omega0 or Omega_m"); }
    if (!(*omega_m > 0 && *omega_m <= 1)) {
        throw incomplete(file, fmt::format("matter density {}", *omega_m), "a number above 0 and at most 1");
    }
    const double omega_lambda = find_in(file, groups, {"OmegaLambda", "Omega_lambda"}).value_or(1 - *omega_m);
    if (std::abs(*omega_m + omega_lambda - 1) > 0.01) {
        log::warning(fmt::format("{}:/Header: matter {} and dark energy {} do not add up to 1; ages take a flat "
                                 "universe of this matter density",
                                 file.file(), *omega_m, omega_lambda));
    }
    return Cosmology(100 * h, *omega_m, find_in(file, groups, {"w_0", "w0"}).value_or(-1),
                     find_in(file, groups, {"w_a", "wa"}).value_or(0));
}

} // namespace

std::optional<double> find_in(const io::Hdf5Group& file, const std::vector<std::string>& groups,
                              const std::vector<std::string>& names) {
    for (const std::string& group : groups) {
        if (!file.has_group(group)) { continue; }
        const io::Hdf5Group there = file.group(group);
        for (const std::string& name : names) {
            if (const auto value = there.find_number(name)) { return value; }
        }
    }
    return std::nullopt;
}

Header read_header(const io::Hdf5Group& file, const std::vector<std::string>& scale_factor_names) {
    if (!file.has_group("Header")) { throw incomplete(file, "no such group", "the header of the snapshot"); }
    Header header;
    const auto redshift = find_in(file, {"Header", "Cosmology"}, {"Redshift"});
    header.scale_factor = scale_factor_of(file, scale_factor_names, redshift);
    header.redshift = redshift.value_or(1.0 / header.scale_factor - 1.0);
    const auto h = find_in(file, {"Header", "Cosmology"}, {"HubbleParam", "h"});
    if (!h) { throw incomplete(file, "no Hubble parameter", "attribute HubbleParam, H0 in units of 100 km/s/Mpc"); }
    if (!(*h > 0.1 && *h < 10)) {
        throw incomplete(file, fmt::format("HubbleParam = {}", *h), "H0 in units of 100 km/s/Mpc, about 0.7");
    }
    header.h = *h;
    header.cosmology = cosmology_of(file, *h);
    header.box = find_in(file, {"Header"}, {"BoxSize"});
    if (header.box && !(*header.box > 0)) { header.box.reset(); } // 0 is how non-periodic runs write it
    return header;
}

UnitContext unit_context(const io::Hdf5Group& file, const Header& header, UnitScheme scheme) {
    const std::vector<std::string> groups{"Units", "Header"};
    UnitContext units{.scheme = scheme,
                      .scale_factor = header.scale_factor,
                      .h = header.h,
                      .length_cm = {},
                      .mass_g = {},
                      .velocity_cm_s = {},
                      .time_s = {}};
    units.length_cm = find_in(file, groups, {"UnitLength_in_cm", "Unit length in cgs (U_L)"});
    units.mass_g = find_in(file, groups, {"UnitMass_in_g", "Unit mass in cgs (U_M)"});
    units.time_s = find_in(file, groups, {"UnitTime_in_s", "Unit time in cgs (U_t)"});
    units.velocity_cm_s = find_in(file, groups, {"UnitVelocity_in_cm_per_s"});
    if (!units.velocity_cm_s && units.length_cm && units.time_s) {
        units.velocity_cm_s = *units.length_cm / *units.time_s;
    }
    return units;
}

void describe_header(SnapshotInfo& info, const Header& header, double length_factor) {
    info.scale_factor = header.scale_factor;
    info.redshift = header.redshift;
    info.cosmology = header.cosmology;
    if (header.box) { info.box_size = *header.box * length_factor; }
}

} // namespace tessera::particles
