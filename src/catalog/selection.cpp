#include "tessera/catalog/selection.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catalog/fill.hpp"
#include "catalog/match.hpp"
#include "tessera/catalog/manifest.hpp"
#include "tessera/comm/communicator.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/hash.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/random.hpp"
#include "tessera/cosmology/cosmology.hpp"
#include "tessera/instrument/telescope.hpp"

namespace tessera {

namespace {

constexpr std::uint64_t random_sample = 0x73616d70;   // stream of random numbers: "samp"
constexpr std::uint64_t random_redshift = 0x72656473; // "reds"

std::vector<ExpressionColumn> expression_columns() {
    std::vector<ExpressionColumn> out;
    for (const SubhaloColumn& column : subhalo_columns()) { out.push_back({column.name, column.unit, column.truth}); }
    return out;
}

std::vector<std::int64_t> read_ids(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        throw Error({.kind = Kind::config,
                     .where = "catalog.ids",
                     .found = fmt::format("no readable file '{}'", path),
                     .expected = "a list of ids, or a text file of one id a line"});
    }
    std::vector<std::int64_t> ids;
    std::int64_t number = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        line = line.substr(0, line.find('#'));
        line.erase(std::remove_if(line.begin(), line.end(), [](char c) { return c == ' ' || c == '\t' || c == '\r'; }),
                   line.end());
        if (line.empty()) { continue; }
        std::int64_t id = -1;
        const auto [end, status] = std::from_chars(line.data(), line.data() + line.size(), id);
        if (status != std::errc() || end != line.data() + line.size() || id < 0) {
            throw Error({.kind = Kind::config,
                         .where = fmt::format("{}, line {}", path, number),
                         .found = fmt::format("'{}'", line),
                         .expected = "an id from 0; '#' begins a comment"});
        }
        ids.push_back(id);
    }
    return ids;
}

/// The ids asked for, ascending.
std::vector<std::int64_t> asked_ids(const CatalogConfig& config, std::int64_t n_subhalo) {
    const IdChoice& choice = *config.catalog.ids;
    std::vector<std::int64_t> ids = choice.file.empty() ? choice.list : read_ids(config.cube.resolve(choice.file));
    std::sort(ids.begin(), ids.end());
    const auto twice = std::adjacent_find(ids.begin(), ids.end());
    if (twice != ids.end()) {
        throw Error({.kind = Kind::config,
                     .where = "catalog.ids",
                     .found = fmt::format("{} twice", *twice),
                     .expected = "every id once",
                     .cure = "several cubes of a galaxy: catalog.views"});
    }
    if (!ids.empty() && ids.back() >= n_subhalo) {
        throw Error({.kind = Kind::config,
                     .where = "catalog.ids",
                     .found = fmt::format("{}", ids.back()),
                     .expected = fmt::format("below {}, the number of subhaloes in the catalogue", n_subhalo)});
    }
    return ids;
}

/// Of `ids` those that the statement holds for.
std::vector<std::int64_t> those_that_hold(const Expression& select, const SubhaloTable& table,
                                          const std::vector<std::int64_t>& ids) {
    std::vector<std::span<const double>> columns;
    for (const std::string& name : select.columns()) { columns.emplace_back(table.column(name)); }
    const auto holds = select.evaluate(columns, table.n_row);
    std::vector<std::int64_t> out;
    for (const std::int64_t id : ids) {
        if (holds[static_cast<std::size_t>(id)] != 0) { out.push_back(id); }
    }
    return out;
}

/// The `limit` ids whose random numbers are the smallest, ascending.
std::vector<std::int64_t> sample(const std::vector<std::int64_t>& ids, std::int64_t limit, std::int64_t seed) {
    if (std::ssize(ids) <= limit) { return ids; }
    std::vector<std::pair<double, std::int64_t>> drawn;
    for (const std::int64_t id : ids) {
        const Philox random =
            Philox::at(static_cast<std::uint64_t>(seed), random_sample, static_cast<std::uint64_t>(id));
        drawn.emplace_back(random.uniform(0), id);
    }
    std::nth_element(drawn.begin(), drawn.begin() + limit, drawn.end());
    std::vector<std::int64_t> out;
    for (std::int64_t i = 0; i < limit; ++i) { out.push_back(drawn[static_cast<std::size_t>(i)].second); }
    std::sort(out.begin(), out.end());
    return out;
}

/// What redshifts and telescopes are chosen by.
struct Placing {
    explicit Placing(const CatalogConfig& of) : config(of), cosmology(of.cube.cosmology) {
        if (of.catalog.match) { cells = catalog::read_match(of.cube.resolve(*of.catalog.match)); }
        TelescopeOptions telescope = of.cube.telescope;
        for (const std::string& name : of.catalog.bundles) {
            telescope.name = name;
            fields.push_back(load_telescope(telescope, of.cube.folder).field_of_view);
        }
        if (fields.empty()) { field = load_telescope(telescope, of.cube.folder).field_of_view; }
        for (const double bundle : fields) { field = std::max(field, bundle); }
    }
    bool fills() const {
        return config.catalog.redshift && config.catalog.redshift->distribution == RedshiftDistribution::fill;
    }
    /// Columns of the group catalogue that are needed.
    std::vector<std::string> columns() const {
        std::vector<std::string> out;
        if (!cells.empty()) { out.emplace_back("mass_stars"); }
        if (fills() || !fields.empty()) { out.emplace_back("r_half"); }
        return out;
    }

