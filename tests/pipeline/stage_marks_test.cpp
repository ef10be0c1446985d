// The accelerator's own time of each stage stands among the regions of a run.
#include <gmock/gmock.h>

#include "tessera/core/region.hpp"
#include "tests/pipeline/scene.hpp"

namespace tessera {
namespace {

std::vector<std::string> gpu_stages(const std::string& device) {
    test::SceneStars stars;
    for (int i = 0; i < 50; ++i) { stars.add(0.02 * i - 0.5, 0.1, 0, 0, 0, 2 * i); }
    const test::Scene scene("stage-marks", stars);
    scene.run("made.h5", {"parallel.device=" + device, "psf.profile=gaussian", "psf.fwhm=0.8"}, test::world());
    std::vector<std::string> names;
    for (const Regions::Entry& entry : Regions::instance().entries()) {
        if (entry.name.rfind("gpu/", 0) != 0) { continue; }
        names.push_back(entry.name.substr(4));
        EXPECT_EQ(entry.calls, 1) << entry.name;
        EXPECT_GE(entry.seconds, 0) << entry.name;
        EXPECT_LT(entry.seconds, 100) << entry.name;
    }
    return names;
}

TEST(StageMarks, TellTheTimeOfEachStage) {
    EXPECT_THAT(gpu_stages("emulated"),
                testing::ElementsAre("spaxels", "synthesis", "reduce", "psf", "lsf", "noise", "download"));
}

TEST(StageMarks, AreNoneOnTheHost) { EXPECT_THAT(gpu_stages("cpu"), testing::IsEmpty()); }

} // namespace
} // namespace tessera
