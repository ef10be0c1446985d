// The number of ranks changes nothing: each run is compared with one rank alone, within 1e-6 of the cube's maximum (sums of a
// few float32 partial cubes).
#include "tessera/particles/synthetic.hpp"
#include "tests/pipeline/compare_ranks.hpp"

namespace tessera {
namespace {

using test::compare_with_one_rank;
using test::galaxy;

const std::vector<std::string> everything{"psf.profile=gaussian",       "psf.fwhm=0.8",
                                          "lsf.profile=gaussian",       "lsf.sigma=1.5",
                                          "noise.kind=signal-to-noise", "noise.signal_to_noise=20",
                                          "view.rotation=face-on",      "galaxy.centre=shrinking-sphere",
                                          "galaxy.velocity=median"};

TEST(Ranks, TheCubeIsThatOfOneRankNoiseIncluded) {
    compare_with_one_rank(test::Scene("ranks", galaxy(2000)), everything);
}

TEST(Ranks, SmallBlocksGiveTheSame) {
    const test::Scene scene("ranks-blocks", galaxy(500));
    auto more = everything;
    more.emplace_back("parallel.reduction=reduce-scatter");
    more.emplace_back("parallel.block=0.002"); // of 60 kB
    compare_with_one_rank(scene, more);
    if (test::world().is_root()) {
        const auto self = make_self_communicator(); // blocks of one rank were compared with themselves
        const test::Cube whole(scene.run("whole.h5", everything, *self));
        EXPECT_LE(test::difference(test::Cube((scene.folder / "alone.h5").string()), whole), 1e-6);
    }
    test::world().barrier();
}

TEST(Ranks, AllreduceGivesTheSame) {
    auto more = everything;
    more.emplace_back("parallel.reduction=allreduce");
    compare_with_one_rank(test::Scene("ranks-allreduce", galaxy(500)), more);
}

TEST(Ranks, AutomaticConvolutionIsThatOfSlabs) {
    const test::Scene scene("convolution", galaxy(200));
    auto more = everything;
    more.emplace_back("parallel.reduction=reduce-scatter"); // `auto` may sum in another order next time
    const test::Cube automatic(scene.run("auto.h5", more, test::world()));
    more.emplace_back("parallel.convolution=slab");
    const test::Cube slab(scene.run("slab.h5", more, test::world()));
    EXPECT_EQ(automatic.flux, slab.flux);
}

TEST(Ranks, RanksWithoutAnyStarAreNormal) {
    // Two stars: ranks beyond the second have none.
    test::SceneStars stars;
    stars.add(0.3, 0.1, 0, 0, 0, 50);
    stars.add(-0.3, -0.1, 0, 0, 0, -50);
    compare_with_one_rank(test::Scene("few", stars), {"psf.profile=gaussian", "psf.fwhm=0.8"});
}

TEST(Ranks, FewerWavelengthsThanRanksLeaveEmptySlabs) {
    compare_with_one_rank(test::Scene("three-waves", galaxy(100)),
                          {"telescope.wavelength_range=[5248, 5251]", "psf.profile=gaussian", "psf.fwhm=0.8",
                           "noise.kind=signal-to-noise"});
}

TEST(Ranks, RubixResamplingIsTheSameToo) {
    compare_with_one_rank(
        test::Scene("ranks-rubix", galaxy(200)),
        {"preset=rubix", "psf.profile=gaussian", "psf.sigma=0.6", "psf.size=5", "lsf.profile=gaussian", "lsf.sigma=1"});
    compare_with_one_rank(test::Scene("ranks-rubix-blocks", galaxy(200)),
                          {"preset=rubix", "parallel.reduction=reduce-scatter", "parallel.block=0.002"});
}

/// Real cut-outs: layouts, headers and units as simulations write them.
class RealCutout : public testing::TestWithParam<const char*> {};

TEST_P(RealCutout, GivesACubeWithItsLightAtAnyNumberOfRanks) {
    const std::string relative = std::string("data/sim/") + GetParam();
    const auto path = test::shared(relative);
    const auto library = test::shared("data/ssp/bc03_miles_rubix.h5");
    if (!path || !library) { GTEST_SKIP() << test::absent(relative); }
    test::Scene scene(std::string("cutout-") + GetParam(), galaxy(2));
    const std::vector<std::string> more{"simulation.path=" + path->string(),
                                        "ssp.path=" + library->string(),
                                        "galaxy.centre=auto",
                                        "galaxy.velocity=auto",
                                        "view.rotation=face-on",
                                        "telescope.field_of_view=30",
                                        "telescope.spaxel_size=2.5",
                                        "telescope.wavelength_range=[5100, 5400]",
                                        "psf.profile=gaussian",
                                        "psf.fwhm=3",
                                        "ssp.outside=clamp"};
    compare_with_one_rank(scene, more);
    if (test::world().is_root()) {
        const test::Cube cube((scene.folder / "together.h5").string());
        EXPECT_GT(cube.total(), 0);
        for (const float value : cube.flux) { ASSERT_TRUE(std::isfinite(value)); }
    }
}

INSTANTIATE_TEST_SUITE_P(Files, RealCutout,
                         testing::Values("SimSpin_example_IllustrisTNG.hdf5", "SimSpin_example_Colibre.hdf5"),
                         [](const auto& instance) {
                             return std::string(instance.param).substr(16, std::string(instance.param).find('.') - 16);
                         });

/// A subhalo of a synthetic box in TNG's layout, through catalogue and offsets.
TEST(Ranks, ASubhaloOfASnapshotIsTheSameAtAnyNumberOfRanks) {
    test::Scene scene("subhalo", galaxy(2));
    SyntheticOptions options;
    options.layout = SyntheticLayout::tng;
    options.path = (scene.folder / "box").string();
    options.n_star = 4000;
    options.n_subhalo = 5;
    options.n_chunk = 3;
    make_snapshot(options, test::world());
    compare_with_one_rank(scene, {"simulation.path=" + options.path, "simulation.snapshot=99", "simulation.subhalo=1",
                                  "galaxy.centre=file", "galaxy.velocity=file", "ssp.path=demo",
                                  "view.rotation=edge-on", "telescope.field_of_view=14", "telescope.spaxel_size=2"});
}

} // namespace
} // namespace tessera
