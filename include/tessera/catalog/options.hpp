#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tessera/core/options.hpp"
#include "tessera/pipeline/config.hpp"

namespace tessera {

/// Subhaloes by number: a list, or a text file of one number a line.
struct IdChoice {
    std::vector<std::int64_t> list;
    std::string file; ///< empty: the list is what counts
};
template <>
struct OptionType<IdChoice> {
    static std::string name() { return "list of integer | file of one id a line"; }
    static IdChoice parse(const Value& value);
    static Value print(const IdChoice& value);
};

/// How galaxies are drawn between two redshifts.
enum class RedshiftDistribution {
    uniform, ///< in redshift
    volume,  ///< in comoving volume
    fill,    ///< where catalog.effective_radii of the galaxy reach from the centre of the field to its edge
};
template <>
struct EnumWords<RedshiftDistribution> {
    static constexpr std::array words{std::pair{RedshiftDistribution::uniform, std::string_view("uniform")},
                                      std::pair{RedshiftDistribution::volume, std::string_view("volume")},
                                      std::pair{RedshiftDistribution::fill, std::string_view("fill")}};
};

/// Where galaxies are put: all at `min`, or each view at its own redshift from `min` to `max`.
struct RedshiftChoice {
    double min = 0, max = 0;
    RedshiftDistribution distribution = RedshiftDistribution::uniform;
};
template <>
struct OptionType<RedshiftChoice> {
    static std::string name() { return "number | {min, max, distribution: uniform | volume | fill}"; }
    static RedshiftChoice parse(const Value& value);
    static Value print(const RedshiftChoice& value);
};

/// Which stars a galaxy's cube shows.
enum class CatalogStars { subhalo, field };
template <>
struct EnumWords<CatalogStars> {
    static constexpr std::array words{std::pair{CatalogStars::subhalo, std::string_view("subhalo")},
                                      std::pair{CatalogStars::field, std::string_view("field")}};
};

/// Who makes a galaxy that alone would keep a group of ranks busy for longer than its fair share of all the work.
enum class Giants { together, apart };
template <>
struct EnumWords<Giants> {
    static constexpr std::array words{std::pair{Giants::together, std::string_view("together")},
                                      std::pair{Giants::apart, std::string_view("apart")}};
};

enum class CatalogFormat { hdf5, fits, shards };
template <>
struct EnumWords<CatalogFormat> {
    static constexpr std::array words{std::pair{CatalogFormat::hdf5, std::string_view("hdf5")},
                                      std::pair{CatalogFormat::fits, std::string_view("fits")},
                                      std::pair{CatalogFormat::shards, std::string_view("shards")}};
};

/// Which subhaloes of a snapshot become cubes, and where the cubes go.
struct CatalogOptions {
    std::optional<std::string> select = "n_stars > 0 and flag == 1";
    std::optional<IdChoice> ids;
    std::optional<std::int64_t> limit;
    std::int64_t seed = 1;
    std::int64_t views = 1;
    std::optional<RedshiftChoice> redshift;
    std::optional<std::string> match;
    std::vector<std::string> bundles;
    double effective_radii = 1.5;
    CatalogStars stars = CatalogStars::subhalo;
    std::string output = "mocks";
    CatalogFormat format = CatalogFormat::hdf5;
    std::int64_t shard_size = 64;
    double validation = 0.1;
    std::int64_t ranks = 1;
    std::int64_t together = 16;
    std::optional<double> time_limit;
    std::vector<std::string> bands{"tophat"};
    Giants giants = Giants::together;

    template <class Visitor>
    void describe(Visitor& key) {
        key("catalog.select", select, unit::none,
            "which subhaloes, as a statement about the group catalogue with units (docs/catalogues.md); null: all");
        key("catalog.ids", ids, unit::none,
            "only these subhaloes, of those that catalog.select takes; null: all of them");
        key("catalog.limit", limit, unit::none,
            "a random sample of this many of them, by catalog.seed; a larger one holds the smaller; null: all",
            at_least(1));
        key("catalog.seed", seed, unit::none, "seed of the sample and of drawn redshifts", at_least(0));
        key("catalog.views", views, unit::none,
            "cubes of each galaxy; view v is that of view.seed + v and noise.seed + v, v from 0", at_least(1),
            at_most(1000000));
        key("catalog.redshift", redshift, unit::none,
            "observed redshift of the galaxies, or a range to draw each view's from; null: galaxy.redshift");
        key("catalog.match", match, unit::none,
            "file of a target distribution that the sample of catalog.limit follows, and its redshifts: mass_min "
            "mass_max [Msun] "
            "redshift_min redshift_max weight, a cell a line; null: none");
        key("catalog.bundles", bundles, unit::none,
            "telescopes, of which each cube takes the smallest whose field reaches catalog.effective_radii; empty: "
            "telescope.name");
        key("catalog.effective_radii", effective_radii, unit::none,
            "half-mass radii of the stars from the centre of the field to its edge, for catalog.bundles and redshifts "
            "that fill the field",
            above(0));
        key("catalog.stars", stars, unit::none,
            "subhalo: the stars bound to it; field: all in the telescope's field and within simulation.depth (null: "
            "1000 kpc) along the line of sight, neighbours and diffuse light included");
        key("catalog.output", output, unit::none,
            "folder of cubes, catalogue table and manifest; relative to the config file");
        key("catalog.format", format, unit::none,
            "of the cubes: hdf5 (<subhalo>_<view>.h5), fits, or shards: many in a file, for machine learning");
        key("catalog.shard_size", shard_size, unit::none, "cubes in a shard", at_least(1));
        key("catalog.validation", validation, unit::none,
            "fraction of the galaxies whose cubes go to shards for validation, by catalog.seed", at_least(0),
            at_most(1));
        key("catalog.ranks", ranks, unit::none, "ranks that make one cube together; 1: every rank its own",
            at_least(1));
        key("catalog.together", together, unit::none,
            "small galaxies that a GPU makes in one synthesis at most, where they agree in redshift, telescope and "
            "settings; 1: one by one",
            at_least(1), at_most(16));
        key("catalog.time_limit", time_limit, unit::second,
            "longest time for one galaxy, which fails then while the others go on; null: any", above(0));
        key("catalog.bands", bands, unit::none,
            "AB magnitudes of the table: files of transmission curves (HDF5, FILE:NAME for one of its curves, or text "
            "of two columns), "
            "or tophat: 4000-5500-7000-8500 Angstrom; those within the cubes' wavelengths are taken");
        key("catalog.giants", giants, unit::none,
            "a galaxy that costs more than a rank's share of the whole catalogue, and more than some 10 s; together: "
            "made by all ranks, "
            "before the others (its cube then agrees to rounding); apart: as the others");
    }
};

/// Of catalog.stars: field, where simulation.depth is null; kpc.
inline constexpr double default_depth = 1000;

/// The cube that is made of every galaxy, and the galaxies.
struct CatalogConfig {
    Config cube;
    CatalogOptions catalog;

    template <class Visitor>
    void describe(Visitor& key) {
        cube.describe(key);
        catalog.describe(key);
    }
};

/// Reads the file, then the `key=value` settings.
/// @throws Error(Kind::config)  as read_config of the cube; a selection that cannot be understood; settings that contradict each other
CatalogConfig read_catalog_config(const std::string& path, const std::vector<std::string>& settings);

/// Checks that need no input data. read_catalog_config calls it.
void check_catalog(const CatalogConfig& config);

} // namespace tessera
