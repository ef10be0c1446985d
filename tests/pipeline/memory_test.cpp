// What a rank takes at most, on 1, 2 and 4 of four ranks, beside the forecast: it falls as 1/P but for a fixed part.
#include <fstream>
#include <string>

#include <malloc.h>

#include "pipeline/plan.hpp"
#include "tessera/particles/synthetic.hpp"
#include "tests/support/sanitizers.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

/// "VmHWM:  12345 kB" of this process, bytes; -1 where there is no such line.
double status_of(const std::string& name) {
    std::ifstream file("/proc/self/status");
    for (std::string key; file >> key;) {
        double kilobytes = 0;
        if (key == name + ":" && file >> kilobytes) { return kilobytes * 1024; }
        file.ignore(256, '\n');
    }
    return -1;
}

/// The high-water mark begins anew. @return  whether the system can
bool forget_peak() {
    std::ofstream file("/proc/self/clear_refs");
    file << "5" << std::flush;
    return file.good();
}

struct Scene {
    std::filesystem::path folder = test::scratch("memory-of-ranks");
    std::vector<std::string> settings;

    Scene() {
        SyntheticOptions stars;
        stars.path = (folder / "stars.h5").string();
        stars.n_star = 5000;
        stars.scale_length = 6;
        make_snapshot(stars, test::world());
        settings = {"simulation.path=" + stars.path,
                    "ssp.path=demo",
                    "galaxy.redshift=0.06",
                    "telescope.name=MUSE",
                    "telescope.field_of_view=60", // 300 x 300 x 400: 144 MB
                    "telescope.wavelength_range=[5000, 5500]",
                    "psf.profile=none",
                    "lsf.profile=none",
                    "noise.kind=none",
                    "parallel.threads=1",
                    "parallel.device=cpu"};
    }
};

struct Peak {
    double taken = 0, forecast = 0; ///< bytes of a run beside what the process has anyway
};

/// On the last rank of the group: in the first one MPI's file layer gathers, too.
Peak peak_of(const Scene& scene, Reduction reduction, Communicator& group) {
    auto settings = scene.settings;
    settings.push_back("output.path=" + (scene.folder / "cube.h5").string());
    Config config = read_config("", settings);
    config.parallel.reduction = reduction;
    Peak peak;
    {
        const Plan plan = make_plan(config, group);
        const auto items = memory_plan(plan, group);
        peak.forecast = static_cast<double>(peak_memory(items) - items.front().bytes); // the program itself
    }
    ::malloc_trim(0);
    const double before = status_of("VmRSS");
    if (!forget_peak()) { return {}; }
    run_cube(config, group);
    peak.taken = status_of("VmHWM") - before;
    peak.taken = group.broadcast_value(peak.taken, group.size() - 1);
    return peak;
}

TEST(MemoryOfRanks, FallsAsTheirNumberButForAFixedPart) {
    if (test::with_sanitizers) { GTEST_SKIP() << "a sanitizer has memory of its own"; }
    if (status_of("VmHWM") < 0 || !forget_peak()) { GTEST_SKIP() << "this system does not tell a process its peak"; }
    auto& world = test::world();
    const Scene scene;
    constexpr double cube = 300.0 * 300 * 400 * 4;
    double alone = 0;
    for (const int n_rank : {1, 2, 4}) {
        const auto group = world.split(world.rank() < n_rank ? 0 : 1, world.rank());
        for (const Reduction reduction : {Reduction::reduce_scatter, Reduction::exchange, Reduction::weights}) {
            if (n_rank < 4 && reduction != Reduction::reduce_scatter) { continue; } // take what that takes
            if (world.rank() < n_rank) {
                const Peak peak = peak_of(scene, reduction, *group);
                RecordProperty("taken_" + std::to_string(n_rank), static_cast<int>(peak.taken * 1e-6));
                EXPECT_NEAR(peak.taken, peak.forecast, 0.15 * peak.forecast + 5e6) << word(reduction) << " " << n_rank;
                if (n_rank == 1) {
                    alone = peak.taken;
                    EXPECT_GT(alone, cube) << "the cube was in memory";
                }
                // Templates, maps, blocks of 8 MiB at least, three of them.
                EXPECT_LT(peak.taken, alone / n_rank + 0.3 * cube) << word(reduction) << " " << n_rank;
            }
            world.sleep_until_all_arrive();
        }
        alone = world.broadcast_value(alone, 0);
    }
}

} // namespace
} // namespace tessera
