#include "output/cube_primary.hpp"

#include <algorithm>
#include <ctime>
#include <iterator>
#include <string>

namespace tessera {

namespace {

using io::FitsWriter;

void set_value(FitsWriter& file, const std::string& keyword, const Value& value, const std::string& comment) {
    double number = 0;
    if (const std::int64_t* integer = value.as_integer()) {
        file.set(keyword, *integer, comment);
    } else if (const bool* flag = value.as_bool()) {
        file.set(keyword, *flag, comment);
    } else if (value.number(number)) {
        file.set(keyword, number, comment);
    } else if (const std::string* text = value.as_string()) {
        file.set(keyword, *text, comment);
    } else if (!value.is_null()) {
        file.set(keyword, value.text(), comment);
    }
}

/// Names that provenance has in the primary header.
struct Named {
    const char *attribute, *keyword, *comment;
};
constexpr Named named[] = {{"simulation", "SIMNAME", "simulation"},
                           {"snapshot", "SNAPNUM", "snapshot number"},
                           {"subhalo", "SUBHALO", "subhalo number"},
                           {"redshift", "REDSHIFT", "observed redshift"},
                           {"redshift_snapshot", "ZSNAP", "redshift of the snapshot"},
                           {"luminosity_distance", "DISTLUM", "[Mpc] luminosity distance"},
                           {"angular_distance", "DISTANG", "[Mpc] angular diameter distance"},
                           {"h0", "HUBBLE", "[km/s/Mpc] Hubble constant"},
                           {"omega_m", "OMEGA_M", "matter density"},
                           {"omega_l", "OMEGA_L", "dark energy density"},
                           {"inclination", "INCL", "[deg] of the disc"},
                           {"n_star", "NSTAR", "stars read and kept"},
                           {"n_other", "NOTHER", "of them not the subhalo's own"},
                           {"n_wind_dropped", "NWIND", "wind cells dropped"},
                           {"n_outside_grid", "NCLAMP", "stars outside the template grid"},
                           {"ssp", "SSPNAME", "stellar templates"},
                           {"ssp_hash", "SSPHASH", "checksum of the templates"},
                           {"imf", "IMF", "initial mass function"},
                           {"instrument", "INSTRUME", "telescope"},
                           {"exposure_time", "EXPTIME", "[s] exposure"},
                           {"seed", "SEED", "of the random numbers"},
                           {"n_rank", "NRANKS", "MPI ranks"},
                           {"n_gpu", "NGPU", "GPUs"},
                           {"method", "METHOD", "of the synthesis"}};

std::string utc_now() {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    char text[32] = "";
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    return text;
}

/// mpdaf's keywords: mode 2, a circular Moffat of constant FWHM and beta.
void set_point_spread(FitsWriter& file, const CubeProduct& product) {
    if (!product.moffat_psf) { return; }
    file.set("FSFMODE", std::int64_t{2}, "circular Moffat");
    file.set("FSFLB1", product.wavelength.centres.front(), "[Angstrom] first wavelength of the FSF");
    file.set("FSFLB2", product.wavelength.centres.back(), "[Angstrom] last wavelength of the FSF");
    file.set("FSF00FNC", std::int64_t{1}, "coefficients of the FWHM");
    file.set("FSF00F00", product.moffat_psf->first, "[arcsec] FWHM");
    file.set("FSF00BNC", std::int64_t{1}, "coefficients of beta");
    file.set("FSF00B00", product.moffat_psf->second, "Moffat index");
}

} // namespace

void set_cards(FitsWriter& file, const std::vector<Card>& cards) {
    for (const Card& card : cards) { set_value(file, card.name, card.value, card.comment); }
}

std::string fits_keyword(const std::string& attribute) {
    const auto* known = std::find_if(std::begin(named), std::end(named),
                                     [&](const Named& entry) { return attribute == entry.attribute; });
    if (known != std::end(named)) { return known->keyword; }
    std::string keyword = attribute;
    std::replace(keyword.begin(), keyword.end(), ' ', '_');
    return keyword;
}

void write_primary(FitsWriter& file, const CubeProduct& product) {
    const Provenance& provenance = product.provenance;
    file.set("OBJECT", product.object, "name of the galaxy");
    file.set("ORIGIN", "tessera", "mock integral-field data from simulations");
    std::string creator = "tessera";
    for (const auto& [name, value] : provenance.attributes) {
        if (name == "version" && value.as_string() != nullptr) {
            creator = value.as_string()->starts_with(creator) ? *value.as_string() : creator + " " + *value.as_string();
        }
    }
    file.set("CREATOR", creator, "program and version");
    file.set("DATE", utc_now(), "UTC when this file was made");
    for (const auto& [name, value] : provenance.attributes) {
        if (name == "config" || name == "version") { continue; } // CONFIG, CREATOR
        const auto* known = std::find_if(std::begin(named), std::end(named),
                                         [&](const Named& entry) { return name == entry.attribute; });
        if (known != std::end(named)) {
            set_value(file, known->keyword, value, known->comment);
        } else {
            set_value(file, "HIERARCH " + fits_keyword(name), value, "");
        }
    }
    set_point_spread(file, product);
}

} // namespace tessera