    const CatalogConfig& config;
    Cosmology cosmology;
    std::vector<catalog::MatchCell> cells;
    std::vector<double> fields; ///< of the bundles, arcsec
    double field = 0;           ///< the largest
};

/// @param mass, radius  Msun, kpc; where columns() asks for them
double redshift_of(const Placing& placing, std::int64_t id, std::int64_t view, double mass, double radius) {
    const CatalogConfig& config = placing.config;
    const Cosmology& cosmology = placing.cosmology;
    constexpr std::int64_t most_views = 1 << 20; // catalog.views stays below it
    const Philox random = Philox::at(static_cast<std::uint64_t>(config.catalog.seed), random_redshift,
                                     static_cast<std::uint64_t>(id * most_views + view));
    const double u = random.uniform(0);
    if (!placing.cells.empty()) { return catalog::matched_redshift(placing.cells, mass, u, random.uniform(1)); }
    if (!config.catalog.redshift) { return config.cube.galaxy.redshift; }
    const RedshiftChoice& choice = *config.catalog.redshift;
    if (choice.min == choice.max) { return choice.min; }
    if (choice.distribution == RedshiftDistribution::fill) {
        return catalog::filling_redshift(cosmology, config.catalog.effective_radii * radius, placing.field, choice.min,
                                         choice.max);
    }
    if (choice.distribution == RedshiftDistribution::uniform) { return choice.min + u * (choice.max - choice.min); }
    const double near = cosmology.comoving_distance(choice.min), far = cosmology.comoving_distance(choice.max);
    const double cube = near * near * near + u * (far * far * far - near * near * near);
    const double distance = std::cbrt(cube);
    return catalog::redshift_between(choice.min, choice.max,
                                     [&](double redshift) { return cosmology.comoving_distance(redshift) < distance; });
}

/// Everything that the catalogue has of the selected galaxies, a value an entry.
void add_columns(const SnapshotOptions& input, const std::vector<std::int64_t>& ids, std::int64_t n_view,
                 Selection& out) {
    const std::vector<std::string> there = available_subhalo_columns(input);
    std::vector<std::string> names;
    for (const SubhaloColumn& column : subhalo_columns()) {
        if (column.name == "id" || std::find(there.begin(), there.end(), column.name) == there.end()) { continue; }
        out.columns.push_back(column);
        names.push_back(column.name);
    }
    const SubhaloTable table = read_subhaloes(input, names, ids);
    for (const std::string& name : names) {
        std::vector<double>& values = out.values.emplace_back();
        for (const double value : table.column(name)) {
            values.insert(values.end(), static_cast<std::size_t>(n_view), value);
        }
    }
}

/// One file is one galaxy: a cut-out, as web services hand them out.
bool is_cutout(const CatalogConfig& config) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(config.cube.resolve(config.cube.simulation.path), ignored);
}

/// The one entry of a cut-out and its views. It has no group catalogue, so nothing can be selected by.
Selection select_cutout(const CatalogConfig& config, const SnapshotOptions& input) {
    const bool other_ids = config.catalog.ids && !(config.catalog.ids->file.empty() &&
                                                   config.catalog.ids->list == std::vector<std::int64_t>{0});
    if (config.catalog.select || other_ids) {
        throw Error({.kind = Kind::config,
                     .where = config.catalog.select ? "catalog.select" : "catalog.ids",
                     .found = fmt::format("a choice among subhaloes, and {}, which is one file", input.path),
                     .expected = "the folder of a run with its group catalogue, or no choice",
                     .cure = "A cut-out is a catalogue of one galaxy, with id 0: set catalog.select: null"});
    }
    const auto alone = make_self_communicator();
    const SnapshotInfo info = open_snapshot(input, *alone)->info();
    Selection out;
    out.n_subhalo = out.n_galaxy = 1;
    out.snapshot = input.snapshot.value_or(0);
    out.snapshot_redshift = info.redshift.value_or(0);
    out.source = input.path;
    Fnv1a hash;
    const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(input.path));
    hash.add_bytes(&bytes, sizeof bytes);
    hash.add_bytes(&info.n_star_rows, sizeof info.n_star_rows);
    out.checksum = hash.hash();
    const Placing placing(config);
    if (!placing.columns().empty()) {
        throw Error({.kind = Kind::config,
                     .where = config.catalog.match ? "catalog.match" : "catalog.effective_radii",
                     .found = fmt::format("a choice by mass or radius, and {}, which is one file", input.path),
                     .expected = "the folder of a run with its group catalogue",
                     .cure = "Set catalog.match and catalog.bundles to null and [], and catalog.redshift to a number"});
    }
    for (std::int64_t view = 0; view < config.catalog.views; ++view) {
        out.entries.push_back(
            {.id = 0, .view = view, .redshift = redshift_of(placing, 0, view, 0, 0), .n_rows = info.n_star_rows});
    }
    return out;
}

} // namespace

