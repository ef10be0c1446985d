// Catalogues of all stars in the field: catalog.stars: field.
#include <tuple>

#include "tests/catalog/box.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

/// Subhaloes so close that they are in each other's fields, or far apart.
class Sky {
public:
    explicit Sky(const std::string& name, double box_size) : folder(test::scratch("sky-" + name)) {
        SyntheticOptions options;
        options.layout = SyntheticLayout::tng;
        options.path = (folder / "box").string();
        options.n_star = 5000;
        options.n_subhalo = 10;
        options.seed = 5;
        options.box_size = box_size;
        make_snapshot(options, test::world());
        test::on_root([&] { ssp::write_library(test::flat_library(), (folder / "library.h5").string()); });
        test::world().barrier();
    }
    CatalogConfig config(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> all{"simulation.path=" + (folder / "box").string(),
                                     "simulation.snapshot=99",
                                     "simulation.gas=false",
                                     "ssp.path=" + (folder / "library.h5").string(),
                                     "telescope.field_of_view=30",
                                     "telescope.spaxel_size=5",
                                     "telescope.wavelength_range=[5000, 5020]",
                                     "psf.profile=gaussian",
                                     "psf.fwhm=5",
                                     "parallel.threads=1",
                                     "output.empty=zeros",
                                     "view.rotation=random",
                                     "catalog.select=n_stars > 100 and flag == 1",
                                     "catalog.stars=field",
                                     "simulation.depth=200",
                                     "catalog.output=" + (folder / "mocks").string()};
        all.insert(all.end(), more.begin(), more.end());
        return read_catalog_config("", all);
    }
    CatalogSummary run(const CatalogConfig& config, const CatalogRequest& request = {}) const {
        const CatalogSummary summary = run_catalog(config, request, test::world());
        test::world().barrier();
        return summary;
    }
    std::string index() const { return (folder / "mocks" / "snap_099.star_index.h5").string(); }

    fs::path folder;
};

std::int64_t n_other(const std::string& cube) {
    return io::Hdf5File::open(cube).group("provenance").integers("n_other").front();
}

TEST(CatalogueFields, AreTheCubesThatOneRankMakesOfOneGalaxy) {
    const Sky sky("cubes", 700);
    const auto config = sky.config({"catalog.views=2", "simulation.index=" + sky.folder.string()});
    EXPECT_EQ(sky.run(config).n_failed, 0);
    EXPECT_TRUE(fs::exists(sky.folder / "snap_099.star_index.h5"));
    const auto entries = select_galaxies(config).entries;
    ASSERT_GE(entries.size(), 6U);
    const auto alone = make_self_communicator();
    const std::string other = (sky.folder / fmt::format("alone{}.h5", test::world().rank())).string();
    std::int64_t most = 0;
    for (const CatalogEntry& entry : entries) {
        const CubeSummary one = run_cube(config_of(config, entry, other), *alone);
        EXPECT_EQ(test::difference(cube_path(config, entry), other), 0) << entry.id << " " << entry.view;
        EXPECT_EQ(n_other(cube_path(config, entry)), n_other(other));
        EXPECT_EQ(read_cube_facts(cube_path(config, entry)).n_star, one.n_star);
        most = std::max(most, n_other(other));
    }
    EXPECT_GT(most, 50) << "neighbours on the field";
    const RunMeasures measures = read_manifest((sky.folder / "mocks").string())->sessions.back().measures.value();
    EXPECT_EQ(measures.most_openings, 1) << "by the index, galaxies and their fields together";
    EXPECT_GE(measures.star_bytes, measures.selected_star_bytes);
}

TEST(CatalogueFields, OfLonelyGalaxiesAreTheSubhalosStars) {
    const Sky sky("lonely", 35000);
    const auto field = sky.config({"simulation.depth=1000"}),
               own = sky.config({"simulation.depth=null", "catalog.stars=subhalo",
                                 "catalog.output=" + (sky.folder / "own").string()});
    sky.run(field);
    sky.run(own);
    std::int64_t n_lonely = 0;
    for (const CatalogEntry& entry : select_galaxies(field).entries) {
        if (n_other(cube_path(field, entry)) > 0) { continue; }
        ++n_lonely;
        EXPECT_EQ(test::difference(cube_path(field, entry), cube_path(own, entry)), 0) << entry.id;
    }
    EXPECT_GT(n_lonely, 0);
}

