// parallel.convolution. Shared planes against one rank alone with whole ones, and what `auto` takes.
#include "pipeline/convolution_choice.hpp"
#include "tests/pipeline/compare_ranks.hpp"

namespace tessera {
namespace {

using test::galaxy;

/// Kernels wide enough for whole planes to be transformed as well: both ways then round in double alone.
const std::vector<std::string> everything{
    "psf.profile=moffat",       "psf.fwhm=1.2",      "telescope.field_of_view=8.5", // 17 x 17
    "lsf.profile=gaussian",     "lsf.sigma=1.5",     "noise.kind=signal-to-noise",
    "noise.signal_to_noise=20", "output.stages=true"};

std::vector<std::string> with(std::vector<std::string> more, const std::string& reduction,
                              const std::string& convolution) {
    more.push_back("parallel.reduction=" + reduction);
    more.push_back("parallel.convolution=" + convolution);
    return more;
}

std::string provenance(const std::string& path, const std::string& name) {
    return io::Hdf5File::open(path).group("provenance").find_text(name).value_or("none");
}

TEST(Convolution, SharedAndWholePlanesGiveTheCubeOfOneRankWithEveryReduction) {
    auto& world = test::world();
    const test::Scene scene("convolution", galaxy(1500));
    if (world.is_root()) { scene.run("alone.h5", with(everything, "auto", "slab"), *make_self_communicator()); }
    for (const std::string reduction : {"allreduce", "reduce-scatter", "exchange"}) {
        for (const std::string convolution : {"slab", "distributed"}) {
            const std::string path = scene.run("together.h5", with(everything, reduction, convolution), world);
            if (world.is_root()) {
                const std::string alone = (scene.folder / "alone.h5").string();
                EXPECT_LE(test::difference(test::Cube(path), test::Cube(alone)), 1e-6)
                    << reduction << " " << convolution;
                EXPECT_LE(test::difference(test::Cube(path, "variance"), test::Cube(alone, "variance")), 3e-6);
                EXPECT_LE(test::difference(test::Cube(path, "stages/psf"), test::Cube(alone, "stages/psf")), 1e-6);
                EXPECT_EQ(provenance(path, "convolution"), convolution);
                EXPECT_EQ(provenance(path, "convolution_reason"), "as configured");
            }
            world.barrier();
        }
    }
}

TEST(Convolution, FewerPlanesThanRanksAndAnExposuresNoise) {
    test::compare_with_one_rank(test::Scene("convolution-few", galaxy(300)),
                                with({"psf.profile=gaussian", "psf.fwhm=0.8", "telescope.wavelength_range=[5248, 5250]",
                                      "telescope.field_of_view=6.5", "noise.kind=exposure"},
                                     "reduce-scatter", "distributed"));
}

TEST(Convolution, OfThePointIsACrop) {
    test::compare_with_one_rank(test::Scene("convolution-none", galaxy(300)),
                                with({"psf.profile=none"}, "exchange", "distributed"));
}

TEST(Convolution, OnAnAcceleratorPlanesAreWhole) {
    const test::Scene scene("convolution-device", galaxy(50));
    const auto run = [&](const std::string& convolution) {
        return scene.run("device.h5", with({"parallel.device=emulated", "psf.profile=gaussian"}, "auto", convolution),
                         test::world());
    };
    const auto error = test::error_of([&] { run("distributed"); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::config);
    EXPECT_NE(std::string(error->what()).find("parallel.convolution"), std::string::npos);
    EXPECT_EQ(provenance(run("auto"), "convolution"), "slab");
}

TEST(AutomaticConvolution, SharesLargePlanesThatAreFewerThanRanks) {
    const Kernel2D seeing = moffat_kernel(3.5, 2.5, 71);
    const MessageCosts costs;
    const auto times = [&](std::int64_t n, std::int64_t n_plane, int n_rank, int n_thread) {
        return ConvolutionTimes({.n_y = n, .n_x = n, .n_plane = n_plane, .n_rank = n_rank, .n_thread = n_thread},
                                seeing, costs);
    };
    EXPECT_LT(times(2000, 1, 16, 8).distributed(), times(2000, 1, 16, 8).slab);
    EXPECT_GT(times(2000, 3721, 16, 8).distributed(), times(2000, 3721, 16, 8).slab); // nobody is idle
    EXPECT_GT(times(25, 1, 16, 8).distributed(), times(25, 1, 16, 8).slab); // messages cost more than that plane
    // Alone, the work is the same, and messages cost nothing but copies.
    EXPECT_NEAR(times(500, 4, 1, 1).distributed_work, times(500, 4, 1, 1).slab, 1e-9);
}

/// A plan for a large field, which is not carried out.
struct LargeField {
    test::Scene scene;
    Config config;
    LargeField(const std::string& name, const std::vector<std::string>& more) : scene(name, galaxy(10)) {
        auto settings = scene.settings;
        settings.insert(settings.end(), more.begin(), more.end());
        config = read_config("", settings);
    }
};

TEST(AutomaticConvolution, SaysWhatItTookAndWhy) {
    auto& world = test::world();
    const std::vector<std::string> costs{"parallel.message_latency=1e-6", "parallel.link_rate=1e11",
                                         "parallel.copy_rate=1e10", "parallel.product_rate=6e10"};
    auto settings = costs;
    settings.insert(settings.end(), {"telescope.field_of_view=1500", "psf.profile=moffat", "psf.fwhm=3", // 3000 x 3000
                                     "telescope.wavelength_range=[5248, 5249.25]"});
    const LargeField one_plane("convolution-auto", settings);
    const Plan plan = make_plan(one_plane.config, world);
    if (world.size() == 1) {
        EXPECT_EQ(plan.convolution_reason, "one rank");
        EXPECT_EQ(plan.convolution, ConvolutionLayout::slab);
    } else {
        EXPECT_EQ(plan.convolution, ConvolutionLayout::distributed) << plan.convolution_reason;
        EXPECT_NE(plan.convolution_reason.find("expected of a rank"), std::string::npos);
    }
    settings.back() = "telescope.wavelength_range=[5100, 5400]"; // 240 planes
    const LargeField many("convolution-many", settings);
    EXPECT_EQ(make_plan(many.config, world).convolution, ConvolutionLayout::slab);
}

TEST(LeastRanks, AreThoseOnWhichARanksMemoryFits) {
    auto& world = test::world();
    const LargeField large("convolution-memory", {"telescope.field_of_view=300", "noise.kind=signal-to-noise"});
    const Plan plan = make_plan(large.config, world);
    const auto needed = [&](int n_rank) {
        const auto peak = [&](Reduction reduction, ConvolutionLayout layout) {
            return peak_memory(memory_plan(
                plan, {.n_rank = n_rank, .mpi = n_rank > 1, .reduction = reduction, .convolution = layout}));
        };
        return std::min({peak(Reduction::reduce_scatter, ConvolutionLayout::slab),
                         peak(Reduction::exchange, ConvolutionLayout::slab),
                         peak(Reduction::exchange, ConvolutionLayout::distributed)});
    };
    for (const std::int64_t available :
         {std::int64_t{300'000'000}, std::int64_t{600'000'000}, std::int64_t{4'000'000'000}}) {
        const int least = least_ranks(plan, available);
        ASSERT_GT(least, 0);
        EXPECT_LE(needed(least), available);
        if (least > 1) { EXPECT_GT(needed(least - 1), available); }
    }
    EXPECT_EQ(least_ranks(plan, 30'000'000), 0) << "less than the program takes";
}

} // namespace
} // namespace tessera
