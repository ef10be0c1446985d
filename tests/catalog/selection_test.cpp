// Which galaxies are taken, where they are put, and what the group catalogue's numbers are in physical units.
#include "tessera/catalog/selection.hpp"

#include <fstream>
#include <set>
#include <sstream>

#include "tests/catalog/box.hpp"

namespace tessera {
namespace {

const test::Box& box() {
    static const test::Box at("selection", 1.0);
    return at;
}

std::vector<std::int64_t> ids_of(const Selection& selection) {
    std::vector<std::int64_t> out;
    for (const CatalogEntry& entry : selection.entries) {
        if (out.empty() || out.back() != entry.id) { out.push_back(entry.id); }
    }
    return out;
}

/// Rows of a dataset of all chunks of the catalogue, as stored.
std::vector<double> stored(const std::string& dataset) {
    std::vector<double> out;
    for (int c = 0; c < 3; ++c) {
        const auto file = io::Hdf5File::open(fmt::format("{}/groups_099/fof_subhalo_tab_099.{}.hdf5", box().path, c));
        if (!file.has_dataset(dataset)) { continue; }
        const auto part = file.dataset(dataset).read_all<double>();
        out.insert(out.end(), part.begin(), part.end());
    }
    return out;
}

TEST(Subhaloes, AreInPhysicalUnits) {
    SnapshotOptions input;
    input.path = box().path;
    const SubhaloTable table = read_subhaloes(
        input, {"id", "mass_stars", "r_half", "sfr", "x", "v_x", "central", "group", "n_stars", "group_mass"});
    ASSERT_EQ(table.n_row, 14);
    EXPECT_EQ(table.snapshot, 99);
    EXPECT_NEAR(table.redshift, 1.0, 1e-9);
    constexpr double h = 0.6774, a = 0.5;
    const auto mass = stored("Subhalo/SubhaloMassType"), radius = stored("Subhalo/SubhaloHalfmassRadType"),
               sfr = stored("Subhalo/SubhaloSFR"), position = stored("Subhalo/SubhaloPos"),
               velocity = stored("Subhalo/SubhaloVel"), group = stored("Subhalo/SubhaloGrNr"),
               first = stored("Group/GroupFirstSub"), group_mass = stored("Group/GroupMass"),
               length = stored("Subhalo/SubhaloLenType");
    int n_central = 0;
    for (std::size_t i = 0; i < 14; ++i) {
        const auto g = static_cast<std::size_t>(group[i]);
        EXPECT_NEAR(table.column("mass_stars")[i], mass[6 * i + 4] * 1e10 / h, 1e-6 * mass[6 * i + 4] * 1e10);
        EXPECT_NEAR(table.column("r_half")[i], radius[6 * i + 4] * a / h, 1e-6 * radius[6 * i + 4]);
        EXPECT_EQ(table.column("sfr")[i], sfr[i]);
        EXPECT_NEAR(table.column("x")[i], position[3 * i] * a / h, 1e-6 * position[3 * i]);
        EXPECT_EQ(table.column("v_x")[i], velocity[3 * i]) << "peculiar as stored, no sqrt(a)";
        EXPECT_EQ(table.column("n_stars")[i], length[6 * i + 4]);
        EXPECT_EQ(table.column("id")[i], static_cast<double>(i));
        EXPECT_EQ(table.column("central")[i], first[g] == static_cast<double>(i) ? 1 : 0);
        EXPECT_NEAR(table.column("group_mass")[i], group_mass[g] * 1e10 / h, 1e-6 * group_mass[g] * 1e10);
        n_central += static_cast<int>(table.column("central")[i]);
    }
    EXPECT_GT(n_central, 0);
    EXPECT_LT(n_central, 14);
}

TEST(Subhaloes, OnlyThoseAskedForAreKept) {
    SnapshotOptions input;
    input.path = box().path;
    const std::vector<std::int64_t> rows{0, 5, 13};
    const auto all = read_subhaloes(input, {"mass", "group_mass"}),
               some = read_subhaloes(input, {"mass", "group_mass"}, rows);
    for (const char* name : {"mass", "group_mass"}) {
        ASSERT_EQ(some.column(name).size(), 3U);
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_EQ(some.column(name)[i], all.column(name)[static_cast<std::size_t>(rows[i])]);
        }
    }
    EXPECT_EQ(some.checksum, all.checksum);
}

TEST(Subhaloes, AColumnThatTheCatalogueLacksIsNamed) {
    const auto error =
        test::error_of([] { static_cast<void>(select_galaxies(box().config({"catalog.select=v_max > 3 km/s"}))); });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), Kind::data);
    EXPECT_NE(std::string(error->what()).find("Subhalo/SubhaloVmax"), std::string::npos) << error->what();
}

