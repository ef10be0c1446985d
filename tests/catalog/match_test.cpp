// Samples that follow a target distribution, redshifts and telescopes that fit the galaxies' sizes.
#include "catalog/match.hpp"

#include <cmath>
#include <fstream>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "catalog/fill.hpp"
#include "tessera/cosmology/cosmology.hpp"
#include "tests/catalog/box.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using catalog::MatchCell;

TEST(MatchedSample, HasTheSharesOfTheCells) {
    const std::vector<MatchCell> cells{{1e9, 1e10, 0.01, 0.02, 1},
                                       {1e9, 1e10, 0.03, 0.05, 2},
                                       {1e10, 1e11, 0.02, 0.1, 2.5},
                                       {1e11, 1e12, 0.1, 0.1, 1}};
    std::mt19937 random(2);
    std::uniform_real_distribution<double> exponent(8.5, 12.5);
    std::vector<double> mass;
    for (int i = 0; i < 4000; ++i) { mass.push_back(std::pow(10, exponent(random))); }
    std::vector<std::int64_t> ids(mass.size());
    std::iota(ids.begin(), ids.end(), 0);
    const auto sample = catalog::matched_sample(cells, ids, mass, 100, 7);
    std::map<int, int> n; // by decade
    for (const std::int64_t id : sample) { ++n[static_cast<int>(std::log10(mass[static_cast<std::size_t>(id)]))]; }
    // 100 times 3, 2.5 and 1 of 6.5: 46.15, 38.46, 15.38; the one left goes to the largest remainder.
    EXPECT_EQ(n, (std::map<int, int>{{9, 46}, {10, 39}, {11, 15}}));
    EXPECT_TRUE(std::is_sorted(sample.begin(), sample.end()));
    EXPECT_EQ(std::set<std::int64_t>(sample.begin(), sample.end()).size(), 100U);
    EXPECT_EQ(catalog::matched_sample(cells, ids, mass, 100, 7), sample);
    EXPECT_NE(catalog::matched_sample(cells, ids, mass, 100, 8), sample);

    // Too few heavy ones: all of them, and no others in their place.
    std::vector<std::int64_t> few;
    for (const std::int64_t id : ids) {
        if (mass[static_cast<std::size_t>(id)] < 1e11 || std::ssize(few) < 5) { few.push_back(id); }
    }
    std::int64_t n_heavy = 0;
    for (const std::int64_t id : few) {
        n_heavy += mass[static_cast<std::size_t>(id)] >= 1e11 && mass[static_cast<std::size_t>(id)] < 1e12 ? 1 : 0;
    }
    ASSERT_LT(n_heavy, 15);
    EXPECT_EQ(std::ssize(catalog::matched_sample(cells, few, mass, 100, 7)), 85 + n_heavy);
}

TEST(MatchedRedshift, IsDrawnFromTheCellsOfTheMass) {
    const std::vector<MatchCell> cells{
        {1e9, 1e10, 0.01, 0.02, 1}, {1e9, 1e10, 0.03, 0.05, 3}, {1e10, 1e11, 0.1, 0.1, 9}};
    int n_near = 0;
    double sum = 0;
    for (int i = 0; i < 1000; ++i) {
        for (int j = 0; j < 10; ++j) {
            const double z = catalog::matched_redshift(cells, 5e9, (i + 0.5) / 1000, (j + 0.5) / 10);
            EXPECT_TRUE((z > 0.01 && z < 0.02) || (z > 0.03 && z < 0.05)) << z;
            n_near += z < 0.025 ? 1 : 0;
            sum += z;
        }
    }
    EXPECT_EQ(n_near, 2500);
    EXPECT_NEAR(sum / 10000, 0.25 * 0.015 + 0.75 * 0.04, 1e-12);
    EXPECT_EQ(catalog::matched_redshift(cells, 1e10, 0.3, 0.7), 0.1);
    EXPECT_TRUE(test::error_of([&] { catalog::matched_redshift(cells, 1e12, 0.5, 0.5); }).has_value());
}

