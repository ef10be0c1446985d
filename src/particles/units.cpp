#include "particles/units.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "tessera/core/constants.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/hdf5.hpp"

namespace tessera::particles {
namespace {

/// Spellings of our units that other programs write (astropy's among them), without spaces, '*' and '^'.
const std::vector<std::string>& spellings(Quantity quantity) {
    static const std::vector<std::string> none{"", "1", "massfraction", "dimensionless", "none"};
    static const std::vector<std::string> length{"kpc"};
    static const std::vector<std::string> velocity{"km/s", "kms-1", "kms1"};
    static const std::vector<std::string> mass{"Msun", "M_sun", "solMass"};
    static const std::vector<std::string> density{"Msun/kpc3", "M_sun/kpc3", "solMass/kpc3", "Msunkpc-3",
                                                  "solMasskpc-3"};
    static const std::vector<std::string> rate{"Msun/yr", "M_sun/yr", "solMass/yr", "Msunyr-1", "solMassyr-1"};
    static const std::vector<std::string> energy{"km2/s2", "(km/s)2"};
    static const std::vector<std::string> temperature{"K"};
    static const std::vector<std::string> time{"Gyr"};
    switch (quantity) {
    case Quantity::none: return none;
    case Quantity::length: return length;
    case Quantity::velocity: return velocity;
    case Quantity::mass: return mass;
    case Quantity::density: return density;
    case Quantity::star_formation_rate: return rate;
    case Quantity::specific_energy: return energy;
    case Quantity::temperature: return temperature;
    case Quantity::time: return time;
    }
    return none;
}

void check_unit_text(const io::Hdf5Dataset& dataset, Quantity quantity) {
    const auto text = dataset.find_text("unit");
    if (!text) { return; }
    std::string bare;
    for (const char c : *text) {
        if (c != ' ' && c != '*' && c != '^') { bare += c; }
    }
    const auto& known = spellings(quantity);
    if (std::find(known.begin(), known.end(), bare) != known.end()) { return; }
    const std::string ours = quantity == Quantity::none ? "a pure number" : unit_of(quantity);
    throw Error({.kind = Kind::data,
                 .where = dataset.where(),
                 .found = fmt::format("attribute unit = '{}'", *text),
                 .expected = fmt::format("{}, the unit of this layout", ours),
                 .cure = fmt::format("convert the values to {} and correct the attribute", ours)});
}

/// The first attribute of these names that holds a number.
std::optional<double> any_number(const io::Hdf5Dataset& dataset, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (const auto value = dataset.find_number(name)) { return value; }
    }
    return std::nullopt;
}

/// SWIFT may write single fields without the scale factor in them, whatever the layout says of the others.
bool stored_as_physical(const io::Hdf5Dataset& dataset) {
    return dataset.find_number("Value stored as physical").value_or(0) != 0;
}

/// The factor that the dataset's own attributes state, in any of the three manners.
std::optional<double> stated_factor(const io::Hdf5Dataset& dataset, Quantity quantity, const UnitContext& context) {
    const auto to_cgs = any_number(dataset, {"to_cgs", "CGSConversionFactor",
                                             "Conversion factor to CGS (not including cosmological corrections)"});
    // TNG writes to_cgs = 0 for pure numbers; for anything with a dimension it states nothing.
    if (!to_cgs || *to_cgs == 0) { return std::nullopt; }
    double a_exponent = any_number(dataset, {"a_scaling", "aexp-scale-exponent", "a-scale exponent"}).value_or(0);
    const double h_exponent = any_number(dataset, {"h_scaling", "h-scale-exponent", "h-scale exponent"}).value_or(0);
    if (stored_as_physical(dataset)) { a_exponent = 0; }
    return *to_cgs * std::pow(context.scale_factor, a_exponent) * std::pow(context.h, h_exponent) / cgs_of(quantity);
}

/// The factor of the scheme's table; nullopt when the code units are unknown.
std::optional<double> documented_factor(Quantity quantity, const UnitContext& c) {
    const bool gadget = c.scheme == UnitScheme::gadget;
    const double a = c.scale_factor;
    const double h = gadget ? c.h : 1.0;
    const double cgs = cgs_of(quantity);
    switch (quantity) {
    case Quantity::none: return 1.0;
    case Quantity::temperature: return 1.0;
    case Quantity::length:
        if (c.length_cm) { return *c.length_cm * a / h / cgs; }
        break;
    case Quantity::velocity:
        if (c.velocity_cm_s) { return *c.velocity_cm_s * (gadget ? std::sqrt(a) : 1.0) / cgs; }
        break;
    case Quantity::mass:
        if (c.mass_g) { return *c.mass_g / h / cgs; }
        break;
    case Quantity::density:
        if (c.mass_g && c.length_cm) { return *c.mass_g / std::pow(*c.length_cm * a, 3) * h * h / cgs; }
        break;
    case Quantity::star_formation_rate:
        if (gadget) { return 1.0; }
        if (c.mass_g && c.time_s) { return *c.mass_g / *c.time_s / cgs; }
        break;
    case Quantity::specific_energy:
        if (c.velocity_cm_s) { return *c.velocity_cm_s * *c.velocity_cm_s * (gadget ? 1.0 : 1.0 / (a * a)) / cgs; }
        break;
    case Quantity::time:
        if (c.time_s) { return *c.time_s / cgs; }
        break;
    }
    return std::nullopt;
}

} // namespace

