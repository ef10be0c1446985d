// What the catalogue table says of the cubes' light, against slow sums over the files.
#include <fstream>

#include "tessera/io/fits.hpp"
#include "tests/catalog/box.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

std::vector<double> column(const fs::path& folder, const std::string& name) {
    return io::Hdf5File::open((folder / "catalogue.hdf5").string()).dataset("Galaxies/" + name).read_all<double>();
}

/// A field large enough for a half-light radius, a band in the middle of the cubes and one beside them.
std::vector<std::string> settings(const test::Box& box) {
    std::ofstream(box.folder / "inside.txt") << "5010 0\n5020 1\n5030 0.5\n5040 0\n";
    std::ofstream(box.folder / "beside.txt") << "5010 0\n5020 1\n6000 0\n";
    return {"telescope.field_of_view=30", "noise.kind=signal-to-noise",
            fmt::format("catalog.bands=[{0}/inside.txt, {0}/beside.txt, tophat]", box.folder.string())};
}

TEST(CatalogueTable, HasTheLightOfTheCubes) {
    const test::Box box("measures");
    test::world().barrier();
    const auto config = box.config(settings(box));
    ASSERT_EQ(run_catalog(config, {}, test::world()).n_failed, 0);
    const fs::path folder = box.folder / "mocks";
    const auto entries = select_galaxies(config).entries;
    const auto flux = column(folder, "flux_cube"), radius = column(folder, "r_half_cube"),
               spin = column(folder, "lambda_r"), ratio = column(folder, "snr_cube"),
               magnitude = column(folder, "mag_cube_inside");
    const auto table = io::Hdf5File::open((folder / "catalogue.hdf5").string()).group("Galaxies");
    EXPECT_FALSE(table.has_dataset("mag_cube_beside")) << "not within the cubes' wavelengths";
    EXPECT_FALSE(table.has_dataset("mag_cube_tophat_4000_5500"));
    for (std::size_t e = 0; e < entries.size(); ++e) {
        const auto cube = io::Hdf5File::open(cube_path(config, entries[e]));
        const auto f = cube.dataset("flux").read_all<double>(), v = cube.dataset("variance").read_all<double>(),
                   w = cube.dataset("wavelength").read_all<double>();
        const int n = 10, n_plane = n * n;
        ASSERT_EQ(f.size(), w.size() * n_plane);
        const double step = w[1] - w[0];
        double total = 0, light = 0, all = 0;
        std::vector<double> image(n_plane, 0.0), sum(n_plane, 0.0), noise(n_plane, 0.0);
        for (std::size_t k = 0; k < f.size(); ++k) {
            total += f[k] * step * 1e-20;
            image[k % n_plane] += f[k] * step;
            sum[k % n_plane] += f[k];
            noise[k % n_plane] += v[k];
        }
        EXPECT_NEAR(flux[e] / total, 1, 1e-9);
        for (int i = 0; i < 60000; ++i) { // the band by small steps
            const double x = 5010 + (i + 0.5) * 30 / 60000;
            const double t = x < 5020 ? (x - 5010) / 10 : x < 5030 ? 1 - 0.05 * (x - 5020) : 0.5 - 0.05 * (x - 5030);
            const auto pixel = static_cast<std::size_t>((x - w[0]) / step + 0.5);
            double density = 0;
            for (int s = 0; s < n_plane; ++s) { density += f[pixel * n_plane + static_cast<std::size_t>(s)] * 1e-20; }
            light += density * t * x;
            all += t / x;
        }
        EXPECT_NEAR(magnitude[e], -2.5 * std::log10(light / all / 2.99792458e18) - 48.6, 1e-4);

        // Half of the light is within the circle: by small squares.
        double inside = 0, whole = 0;
        constexpr int parts = 90;
        for (int s = 0; s < n_plane; ++s) {
            for (int p = 0; p < parts * parts; ++p) {
                const double y = 3 * (s / n + (p / parts + 0.5) / parts - 5);
                const double x = 3 * (s % n + (p % parts + 0.5) / parts - 5);
                whole += image[static_cast<std::size_t>(s)];
                inside += y * y + x * x < radius[e] * radius[e] ? image[static_cast<std::size_t>(s)] : 0;
            }
        }
        EXPECT_NEAR(inside / whole, 0.5, 0.005);

        const auto maps = cube.group("maps");
        const auto weight = maps.dataset("OBS_FLUX").read_all<double>(),
                   velocity = maps.dataset("OBS_VEL").read_all<double>(),
                   sigma = maps.dataset("OBS_SIGMA").read_all<double>();
        double ordered = 0, motion = 0;
        std::vector<double> ratios;
        for (int s = 0; s < n_plane; ++s) {
            const auto i = static_cast<std::size_t>(s);
            const double r = 3 * std::hypot(s / n - 4.5, s % n - 4.5);
            if (r > radius[e]) { continue; }
            if (noise[i] > 0) { ratios.push_back(sum[i] / std::sqrt(noise[i] * static_cast<double>(w.size()))); }
            if (!(weight[i] > 0)) { continue; }
            ordered += weight[i] * r * std::abs(velocity[i]);
            motion += weight[i] * r * std::sqrt(velocity[i] * velocity[i] + sigma[i] * sigma[i]);
        }
        EXPECT_NEAR(spin[e], ordered / motion, 1e-9);
        ASSERT_FALSE(ratios.empty());
        std::sort(ratios.begin(), ratios.end());
        EXPECT_NEAR(ratio[e], 0.5 * (ratios[(ratios.size() - 1) / 2] + ratios[ratios.size() / 2]), 1e-6 * ratio[e]);
    }
}

