// Every way to bring the cube together with every way to convolve it, on any number of ranks: the cube of one rank within 1e-6 of its
// maximum, noise included.
#include "tests/pipeline/compare_ranks.hpp"

namespace tessera {
namespace {

using Settings = std::vector<std::string>;

struct Case {
    std::string name;
    test::SceneStars stars;
    Settings more;
    bool on_many_ranks = false; ///< also where there are more than seven
};

const Settings instrument{"psf.profile=gaussian",       "psf.fwhm=0.8",
                          "lsf.profile=gaussian",       "lsf.sigma=1.5",
                          "noise.kind=signal-to-noise", "noise.signal_to_noise=20"};

Settings with_instrument(const Settings& more) {
    Settings all = instrument;
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

std::vector<Case> cases() {
    std::vector<Case> out;
    out.push_back({"galaxy", test::galaxy(400),
                   with_instrument({"view.rotation=face-on", "galaxy.centre=shrinking-sphere", "galaxy.velocity=median",
                                    "telescope.wavelength_range=[5180, 5280]"}),
                   true});
    test::SceneStars one;
    one.add(0.3, 0.1, 0, 0, 0, 50);
    out.push_back({"one star, fewer wavelengths than ranks", one,
                   with_instrument({"telescope.wavelength_range=[5248, 5251]"}), true});
    test::SceneStars heap;
    for (int i = 0; i < 300; ++i) { heap.add(0.01, 0.01, 0, 0, 0, i % 7 * 30 - 90, 1e6 + i, 0.01 + 1e-5 * i); }
    out.push_back({"all stars in one spaxel, blocks of a kilobyte", heap,
                   with_instrument({"telescope.wavelength_range=[5200, 5300]", "parallel.block=0.001"})});
    test::SceneStars few;
    few.add(0.3, 0.1, 0, 0, 0, 50);
    few.add(-0.3, -0.1, 0, 0, 0, -50);
    out.push_back({"two stars, a prime grid, blocks of two kilobytes", few,
                   with_instrument({"telescope.field_of_view=6.5", "telescope.wavelength_range=[5220, 5263]",
                                    "parallel.block=0.002"}),
                   true});
    out.push_back({"no instrument", test::galaxy(100), {"telescope.wavelength_range=[5200, 5248]"}});
    return out;
}

class Matrix : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(Matrix, TheCubeIsThatOfOneRank) {
    auto& world = test::world();
    const auto& [reduction, convolution] = GetParam();
    for (const Case& one : cases()) {
        if (world.size() > 7 && !one.on_many_ranks) { continue; }
        SCOPED_TRACE(one.name);
        const test::Scene scene("matrix", one.stars);
        Settings more = one.more;
        more.insert(more.end(), {"parallel.reduction=" + reduction, "parallel.convolution=" + convolution});
        const std::string together = scene.run("together.h5", more, world);
        if (world.is_root()) {
            const auto self = make_self_communicator();
            const std::string alone = scene.run("alone.h5", one.more, *self);
            EXPECT_LE(test::difference(test::Cube(together), test::Cube(alone)), 1e-6);
            EXPECT_GT(test::Cube(alone).total(), 0);
            if (one.more.size() > 1) { // squares
                EXPECT_LE(test::difference(test::Cube(together, "variance"), test::Cube(alone, "variance")), 3e-6);
            }
        }
        world.barrier();
    }
}

INSTANTIATE_TEST_SUITE_P(All, Matrix,
                         testing::Combine(testing::Values("allreduce", "reduce-scatter", "exchange", "weights"),
                                          testing::Values("slab", "distributed")),
                         [](const auto& instance) {
                             std::string name = std::get<0>(instance.param) + "_" + std::get<1>(instance.param);
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

} // namespace
} // namespace tessera
