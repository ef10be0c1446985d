#include "output/cube_header.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "tessera/core/error.hpp"

namespace tessera {

namespace {

constexpr double arcsec_per_degree = 3600.0;

std::string medium_word(Medium medium) {
    switch (medium) {
    case Medium::unknown: return "unknown";
    case Medium::air: return "air";
    case Medium::vacuum: return "vacuum";
    }
    return "?";
}

double step_of(const WavelengthGrid& grid) {
    if (grid.size() < 2) { return grid.width(0); }
    if (grid.logarithmic) {
        return grid.centres[0] * std::log(grid.centres.back() / grid.centres[0]) / static_cast<double>(grid.size() - 1);
    }
    return (grid.centres.back() - grid.centres.front()) / static_cast<double>(grid.size() - 1);
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

/// A density times Angstrom is what it is a density of.
std::string integrated(std::string unit) {
    replace_all(unit, "/Angstrom Angstrom", "");
    return unit;
}

} // namespace

std::vector<Card> celestial_cards(const CubeProduct& product) {
    const double scale = product.grid.spaxel_size / arcsec_per_degree;
    return {{"CTYPE1", "RA---TAN", "gnomonic projection"},
            {"CTYPE2", "DEC--TAN", "gnomonic projection"},
            {"CUNIT1", "deg", ""},
            {"CUNIT2", "deg", ""},
            {"CRPIX1", static_cast<double>(product.grid.n_x + 1) / 2, "centre of the field, first pixel 1"},
            {"CRPIX2", static_cast<double>(product.grid.n_y + 1) / 2, "centre of the field, first pixel 1"},
            {"CRVAL1", product.right_ascension, "[deg] of the centre"},
            {"CRVAL2", product.declination, "[deg] of the centre"},
            {"CD1_1", -scale, "[deg] east to the left"},
            {"CD1_2", 0.0, ""},
            {"CD2_1", 0.0, ""},
            {"CD2_2", scale, "[deg] north up"},
            {"RADESYS", "ICRS", ""},
            {"EQUINOX", 2000.0, ""}};
}

std::vector<Card> spectral_cards(const CubeProduct& product) {
    const WavelengthGrid& grid = product.wavelength;
    const bool irregular = is_irregular(grid);
    std::string type = grid.medium == Medium::air ? "AWAV" : "WAVE";
    if (grid.logarithmic && !irregular) { type += "-LOG"; }
    std::string note = grid.medium == Medium::unknown ? "medium not stated by the templates"
                                                      : "wavelength in " + medium_word(grid.medium);
    if (!product.frame_note.empty()) { note += ", " + product.frame_note; }
    return {{"CTYPE3", type, note},
            {"CUNIT3", "Angstrom", ""},
            {"CRPIX3", 1.0, "first plane"},
            {"CRVAL3", grid.centres.front(), "[Angstrom] centre of the first plane"},
            {"CD3_3", step_of(grid), irregular ? "[Angstrom] mean step: see HDU WAVE" : "[Angstrom]"},
            {"CD1_3", 0.0, ""},
            {"CD2_3", 0.0, ""},
            {"CD3_1", 0.0, ""},
            {"CD3_2", 0.0, ""},
            {"MEDIUM", medium_word(grid.medium), "of the wavelengths: air, vacuum or unknown"}};
}

bool is_irregular(const WavelengthGrid& grid) {
    constexpr double tolerance = 1e-3; // pixels
    const double step = step_of(grid);
    for (std::int64_t i = 0; i < grid.size(); ++i) {
        const double first = grid.centres.front();
        const double here = grid.centres[static_cast<std::size_t>(i)];
        const double pixel = grid.logarithmic ? std::log(here / first) * first / step : (here - first) / step;
        if (std::abs(pixel - static_cast<double>(i)) > tolerance) { return true; }
    }
    return false;
}

std::string fits_unit(const std::string& unit) {
    std::string out = integrated(unit);
    replace_all(out, "1e-20 ", "10**(-20)*");
    replace_all(out, "cm2", "cm**2");
    replace_all(out, "Lsun", "solLum");
    replace_all(out, "Msun", "solMass");
    return out;
}

std::string squared_fits_unit(const std::string& unit) {
    // The bracketed form is MUSE's own, which its readers compare as text; astropy cannot parse it.
    return unit == "Lsun/Angstrom" ? "solLum**2/Angstrom**2" : "(" + fits_unit(unit) + ")**2";
}

std::string plain_unit(const std::string& unit) {
    std::string out = integrated(unit);
    replace_all(out, "erg/s/cm2/Angstrom", "erg s-1 cm-2 Angstrom-1");
    replace_all(out, "erg/s/cm2", "erg s-1 cm-2");
    return out;
}

std::string squared_plain_unit(const std::string& unit) {
    std::string out = unit;
    replace_all(out, "1e-20 erg/s/cm2/Angstrom", "1e-40 erg2 s-2 cm-4 Angstrom-2");
    replace_all(out, "Lsun/Angstrom", "Lsun2 Angstrom-2");
    return out == unit ? "(" + unit + ")^2" : out;
}

void Provenance::set(const std::string& name, Value value) {
    for (auto& [known, present] : attributes) {
        if (known == name) {
            present = std::move(value);
            return;
        }
    }
    attributes.emplace_back(name, std::move(value));
}

namespace {

/// A value of rank 0 on every rank, by way of its text.
Value shared_value(const Value& value, Communicator& comm) {
    std::string text;
    agree(comm, [&] {
        if (comm.is_root()) { text = value.text(); }
    });
    comm.broadcast(text, 0);
    return parse_yaml(text, "a message between ranks");
}

std::string text_of(const Value& map, const std::string& key) {
    const Value* found = map.find(key);
    return found != nullptr && found->as_string() != nullptr ? *found->as_string() : "";
}

} // namespace

std::vector<CubeMap> descriptions_of(const std::vector<CubeMap>& maps, Communicator& comm) {
    Value::List list;
    for (const CubeMap& map : maps) {
        list.emplace_back(Value::Map{{"name", map.name},
                                     {"unit", map.unit},
                                     {"description", map.description},
                                     {"weight", map.weight},
                                     {"band", map.band},
                                     {"observed", map.observed}});
    }
    const Value shared = shared_value(Value(list), comm);
    std::vector<CubeMap> out;
    for (const Value& item : *shared.as_list()) {
        CubeMap map{text_of(item, "name"),
                    text_of(item, "unit"),
                    text_of(item, "description"),
                    text_of(item, "weight"),
                    text_of(item, "band"),
                    false,
                    {}};
        const Value* observed = item.find("observed");
        map.observed = observed != nullptr && observed->as_bool() != nullptr && *observed->as_bool();
        out.push_back(std::move(map));
    }
    return out;
}

namespace {

void expect_slab(const CubeSlab& slab, const CubeProduct& product, const WaveRange& range, const std::string& name) {
    const SpatialGrid& grid = product.grid;
    const bool field = slab.n_y() == grid.n_y && slab.n_x() == grid.n_x;
    const bool padded = slab.n_y() == grid.padded_y() && slab.n_x() == grid.padded_x();
    const bool same = slab.range().first == range.first && slab.n_wave() == range.count;
    if (range.count == 0 && slab.n_wave() == 0) { return; }
    if ((field || padded) && same) { return; }
    throw Error({.kind = Kind::internal,
                 .where = "the cube to be written",
                 .found = fmt::format("{}: planes {} to {} of {} x {}", name, slab.range().first, slab.range().end(),
                                      slab.n_y(), slab.n_x()),
                 .expected = fmt::format("planes {} to {} of {} x {}", range.first, range.end(), grid.n_y, grid.n_x),
                 .cure = ""});
}

void expect_size(std::size_t found, std::int64_t expected, const std::string& name) {
    if (static_cast<std::int64_t>(found) == expected) { return; }
    throw Error({.kind = Kind::internal,
                 .where = "the cube to be written",
                 .found = fmt::format("{}: {} values", name, found),
                 .expected = fmt::format("{}", expected),
                 .cure = ""});
}

} // namespace

void expect_consistent(const CubeProduct& product, Communicator& comm) {
    const std::int64_t before = comm.exclusive_sum(product.flux.n_wave());
    const std::int64_t all = comm.all_reduce_value(product.flux.n_wave(), Op::sum);
    agree(comm, [&] {
        const SpatialGrid& grid = product.grid;
        expect_size(static_cast<std::size_t>(all), product.wavelength.size(), "planes of all ranks");
        expect_slab(product.flux, product, {before, product.flux.n_wave()}, "flux");
        if (!product.variance.data().empty()) {
            expect_slab(product.variance, product, product.flux.range(), "variance");
        }
        const std::pair<const char*, const std::optional<CubeSlab>&> stages[] = {
            {"accumulated", product.accumulated}, {"psf", product.psf}, {"lsf", product.lsf}};
        for (const auto& [name, stage] : stages) {
            if (stage) { expect_slab(*stage, product, product.flux.range(), name); }
        }
        if (!product.wave_mask.empty()) {
            expect_size(product.wave_mask.size(), product.wavelength.size(), "wave_mask");
        }
        if (!product.spaxel_mask.empty()) {
            expect_size(product.spaxel_mask.size(), grid.n_y * grid.n_x, "spaxel_mask");
        }
        if (product.has_star_lists) {
            expect_size(product.star_row.size(), static_cast<std::int64_t>(product.star_spaxel.size()), "star_row");
        }
        expect_size(product.lsf_fwhm.size(), static_cast<std::int64_t>(product.lsf_wavelength.size()), "lsf_fwhm");
        if (!comm.is_root()) { return; }
        for (const CubeMap& map : product.maps) {
            expect_size(map.values.size(), grid.n_y * grid.n_x, "map " + map.name);
        }
    });
}

std::vector<float> field_planes(const CubeSlab& slab, const SpatialGrid& grid, std::int64_t first, std::int64_t n) {
    std::vector<float> out;
    if (n == 0) { return out; }
    out.reserve(static_cast<std::size_t>(n * grid.n_y * grid.n_x));
    const std::int64_t margin_y = (slab.n_y() - grid.n_y) / 2, margin_x = (slab.n_x() - grid.n_x) / 2;
    const auto flux = slab.flux();
    for (std::int64_t plane = first; plane < first + n; ++plane) {
        for (std::int64_t y = 0; y < grid.n_y; ++y) {
            const float* row = &flux(plane, y + margin_y, margin_x);
            out.insert(out.end(), row, row + grid.n_x);
        }
    }
    return out;
}

std::vector<std::uint8_t> mask_planes(const CubeProduct& product, std::int64_t first, std::int64_t n) {
    const std::int64_t n_spaxel = product.grid.n_y * product.grid.n_x;
    std::vector<std::uint8_t> out(static_cast<std::size_t>(n * n_spaxel));
    for (std::int64_t plane = first; plane < first + n; ++plane) {
        const auto begin = out.begin() + (plane - first) * n_spaxel;
        const int bits = product.wave_mask.empty() ? 0 : product.wave_mask[static_cast<std::size_t>(plane)];
        if (product.spaxel_mask.empty()) {
            std::fill(begin, begin + n_spaxel, static_cast<std::uint8_t>(bits));
        } else {
            std::transform(product.spaxel_mask.begin(), product.spaxel_mask.end(), begin,
                           [&](std::uint8_t of_spaxel) { return static_cast<std::uint8_t>(bits | of_spaxel); });
        }
    }
    return out;
}

} // namespace tessera
