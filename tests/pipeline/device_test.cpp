// The whole pipeline on an accelerator against the same on the host: the emulation everywhere, the GPUs too where there are any.
// 1e-5 of the cube's maximum: sums in single precision in another order, and the noise that follows from them.
#include "tessera/core/random.hpp"
#include "tessera/device/device.hpp"
#include "tests/pipeline/scene.hpp"

namespace tessera {
namespace {

class OnDevice : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (std::string(GetParam()) == "cuda" && device::gpus().empty()) { GTEST_SKIP() << "no GPU here"; }
    }

    static test::SceneStars galaxy(std::int64_t n) {
        test::SceneStars stars;
        for (std::int64_t i = 0; i < n; ++i) {
            const auto normal = [&](std::uint64_t stream) {
                return Philox::at(9, stream, static_cast<std::uint64_t>(i)).normal();
            };
            // Half of them in one spaxel: rich ones and poor ones.
            const double size = i % 2 == 0 ? 1 : 0.05;
            stars.add(size * normal(0), 0.6 * size * normal(1), 0.2 * normal(2), 100 * normal(3), 100 * normal(4),
                      100 * normal(5), 1e6 * std::exp(normal(6)), 0.012 + 0.002 * normal(7), 1.5 + 0.1 * normal(8));
        }
        return stars;
    }

    static void compare(const test::Scene& scene, std::vector<std::string> more, bool stages = false) {
        more.emplace_back("parallel.device=cpu");
        const std::string host = scene.run("host.h5", more, test::world());
        more.back() = std::string("parallel.device=") + GetParam();
        const std::string made = scene.run("device.h5", more, test::world());
        if (test::world().is_root()) { compare_files(made, host, stages); }
        test::world().barrier(); // before the next run takes their names
    }

    static void compare_files(const std::string& made, const std::string& host, bool stages) {
        std::vector<std::string> cubes{"flux", "variance"};
        if (stages) { cubes.insert(cubes.end(), {"stages/accumulated", "stages/psf", "stages/lsf"}); }
        for (const std::string& cube : cubes) {
            EXPECT_LE(test::difference(test::Cube(made, cube), test::Cube(host, cube)), 1e-5) << cube;
        }
        for (const char* name : {"RAW_VEL", "OBS_SIGMA", "RAW_AGE", "RAW_MASS", "RAW_NPART", "OBS_WHITE"}) {
            const auto a = test::map_of(made, name);
            const auto b = test::map_of(host, name);
            for (std::size_t i = 0; i < a.size(); ++i) {
                EXPECT_EQ(std::isnan(a[i]), std::isnan(b[i])) << name;
                if (!std::isnan(a[i])) { EXPECT_NEAR(a[i], b[i], 1e-3 + 1e-5 * std::abs(b[i])) << name << " " << i; }
            }
        }
        if (stages) {
            EXPECT_EQ(io::Hdf5File::open(made).dataset("stages/spaxel").read_all<std::int32_t>(),
                      io::Hdf5File::open(host).dataset("stages/spaxel").read_all<std::int32_t>());
        }
    }
};

const std::vector<std::string> everything{"psf.profile=gaussian",       "psf.fwhm=0.8",
                                          "lsf.profile=gaussian",       "lsf.sigma=1.5",
                                          "noise.kind=signal-to-noise", "noise.signal_to_noise=20",
                                          "view.rotation=face-on",      "galaxy.centre=shrinking-sphere",
                                          "galaxy.velocity=median",     "synthesis.method=exact"};

std::vector<std::string> with(std::initializer_list<std::string> more) {
    auto all = everything;
    all.insert(all.end(), more);
    return all;
}

TEST_P(OnDevice, EveryStageGivesTheHostsNumbers) {
    compare(test::Scene("device-stages", galaxy(3000)), with({"output.stages=true"}), true);
}

TEST_P(OnDevice, CubicInterpolationMoffatAndPhotonNoise) {
    compare(test::Scene("device-cubic", galaxy(1000)), with({"synthesis.interpolation=cubic", "psf.profile=moffat",
                                                             "noise.kind=exposure", "view.rotation=[10, 20, 30]"}));
}

TEST_P(OnDevice, AllreduceGivesTheSame) {
    compare(test::Scene("device-allreduce", galaxy(500)), with({"parallel.reduction=allreduce"}));
}

TEST_P(OnDevice, ExchangeGivesTheSame) {
    compare(test::Scene("device-exchange", galaxy(2000)), with({"parallel.reduction=exchange", "output.stages=true"}),
            true);
    test::SceneStars one;
    one.add(0.3, 0.1, 0, 0, 0, 50);
    compare(test::Scene("device-exchange-one", one), with({"parallel.reduction=exchange", "view.rotation=[10, 20, 30]",
                                                           "galaxy.centre=[0, 0, 0]", "galaxy.velocity=[0, 0, 0]"}));
}

TEST_P(OnDevice, ExchangeGivesTheSameInRubixsWay) {
    compare(test::Scene("device-exchange-rubix", galaxy(300)),
            {"preset=rubix", "parallel.reduction=exchange", "lsf.profile=gaussian", "lsf.sigma=1"});
}

