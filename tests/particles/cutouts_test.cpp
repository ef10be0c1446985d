// Real cut-outs of IllustrisTNG and COLIBRE, whose headers lie as real ones do, against numbers got without this program.
#include <algorithm>
#include <numeric>

#include "tessera/core/log.hpp"
#include "tests/particles/tiny_snapshots.hpp"

namespace tessera {
namespace {

using test::input;
using test::world;

constexpr const char* tng_file = "data/sim/SimSpin_example_IllustrisTNG.hdf5";
constexpr const char* colibre_file = "data/sim/SimSpin_example_Colibre.hdf5";
constexpr const char* reference_file = "reference/rubix/tng_muse.h5";

/// The reference's stars, as RUBIX reads the TNG cut-out with astropy.
struct Reference {
    std::vector<double> position, velocity, mass, metallicity, age, birth, centre, central_velocity;
    explicit Reference(const std::string& path) {
        const auto inputs = io::Hdf5File::open(path).group("inputs");
        position = inputs.dataset("coords").read_all<double>();
        velocity = inputs.dataset("velocity").read_all<double>();
        mass = inputs.dataset("mass").read_all<double>();
        metallicity = inputs.dataset("metallicity").read_all<double>();
        age = inputs.dataset("age").read_all<double>();
        birth = inputs.dataset("formation_scale_factor").read_all<double>();
        centre = inputs.numbers("center_kpc_before_centring");
        central_velocity = inputs.numbers("central_velocity_kms");
    }
};

TEST(TngCutout, GivesTheStarsOfTheReference) {
    const auto file = test::shared(tng_file), reference_path = test::shared(reference_file);
    if (!file) { GTEST_SKIP() << test::absent(tng_file); }
    if (!reference_path) { GTEST_SKIP() << test::absent(reference_file); }
    const Reference reference(reference_path->string());
    const auto all =
        test::read_all(input(*file), std::array{reference.centre[0], reference.centre[1], reference.centre[2]});
    EXPECT_EQ(all.info.format, SnapshotFormat::tng);
    EXPECT_EQ(all.report.n_wind_dropped, 4);
    ASSERT_EQ(all.stars.size(), 1996);
    // RUBIX counts ages from today with h 0.6774, Om 0.3075 (Planck15); ours from the snapshot with the header's Om 0.3089.
    const double h = 0.6774, now = 0.7705836;
    for (std::size_t i = 0; i < 1996; ++i) {
        // Single precision of positions up to 60000 kpc in the reference (its centre is subtracted in double): 4e-3 kpc.
        EXPECT_NEAR(all.stars.x[i], reference.position[3 * i], 5e-3) << i;
        EXPECT_NEAR(all.stars.z[i], reference.position[3 * i + 2], 5e-3) << i;
        EXPECT_NEAR(all.stars.vx[i], reference.velocity[3 * i] + reference.central_velocity[0], 1e-3)
            << i; // float at 1500 km/s: 1e-4
        EXPECT_NEAR(all.stars.vz[i], reference.velocity[3 * i + 2] + reference.central_velocity[2], 1e-3) << i;
        EXPECT_NEAR(all.stars.initial_mass[i], reference.mass[i], 1e-6 * reference.mass[i]) << i;
        EXPECT_NEAR(all.stars.metallicity[i], reference.metallicity[i], 1e-6 * reference.metallicity[i]) << i;
        const double age = test::closed_form_age(now, h, 0.3089) - test::closed_form_age(reference.birth[i], h, 0.3089);
        EXPECT_NEAR(all.stars.age[i], age, 1e-5)
            << i; // the scale factor above has 7 digits: 1e-6 Gyr; float at 10 Gyr: 1e-6
        // The reference's own number, less the look-back time to the snapshot and for its other Om: t ~ Om^(-1/2) at small a
        // and 1 % of Om less for the rest, hence within 30 Myr of ours.
        const double lookback = test::closed_form_age(1, h, 0.3075) - test::closed_form_age(now, h, 0.3075);
        EXPECT_NEAR(all.stars.age[i], reference.age[i] - lookback, 0.03) << i;
    }
}

TEST(TngCutout, HeadersThatLieAreOverruledOnceWithAWarning) {
    const auto file = test::shared(tng_file);
    if (!file) { GTEST_SKIP() << test::absent(tng_file); }
    const int before = log::warning_count();
    const auto snapshot = open_snapshot(input(*file), world());
    EXPECT_EQ(snapshot->info().n_star_rows, 2000); // the header says 123468
    EXPECT_EQ(snapshot->info().n_gas_rows, 100);   // 13587
    EXPECT_EQ(snapshot->info().description, "TNG full snapshot 78, 1 chunk");
    EXPECT_NEAR(*snapshot->info().redshift, 0.29771768, 1e-8);
    if (world().is_root()) { EXPECT_EQ(log::warning_count(), before + 1); }
}

TEST(TngCutout, GasHasPlausibleTemperatures) {
    const auto file = test::shared(tng_file);
    if (!file) { GTEST_SKIP() << test::absent(tng_file); }
    const auto snapshot = open_snapshot(input(*file), world());
    ReadReport report;
    const Gas mine = snapshot->read_gas(snapshot->provisional_origin(), report);
    EXPECT_EQ(report.n_gas, 100);
    for (const auto* field : {&mine.density, &mine.metallicity, &mine.star_formation_rate, &mine.temperature}) {
        EXPECT_EQ(std::ssize(*field), mine.size());
    }
    for (const float t : mine.temperature) {
        EXPECT_GT(t, 1e3F); // the cooling floor of the model is 10^4 K
        EXPECT_LT(t, 1e9F);
    }
}

TEST(ColibreCutout, GivesItsStarsInPhysicalUnits) {
    const auto file = test::shared(colibre_file);
    if (!file) { GTEST_SKIP() << test::absent(colibre_file); }
    const auto all = test::read_all(input(*file), std::array{0.0, 0.0, 0.0});
    EXPECT_EQ(all.info.format, SnapshotFormat::swift);
    EXPECT_EQ(all.info.n_gas_rows, 62);
    ASSERT_EQ(all.stars.size(), 935);
    EXPECT_NEAR(*all.info.box_size, 50000, 0.1);
    // Extremes and sums of the file as h5py and numpy print them, times 1000 (cMpc at a = 1) and 1e10.
    const auto [low, high] = std::minmax_element(all.stars.x.begin(), all.stars.x.end());
    EXPECT_NEAR(*low, -33.42674, 1e-4);
    EXPECT_NEAR(*high, 25.48226, 1e-4);
    EXPECT_NEAR(*std::max_element(all.stars.vz.begin(), all.stars.vz.end()), 218.10025, 1e-4);
    EXPECT_NEAR(*std::min_element(all.stars.initial_mass.begin(), all.stars.initial_mass.end()), 1.399993896e7,
                2e2); // G M_sun is known to 1e-5
    EXPECT_NEAR(*std::max_element(all.stars.mass.begin(), all.stars.mass.end()), 3.4873944e7, 4e2);
    EXPECT_NEAR(*std::max_element(all.stars.metallicity.begin(), all.stars.metallicity.end()), 0.05059814, 1e-8);
    const double oldest = test::closed_form_age(1, 0.68100155, 0.304611) -
                          test::closed_form_age(0.10497283935546875, 0.68100155, 0.304611);
    EXPECT_NEAR(*std::max_element(all.stars.age.begin(), all.stars.age.end()), oldest, 1e-5);
}

} // namespace
} // namespace tessera