Expression compile_selection(const CatalogOptions& options) {
    return Expression::compile(options.select.value_or(""), expression_columns(), "catalog.select");
}

Selection select_galaxies(const CatalogConfig& config) {
    SnapshotOptions input = config.cube.simulation;
    if (!input.path.empty()) { input.path = config.cube.resolve(input.path); }
    if (is_cutout(config)) { return select_cutout(config, input); }
    const Expression select = compile_selection(config.catalog);
    std::vector<std::string> names = select.columns();
    if (std::find(names.begin(), names.end(), "n_stars") == names.end()) { names.emplace_back("n_stars"); }
    const Placing placing(config);
    for (const std::string& name : placing.columns()) {
        if (std::find(names.begin(), names.end(), name) == names.end()) { names.push_back(name); }
    }
    const SubhaloTable table = read_subhaloes(input, names);

    std::vector<std::int64_t> ids(static_cast<std::size_t>(table.n_row));
    std::iota(ids.begin(), ids.end(), 0);
    if (config.catalog.ids) { ids = asked_ids(config, table.n_row); }
    const std::size_t n_asked = ids.size();
    ids = those_that_hold(select, table, ids);
    if (config.catalog.ids && ids.size() < n_asked) {
        log::info(fmt::format("{} of the {} subhaloes of catalog.ids do not meet catalog.select", n_asked - ids.size(),
                              n_asked));
    }
    if (!placing.cells.empty()) {
        ids = catalog::matched_sample(placing.cells, ids, table.column("mass_stars"), *config.catalog.limit,
                                      config.catalog.seed);
    } else if (config.catalog.limit) {
        ids = sample(ids, *config.catalog.limit, config.catalog.seed);
    }
    if (ids.empty()) {
        throw Error({.kind = Kind::config,
                     .where = "catalog.select",
                     .found = fmt::format("none of the {} subhaloes of {} for '{}'", table.n_row, table.source,
                                          config.catalog.select.value_or("")),
                     .expected = "at least one",
                     .cure = "loosen the statement"});
    }

    Selection out;
    out.n_subhalo = table.n_row;
    out.n_galaxy = std::ssize(ids);
    out.snapshot = table.snapshot;
    out.snapshot_redshift = table.redshift;
    out.source = table.source;
    out.checksum = table.checksum;
    const std::vector<double>& n_stars = table.column("n_stars");
    const auto values_of = [&](const char* name) { // none where nobody asks for them
        const bool there = std::find(table.names.begin(), table.names.end(), name) != table.names.end();
        return there ? std::span<const double>(table.column(name)) : std::span<const double>();
    };
    const std::span<const double> masses = values_of("mass_stars"), radii = values_of("r_half");
    for (const std::int64_t id : ids) {
        const auto row = static_cast<std::size_t>(id);
        const double mass = masses.empty() ? 0.0 : masses[row], radius = radii.empty() ? 0.0 : radii[row];
        for (std::int64_t view = 0; view < config.catalog.views; ++view) {
            CatalogEntry entry{.id = id,
                               .view = view,
                               .redshift = redshift_of(placing, id, view, mass, radius),
                               .n_rows = static_cast<std::int64_t>(n_stars[row])};
            if (!placing.fields.empty()) {
                const double kpc = config.catalog.effective_radii * radius;
                // A view at the redshift that fills the field must not be a rounding error too large for it.
                const double reach = kpc / placing.cosmology.kpc_per_arcsec(entry.redshift) * (1 - 1e-9);
                entry.bundle = catalog::smallest_field(placing.fields, reach);
            }
            out.entries.push_back(entry);
        }
    }
    add_columns(input, ids, config.catalog.views, out);
    return out;
}

std::string cube_extension(const CatalogOptions& options) {
    return options.format == CatalogFormat::fits ? "fits" : "h5";
}

std::string cube_path(const CatalogConfig& config, const CatalogEntry& entry) {
    return config.cube.resolve(config.catalog.output) + "/" + cube_name(entry, cube_extension(config.catalog));
}

std::optional<double> depth_of(const CatalogConfig& config) {
    const auto& depth = config.cube.simulation.depth;
    return config.catalog.stars == CatalogStars::field ? depth.value_or(default_depth) : depth;
}

ViewOptions view_of(const CatalogConfig& config, const CatalogEntry& entry) {
    ViewOptions out = config.cube.view;
    out.seed += entry.view;
    return out;
}

Config config_of(const CatalogConfig& config, const CatalogEntry& entry, const std::string& file) {
    Config out = config.cube;
    if (!is_cutout(config)) { out.simulation.subhalo = entry.id; }
    out.simulation.depth = depth_of(config);
    if (entry.bundle >= 0) { out.telescope.name = config.catalog.bundles.at(static_cast<std::size_t>(entry.bundle)); }
    out.galaxy.redshift = entry.redshift;
    out.view = view_of(config, entry);
    out.noise.seed += entry.view;
    out.output.path = file;
    return out;
}

} // namespace tessera