std::string unit_of(Quantity quantity) {
    switch (quantity) {
    case Quantity::none: return "";
    case Quantity::length: return "kpc";
    case Quantity::velocity: return "km/s";
    case Quantity::mass: return "Msun";
    case Quantity::density: return "Msun/kpc^3";
    case Quantity::star_formation_rate: return "Msun/yr";
    case Quantity::specific_energy: return "(km/s)^2";
    case Quantity::temperature: return "K";
    case Quantity::time: return "Gyr";
    }
    return "";
}

double cgs_of(Quantity quantity) {
    using namespace constants;
    switch (quantity) {
    case Quantity::none: return 1.0;
    case Quantity::length: return kpc;
    case Quantity::velocity: return 1e5;
    case Quantity::mass: return solar_mass;
    case Quantity::density: return solar_mass / (kpc * kpc * kpc);
    case Quantity::star_formation_rate: return solar_mass / (gigayear * 1e-9);
    case Quantity::specific_energy: return 1e10;
    case Quantity::temperature: return 1.0;
    case Quantity::time: return gigayear;
    }
    return 1.0;
}

double factor_to_physical(const io::Hdf5Dataset& dataset, Quantity quantity, const UnitContext& context) {
    if (context.scheme == UnitScheme::physical) {
        check_unit_text(dataset, quantity);
        return 1.0;
    }
    if (quantity == Quantity::none) { return 1.0; }
    const auto stated = stated_factor(dataset, quantity, context);
    const auto documented = documented_factor(quantity, context);
    if (stated && documented && !stored_as_physical(dataset) && std::abs(*stated / *documented - 1.0) > 1e-3) {
        log::warning(fmt::format("{}: its attributes give {:.6g} {} for a stored 1, the layout's documentation {:.6g}; "
                                 "the attributes are used",
                                 dataset.where(), *stated, unit_of(quantity), *documented));
    }
    if (stated) { return *stated; }
    if (documented) { return *documented; }
    throw Error({.kind = Kind::data,
                 .where = dataset.where(),
                 .found = "no unit attributes, and the file states no code units",
                 .expected =
                     "a_scaling, h_scaling, to_cgs; or aexp-scale-exponent, h-scale-exponent, CGSConversionFactor; or "
                     "'Conversion factor to CGS (not including cosmological corrections)'; or a group /Units",
                 .cure = "units are never guessed: copy the attributes from the original snapshot"});
}

} // namespace tessera::particles