TEST(Selection, TakesWhatTheStatementHoldsFor) {
    const Selection selection = select_galaxies(box().config({"catalog.select=n_stars > 300 and flag == 1"}));
    const auto length = stored("Subhalo/SubhaloLenType"), flag = stored("Subhalo/SubhaloFlag");
    std::vector<std::int64_t> expected;
    for (std::size_t i = 0; i < flag.size(); ++i) {
        if (length[6 * i + 4] > 300 && flag[i] == 1) { expected.push_back(static_cast<std::int64_t>(i)); }
    }
    EXPECT_EQ(ids_of(selection), expected);
    EXPECT_EQ(selection.n_subhalo, 14);
    for (const CatalogEntry& entry : selection.entries) {
        EXPECT_EQ(static_cast<double>(entry.n_rows), length[static_cast<std::size_t>(6 * entry.id + 4)]);
        EXPECT_EQ(entry.redshift, 0.05) << "galaxy.redshift";
    }
}

TEST(Selection, TakesListsAndFilesOfIds) {
    EXPECT_EQ(ids_of(select_galaxies(box().config({"catalog.ids=[7, 2, 5]", "catalog.select=n_stars > 0"}))),
              (std::vector<std::int64_t>{2, 5, 7}));
    const std::string file = (box().folder / "ids.txt").string();
    std::ofstream(file) << "# chosen by eye\n 4\n\n1 # the other\n";
    EXPECT_EQ(ids_of(select_galaxies(box().config({"catalog.ids=" + file, "catalog.select=null"}))),
              (std::vector<std::int64_t>{1, 4}));
    const auto kind_of = [](const std::string& setting) {
        const auto error = test::error_of([&] { static_cast<void>(select_galaxies(box().config({setting}))); });
        return error ? error->kind() : Kind::internal;
    };
    EXPECT_EQ(kind_of("catalog.ids=[1, 1]"), Kind::config);
    EXPECT_EQ(kind_of("catalog.ids=[14]"), Kind::config) << "there are 14, from 0";
    EXPECT_EQ(kind_of("catalog.ids=[-1]"), Kind::config);
    EXPECT_EQ(kind_of("catalog.ids=nowhere.txt"), Kind::config);
    EXPECT_EQ(kind_of("catalog.select=n_stars < 0"), Kind::config) << "none is selected";
}

TEST(Selection, SamplesByTheSeedAndALargerSampleHoldsTheSmaller) {
    const auto sample = [](int limit, int seed) {
        const auto ids = ids_of(select_galaxies(box().config(
            {"catalog.select=null", fmt::format("catalog.limit={}", limit), fmt::format("catalog.seed={}", seed)})));
        return std::set<std::int64_t>(ids.begin(), ids.end());
    };
    const auto five = sample(5, 1), nine = sample(9, 1);
    EXPECT_EQ(five.size(), 5U);
    EXPECT_TRUE(std::includes(nine.begin(), nine.end(), five.begin(), five.end()));
    EXPECT_EQ(sample(5, 1), five);
    EXPECT_EQ(sample(50, 1).size(), 14U);
    int n_other = 0;
    std::vector<int> taken(14, 0);
    for (int seed = 0; seed < 40; ++seed) {
        const auto other = sample(5, seed);
        n_other += other != five ? 1 : 0;
        for (const std::int64_t id : other) { ++taken[static_cast<std::size_t>(id)]; }
    }
    EXPECT_GT(n_other, 30);
    // 40 draws of 5 of 14: 14.3 times each, standard deviation 3.0.
    for (const int n : taken) { EXPECT_NEAR(n, 40 * 5 / 14.0, 4 * 3.0); }
}