TEST(FillingRedshift, PutsTheRadiusOnTheEdgeOfTheField) {
    const Cosmology cosmology(67.74, 0.3089);
    for (const double kpc : {3.0, 7.0, 20.0}) {
        const double z = catalog::filling_redshift(cosmology, kpc, 32.5, 0.001, 0.5);
        EXPECT_NEAR(kpc / cosmology.kpc_per_arcsec(z), 16.25, 1e-8);
    }
    EXPECT_EQ(catalog::filling_redshift(cosmology, 0.1, 32.5, 0.01, 0.1), 0.01) << "too small";
    EXPECT_EQ(catalog::filling_redshift(cosmology, 500, 32.5, 0.01, 0.1), 0.1) << "too large";
}

TEST(SmallestField, IsThatWhichReachesFarEnough) {
    const std::vector<double> fields{12.5, 17.5, 22.5, 27.5, 32.5};
    EXPECT_EQ(catalog::smallest_field(fields, 1), 0);
    EXPECT_EQ(catalog::smallest_field(fields, 6.25), 0);
    EXPECT_EQ(catalog::smallest_field(fields, 6.26), 1);
    EXPECT_EQ(catalog::smallest_field(fields, 16), 4);
    EXPECT_EQ(catalog::smallest_field(fields, 100), 4) << "the largest";
    EXPECT_EQ(catalog::smallest_field({30, 10, 20}, 7), 2);
}

TEST(MatchFile, IsReadAndRefusedWhereItIsBroken) {
    const auto folder = test::scratch("match");
    const auto write = [&](const std::string& text) {
        std::ofstream(folder / "cells.txt") << text;
        return (folder / "cells.txt").string();
    };
    const auto cells = catalog::read_match(
        write("# a comment\n1e9 1e10 0.01 0.02 1 # here\n\n1e10 1e11 0.02 0.03 0\n1e9 1e10 0.02 0.03 2\n"));
    ASSERT_EQ(cells.size(), 2U);
    EXPECT_EQ(cells[1].redshift_max, 0.03);
    EXPECT_EQ(cells[1].weight, 2);
    for (const char* text : {"", "1e9 1e10 0.01 0.02\n", "1e9 1e10 0.01 0.02 1 1\n", "1e10 1e9 0.01 0.02 1\n",
                             "1e9 1e10 0 0.02 1\n", "1e9 1e10 0.01 0.02 -1\n", "1e9 1e10 0.01 0.02 0\n",
                             "1e9 1e10 0.01 0.02 x\n", "1e9 1e10 0.01 0.02 1\n5e9 2e10 0.01 0.02 1\n"}) {
        const auto error = test::error_of([&] { catalog::read_match(write(text)); });
        ASSERT_TRUE(error.has_value()) << text;
        EXPECT_EQ(error->kind(), Kind::config);
    }
}