TEST_P(OnDevice, WhatGalaxiesHaveInCommonGoesUpOnce) {
    const test::Scene scene("device-common", galaxy(500));
    const auto settings = [&](const std::string& name, std::initializer_list<std::string> more) {
        std::vector<std::string> all = scene.settings;
        all.insert(all.end(), everything.begin(), everything.end());
        all.insert(all.end(), more);
        all.push_back(std::string("parallel.device=") + GetParam());
        all.push_back("output.path=" + (scene.folder / name).string());
        return read_config("", all);
    };
    run_cube(settings("alone.h5", {}), test::world());
    SharedInputs shared;
    shared.accelerator = std::make_shared<device::AcceleratorSlot>();
    const auto run = [&](const char* name) {
        run_cube(settings(name, {}), test::world(), {}, shared);
        return shared.accelerator->open(GetParam(), test::world().rank_on_node(), 1)->info();
    };
    const device::AcceleratorInfo first = run("first.h5"), second = run("second.h5");
    EXPECT_EQ(second.index, first.index);
    EXPECT_LT(second.work.uploads - first.work.uploads, first.work.uploads);
    const std::int64_t library = 4 * test::line_library().n_node() * test::line_library().n_wave();
    EXPECT_LE(second.copy_bytes - first.copy_bytes, first.copy_bytes - library);
    // After an error on it, it is another accelerator, which has nothing yet.
    EXPECT_TRUE(test::error_of(
        [&] { run_cube(settings("none.h5", {"galaxy.velocity=[0, 0, 1e6]"}), test::world(), {}, shared); }));
    const device::AcceleratorInfo third = run("third.h5");
    EXPECT_EQ(third.copy_bytes, first.copy_bytes);
    test::world().barrier();
    if (!test::world().is_root()) { return; }
    const test::Cube alone((scene.folder / "alone.h5").string());
    for (const char* name : {"first.h5", "second.h5", "third.h5"}) {
        EXPECT_EQ(test::Cube((scene.folder / name).string()).flux, alone.flux) << name;
    }
}

TEST_P(OnDevice, NothingAfterTheSum) { compare(test::Scene("device-bare", galaxy(500)), {"synthesis.method=exact"}); }

TEST_P(OnDevice, MoreRanksThanStarsOrWavelengths) {
    test::SceneStars stars;
    stars.add(0.3, 0.1, 0, 0, 0, 50);
    compare(test::Scene("device-few", stars), {"telescope.wavelength_range=[5248, 5251]", "psf.profile=gaussian",
                                               "psf.fwhm=0.8", "noise.kind=signal-to-noise"});
}

TEST_P(OnDevice, AnEmptyFieldIsTheSameError) {
    test::SceneStars stars;
    stars.add(5, 5, 0, 0, 0, 50);
    const test::Scene scene("device-empty", stars);
    const auto message = [&](const std::string& where) {
        const auto error = test::error_of([&] { scene.run("none.h5", {"parallel.device=" + where}, test::world()); });
        return error ? std::string(error->what()) : "no error";
    };
    EXPECT_EQ(message(GetParam()), message("cpu"));
    compare(scene, {"output.empty=zeros", "synthesis.method=exact"});
}

TEST_P(OnDevice, OtherMethodsKeepTheirTolerance) {
    const test::Scene scene("device-methods", galaxy(3000));
    const std::string host = scene.run("exact.h5", {"synthesis.method=exact", "parallel.device=cpu"}, test::world());
    for (const char* method : {"auto", "binned", "compressed"}) {
        const std::string made = scene.run(
            "made.h5", {std::string("synthesis.method=") + method, std::string("parallel.device=") + GetParam()},
            test::world());
        if (test::world().is_root()) {
            EXPECT_LE(test::difference(test::Cube(made), test::Cube(host)), 1e-2) << method;
        }
        test::world().barrier();
    }
}

TEST_P(OnDevice, RubixsWayGivesTheHostsNumbers) {
    const test::Scene scene("device-rubix", galaxy(1000));
    const std::vector<std::string> preset{"preset=rubix",
                                          "output.stages=true",
                                          "psf.profile=gaussian",
                                          "psf.sigma=0.6",
                                          "psf.size=5",
                                          "lsf.profile=gaussian",
                                          "lsf.sigma=1.2",
                                          "noise.kind=signal-to-noise",
                                          "noise.signal_to_noise=20"};
    for (const char* interpolation : {"cubic", "linear"}) {
        for (const char* doppler : {"exponential", "linear"}) {
            auto more = preset;
            more.push_back(std::string("synthesis.interpolation=") + interpolation);
            more.push_back(std::string("synthesis.doppler=") + doppler);
            compare(scene, more, true);
        }
    }
    compare(scene, {"preset=rubix", "parallel.reduction=allreduce"});
}

INSTANTIATE_TEST_SUITE_P(Devices, OnDevice, testing::Values("emulated", "cuda"),
                         [](const auto& instance) { return std::string(instance.param); });

} // namespace
} // namespace tessera
