#include "tessera/catalog/options.hpp"

#include <fmt/format.h>

#include "tessera/catalog/selection.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

IdChoice OptionType<IdChoice>::parse(const Value& value) {
    if (const std::string* file = value.as_string()) {
        if (file->empty()) { throw_expected(name()); }
        return {.list = {}, .file = *file};
    }
    IdChoice out{.list = OptionType<std::vector<std::int64_t>>::parse(value), .file = {}};
    for (const std::int64_t id : out.list) {
        if (id < 0) { throw_expected("ids from 0"); }
    }
    return out;
}

Value OptionType<IdChoice>::print(const IdChoice& value) {
    return value.file.empty() ? OptionType<std::vector<std::int64_t>>::print(value.list) : Value(value.file);
}

RedshiftChoice OptionType<RedshiftChoice>::parse(const Value& value) {
    RedshiftChoice out;
    if (value.number(out.min)) {
        out.max = out.min;
    } else {
        const Value::Map* map = value.as_map();
        const Value *min = value.find("min"), *max = value.find("max"), *distribution = value.find("distribution");
        const std::size_t n_known =
            (min != nullptr ? 1U : 0U) + (max != nullptr ? 1U : 0U) + (distribution != nullptr ? 1U : 0U);
        if (map == nullptr || min == nullptr || max == nullptr || map->size() != n_known) { throw_expected(name()); }
        out.min = OptionType<double>::parse(*min);
        out.max = OptionType<double>::parse(*max);
        if (distribution != nullptr) { out.distribution = OptionType<RedshiftDistribution>::parse(*distribution); }
        if (!(out.min < out.max)) { throw_expected("min below max"); }
    }
    if (!(out.min > 0)) { throw_expected("redshifts > 0"); }
    return out;
}

Value OptionType<RedshiftChoice>::print(const RedshiftChoice& value) {
    if (value.min == value.max) { return {value.min}; }
    return {Value::Map{{"min", Value(value.min)},
                       {"max", Value(value.max)},
                       {"distribution", OptionType<RedshiftDistribution>::print(value.distribution)}}};
}

CatalogConfig read_catalog_config(const std::string& path, const std::vector<std::string>& settings) {
    CatalogConfig config;
    OptionTable table = option_table(config);
    read_config(path, settings, config.cube, table);
    check_catalog(config);
    return config;
}

void check_catalog(const CatalogConfig& config) {
    const auto refuse = [](const std::string& where, const std::string& found, const std::string& expected,
                           const std::string& cure) {
        throw Error({.kind = Kind::config, .where = where, .found = found, .expected = expected, .cure = cure});
    };
    static_cast<void>(compile_selection(config.catalog));
    if (config.catalog.output.empty()) { refuse("catalog.output", "nothing", "a folder", ""); }
    if (config.cube.simulation.subhalo) {
        refuse("simulation.subhalo", fmt::format("{}", *config.cube.simulation.subhalo),
               "null: catalog.select and catalog.ids choose the subhaloes", "Use catalog.ids for this one alone");
    }
    if (config.cube.simulation.depth && config.catalog.stars == CatalogStars::subhalo) {
        refuse("simulation.depth", fmt::format("{:g} kpc, with catalog.stars: subhalo", *config.cube.simulation.depth),
               "null: the stars bound to a subhalo are taken wherever they are", "Set catalog.stars: field");
    }
    if (config.cube.output.fits || config.cube.output.quicklook) {
        refuse(config.cube.output.fits ? "output.fits" : "output.quicklook", "a file name",
               "null: a catalogue has one file a galaxy, named by its id", "Choose FITS by catalog.format: fits");
    }
    if (config.catalog.match && !config.catalog.limit) {
        refuse("catalog.match", "no catalog.limit", "the size of the sample that is to follow it", "Set catalog.limit");
    }
    if (config.catalog.match && config.catalog.redshift) {
        refuse("catalog.match", "catalog.redshift as well", "null: the file has redshifts",
               "Leave out catalog.redshift");
    }
    if (!config.catalog.bundles.empty() && config.catalog.format == CatalogFormat::shards) {
        refuse("catalog.bundles", "catalog.format: shards", "cubes of one shape", "Use catalog.format: hdf5");
    }
    if (!config.catalog.bundles.empty() && config.cube.telescope.field_of_view) {
        refuse("catalog.bundles", "telescope.field_of_view, which would make them all the same", "null",
               "Leave it out");
    }
    const auto kind = config.cube.view.rotation.kind;
    if (config.catalog.views > 1 && kind != RotationKind::random && config.cube.noise.kind == NoiseKind::none) {
        refuse("catalog.views",
               fmt::format("{} with view.rotation: {} and no noise", config.catalog.views, word_of(kind)),
               "view.rotation: random, or noise: otherwise all views of a galaxy are the same",
               "Set view.rotation: random");
    }
    if (config.cube.galaxy.centre.kind == CentreKind::point ||
        config.cube.galaxy.velocity.kind == VelocityKind::point) {
        refuse("galaxy.centre, galaxy.velocity", "one point for all galaxies", "a way to find each galaxy's own",
               "Leave them at auto");
    }
}

} // namespace tessera