TEST(CatalogueFields, AreReadAheadWithTheirGalaxies) {
    const Sky sky("ahead", 700);
    SnapshotOptions options;
    options.path = (sky.folder / "box").string();
    options.gas = false;
    const std::vector<std::int64_t> ids{0, 1, 1, 3}; // two views of 1
    const auto galaxies = index_snapshot(options, std::vector<std::int64_t>{0, 1, 3}, test::world());
    const auto stars = find_star_index(*galaxies, sky.folder.string(), test::world());
    std::vector<FieldBox> fields;
    std::vector<std::vector<RowRange>> others;
    for (const std::int64_t id : ids) {
        fields.push_back({.centre = galaxies->centre_of(id).value(), .half = {15, 15, 100}});
        if (fields.size() == 3) { fields.back().half = {20, 10, 200}; }
        others.push_back(stars->rows_in(fields.back(), galaxies->star_rows(id)).rows);
    }
    galaxies->read_ahead(ids, others, test::world(), std::int64_t{1} << 30);
    const std::int64_t n_read = galaxies->reads().n_read;
    std::int64_t n_more = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        SnapshotOptions one = options;
        one.subhalo = ids[i];
        const auto read = [&](Snapshot& snapshot) {
            ReadReport report;
            const Stars own = snapshot.read_stars(fields[i].centre, true, report);
            const Stars more = snapshot.read_others(*stars, fields[i], fields[i].centre, true, report);
            return std::tuple(own.row, more.row, report.n_star, report.star_checksum);
        };
        const auto shared = open_snapshot(one, test::world(), {}, galaxies.get()),
                   alone = open_snapshot(one, test::world());
        const auto ahead = read(*shared);
        n_more += test::world().all_reduce_value(std::ssize(std::get<1>(ahead)), Op::sum);
        EXPECT_EQ(ahead, read(*alone));
    }
    EXPECT_GT(n_more, 20);
    EXPECT_EQ(galaxies->reads().n_read, n_read) << "nothing was read again";
}

TEST(CatalogueFields, GoOnWithTheSameStarsAlone) {
    const Sky sky("resume", 700);
    const auto config = sky.config({"catalog.limit=2"});
    const auto refuse = [&](const std::vector<std::string>& more, const std::vector<std::string>& words) {
        std::vector<std::string> all{"catalog.limit=2"};
        all.insert(all.end(), more.begin(), more.end());
        test::expect_error(test::error_of([&] { sky.run(sky.config(all), {.resume = true}); }), Kind::config, words);
    };
    refuse({"simulation.gas=true"}, {"simulation.gas: true", "Set simulation.gas: false"});
    EXPECT_FALSE(read_manifest((sky.folder / "mocks").string())) << "nothing was begun";
    refuse({"simulation.depth=1100"}, {"simulation.depth", "periodic box"});
    refuse({"catalog.stars=subhalo"}, {"simulation.depth", "catalog.stars: field"});
    EXPECT_EQ(sky.run(config).n_made, 2);
    refuse({"catalog.stars=subhalo", "simulation.depth=null"}, {"catalog.stars (now subhalo, then field)"});
    refuse({"simulation.depth=100"}, {"simulation.depth (now 100.0, then 200.0)"});
    const auto moved = sky.config({"catalog.limit=2", "simulation.index=" + sky.folder.string()});
    EXPECT_EQ(sky.run(moved, {.resume = true}).n_made, 0) << "where the index is kept may change";
}

TEST(CatalogueFields, AreForecastByTheIndexWhereThereIsOne) {
    const Sky sky("forecast", 700);
    const auto config = sky.config();
    const CatalogForecast before = forecast_catalog(config, test::world());
    EXPECT_FALSE(fs::exists(sky.index())) << "a forecast writes nothing";
    const auto says = [](const CatalogForecast& forecast, const char* what) {
        return std::any_of(forecast.largest.lines.begin(), forecast.largest.lines.end(),
                           [&](const std::string& line) { return line.find(what) != std::string::npos; });
    };
    EXPECT_TRUE(says(before, "no index"));
    sky.run(config);
    EXPECT_TRUE(fs::exists(sky.index()));
    const CatalogForecast after = forecast_catalog(config, test::world());
    EXPECT_FALSE(says(after, "no index"));
    EXPECT_GT(after.n_stars, before.n_stars);
    EXPECT_GT(after.seconds, before.seconds);
    std::int64_t n_star = 0;
    const auto manifest = read_manifest((sky.folder / "mocks").string());
    ASSERT_TRUE(manifest);
    for (const EntryRecord& record : manifest->records) { n_star += record.facts.n_star; }
    EXPECT_NEAR(static_cast<double>(after.n_stars), static_cast<double>(n_star), 0.3 * static_cast<double>(n_star));
}

} // namespace
} // namespace tessera