TEST(Selection, EveryViewHasSeedsOfItsOwn) {
    const CatalogConfig config = box().config({"catalog.views=3", "view.seed=10", "noise.seed=20"});
    const Selection selection = select_galaxies(config);
    EXPECT_EQ(std::ssize(selection.entries), 3 * selection.n_galaxy);
    for (std::size_t i = 0; i < 3; ++i) {
        const CatalogEntry& entry = selection.entries[i];
        EXPECT_EQ(entry.view, static_cast<std::int64_t>(i));
        const Config cube = config_of(config, entry, "a.h5");
        EXPECT_EQ(cube.view.seed, 10 + entry.view);
        EXPECT_EQ(cube.noise.seed, 20 + entry.view);
        EXPECT_EQ(cube.simulation.subhalo, entry.id);
    }
}

TEST(Selection, DrawsRedshiftsEvenlyInRedshiftOrVolume) {
    const Cosmology cosmology{CosmologyOptions{}};
    const double near = std::pow(cosmology.comoving_distance(0.02), 3),
                 far = std::pow(cosmology.comoving_distance(0.2), 3);
    for (const std::string distribution : {"uniform", "volume"}) {
        const Selection selection = select_galaxies(
            box().config({"catalog.select=null", "catalog.views=200",
                          "catalog.redshift={min: 0.02, max: 0.2, distribution: " + distribution + "}"}));
        std::vector<int> tenth(10, 0);
        for (const CatalogEntry& entry : selection.entries) {
            const double u = distribution == "uniform"
                                 ? (entry.redshift - 0.02) / 0.18
                                 : (std::pow(cosmology.comoving_distance(entry.redshift), 3) - near) / (far - near);
            ASSERT_GT(u, -1e-9);
            ASSERT_LT(u, 1 + 1e-9);
            ++tenth[static_cast<std::size_t>(std::clamp(10 * u, 0.0, 9.0))];
        }
        // 2800 in ten parts: 280 each, standard deviation 15.9.
        for (const int n : tenth) { EXPECT_NEAR(n, 280, 5 * 15.9) << distribution; }
    }
}

TEST(Selection, ContradictionsAreRefused) {
    const auto words = [](const std::vector<std::string>& settings) {
        const auto error = test::error_of([&] { static_cast<void>(box().config(settings)); });
        return error && error->kind() == Kind::config ? std::string(error->what()) : std::string();
    };
    EXPECT_NE(words({"simulation.subhalo=3"}).find("simulation.subhalo"), std::string::npos);
    EXPECT_NE(words({"output.fits=a.fits"}).find("output.fits"), std::string::npos);
    EXPECT_NE(words({"catalog.views=2", "view.rotation=none"}).find("catalog.views"), std::string::npos);
    EXPECT_NE(words({"galaxy.centre=[0, 0, 0]"}).find("galaxy.centre"), std::string::npos);
    EXPECT_NE(words({"catalog.redshift={min: 0.2, max: 0.1}"}).find("min below max"), std::string::npos);
    EXPECT_NE(words({"catalog.redshift=-0.1"}).find("> 0"), std::string::npos);
    EXPECT_NE(words({"catalog.select=mass_stars > 3"}).find("Write 3 Msun"), std::string::npos);
    EXPECT_EQ(words({"catalog.views=2", "view.rotation=none", "noise.kind=signal-to-noise"}), "");
}

TEST(Selection, ThePageListsTheColumns) {
    std::ifstream file(test::source_dir() / "docs/catalogues.md");
    std::stringstream page;
    page << file.rdbuf();
    for (const SubhaloColumn& column : subhalo_columns()) {
        const std::string row =
            fmt::format("| `{}` | {} | {} | {} |", column.name, column.unit,
                        column.dataset.empty() ? "" : "`" + column.dataset + "`", column.definition);
        EXPECT_NE(page.str().find(row), std::string::npos) << row;
    }
}

} // namespace
} // namespace tessera