TEST(Selection, PlacesGalaxiesByMassAndSize) {
    const test::Box box("placing");
    const auto choose = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"telescope.field_of_view=null", "telescope.spaxel_size=null"});
        return box.config(more);
    };
    SnapshotOptions input;
    input.path = box.path;
    const auto table = read_subhaloes(input, {"mass_stars", "r_half"});
    const Cosmology cosmology(box.config().cube.cosmology);

    const auto filled = choose({"telescope.name=MaNGA_127", "catalog.effective_radii=2.5",
                                "catalog.redshift={min: 0.001, max: 0.5, distribution: fill}"});
    for (const CatalogEntry& entry : select_galaxies(filled).entries) {
        const double kpc = 2.5 * table.column("r_half")[static_cast<std::size_t>(entry.id)];
        EXPECT_NEAR(kpc / cosmology.kpc_per_arcsec(entry.redshift), 16.25, 1e-6);
    }

    const auto bundled = choose({"catalog.redshift={min: 0.004, max: 0.1, distribution: uniform}",
                                 "catalog.bundles=[MaNGA_19, MaNGA_37, MaNGA_61, MaNGA_91, MaNGA_127]"});
    const std::vector<std::pair<double, std::string>> bundles{
        {12.5, "MaNGA_19"}, {17.5, "MaNGA_37"}, {22.5, "MaNGA_61"}, {27.5, "MaNGA_91"}, {32.5, "MaNGA_127"}};
    std::set<std::string> used;
    for (const CatalogEntry& entry : select_galaxies(bundled).entries) {
        const double radius =
            1.5 * table.column("r_half")[static_cast<std::size_t>(entry.id)] / cosmology.kpc_per_arcsec(entry.redshift);
        std::string expected = "MaNGA_127";
        for (auto it = bundles.rbegin(); it != bundles.rend(); ++it) {
            if (0.5 * it->first >= radius) { expected = it->second; }
        }
        EXPECT_EQ(config_of(bundled, entry, "cube.h5").telescope.name, expected);
        used.insert(expected);
    }
    EXPECT_GE(used.size(), 2U) << "all galaxies are of one size";

    auto masses = table.column("mass_stars");
    std::sort(masses.begin(), masses.end());
    std::ofstream(box.folder / "cells.txt")
        << fmt::format("{0} {1} 0.02 0.03 1\n{1} {2} 0.05 0.06 3\n", masses[2], masses[8], 2 * masses.back());
    const auto matched =
        choose({"catalog.select=null", "catalog.limit=4", "catalog.match=" + (box.folder / "cells.txt").string()});
    const auto entries = select_galaxies(matched).entries;
    ASSERT_EQ(entries.size(), 4U);
    int n_light = 0;
    for (const CatalogEntry& entry : entries) {
        const bool light = table.column("mass_stars")[static_cast<std::size_t>(entry.id)] < masses[8];
        n_light += light ? 1 : 0;
        EXPECT_GE(entry.redshift, light ? 0.02 : 0.05);
        EXPECT_LE(entry.redshift, light ? 0.03 : 0.06);
    }
    EXPECT_EQ(n_light, 1);
    for (const char* setting : {"catalog.limit=null", "catalog.redshift=0.1"}) {
        const auto error = test::error_of(
            [&] { choose({"catalog.limit=4", "catalog.match=" + (box.folder / "cells.txt").string(), setting}); });
        ASSERT_TRUE(error.has_value());
        EXPECT_NE(std::string(error->what()).find("catalog.match"), std::string::npos);
    }
}

TEST(Catalogue, OfSeveralBundlesHasCubesOfSeveralSizes) {
    const test::Box box("bundles");
    const auto config = box.config({"telescope.field_of_view=null", "telescope.spaxel_size=null",
                                    "telescope.wavelength_range=[5000, 5010]",
                                    "catalog.redshift={min: 0.004, max: 0.1, distribution: uniform}",
                                    "catalog.bundles=[MaNGA_19, MaNGA_127]", "catalog.limit=6"});
    const CatalogSummary made = run_catalog(config, {}, test::world());
    ASSERT_EQ(made.n_done, made.n_entry);
    EXPECT_TRUE(verify_catalog((box.folder / "mocks").string(), test::world()).problems.empty());
    const auto bundle = io::Hdf5File::open((box.folder / "mocks/catalogue.hdf5").string())
                            .dataset("Galaxies/bundle")
                            .read_all<std::int64_t>();
    const auto entries = select_galaxies(config).entries;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        EXPECT_EQ(io::Hdf5File::open(cube_path(config, entries[i])).dataset("flux").shape()[1],
                  bundle[i] == 0 ? 25 : 65);
    }
    EXPECT_EQ(std::set<std::int64_t>(bundle.begin(), bundle.end()).size(), 2U);
    EXPECT_EQ(run_catalog(config, {.resume = true}, test::world()).n_made, 0);
}

} // namespace
} // namespace tessera