TEST(CatalogueTable, SaysTheSameOfFitsCubes) {
    const test::Box box("measures-fits");
    test::world().barrier();
    auto more = settings(box);
    run_catalog(box.config(more), {}, test::world());
    more.insert(more.end(), {"catalog.format=fits", "catalog.output=" + (box.folder / "fits").string()});
    run_catalog(box.config(more), {}, test::world());
    for (const char* name : {"flux_cube", "r_half_cube", "lambda_r", "snr_cube", "mag_cube_inside"}) {
        const auto one = column(box.folder / "mocks", name), other = column(box.folder / "fits", name);
        for (std::size_t i = 0; i < one.size(); ++i) { EXPECT_NEAR(other[i], one[i], 1e-6 * std::abs(one[i])) << name; }
    }
    EXPECT_TRUE(verify_catalog((box.folder / "fits").string(), test::world()).problems.empty());
}

TEST(CatalogueTable, IsComparedWithTheCubes) {
    const test::Box box("measures-verify");
    run_catalog(box.config(settings(box)), {}, test::world());
    test::world().barrier();
    test::on_root([&] { // a spin that is not the cube's
        const std::string path = (box.folder / "mocks/catalogue.hdf5").string();
        const auto spins = column(box.folder / "mocks", "lambda_r");
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        std::string bytes((std::istreambuf_iterator<char>(file)), {});
        const std::string values(reinterpret_cast<const char*>(spins.data()), spins.size() * sizeof(double));
        const double other = 0.123;
        file.seekp(static_cast<std::streamoff>(bytes.find(values)));
        file.write(reinterpret_cast<const char*>(&other), sizeof other);
    });
    test::world().barrier();
    const auto problems = verify_catalog((box.folder / "mocks").string(), test::world()).problems;
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_NE(problems[0].find("lambda_r is "), std::string::npos) << problems[0];
}

TEST(Bands, OfTheFilesInUseAreRead) {
    const auto many = test::shared("data/filters/galapy_filters.h5"),
               lsst = test::shared("data/filters/lsst_ugrizy_dsps.h5");
    if (!many || !lsst) { GTEST_SKIP() << test::absent("data/filters"); }
    EXPECT_EQ(read_bands(lsst->string()).size(), 6U);
    EXPECT_GT(read_bands(many->string()).size(), 50U);
    const auto bands = read_bands(many->string() + ":SDSS.r");
    ASSERT_EQ(bands.size(), 1U);
    EXPECT_EQ(bands[0].name, "SDSS.r");
    EXPECT_EQ(bands[0].wavelength.size(), 75U);
    const auto error = test::error_of([&] { read_bands(many->string() + ":SDSS.rr"); });
    ASSERT_TRUE(error.has_value());
    EXPECT_NE(std::string(error->what()).find("'SDSS.r'"), std::string::npos) << error->what();
}

} // namespace
} // namespace tessera
