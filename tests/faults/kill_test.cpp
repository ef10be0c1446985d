// A rank that is killed in any phase of a run: the others end, nothing half-written is left, and an older cube is as it was.
#include "tests/faults/job.hpp"

namespace tessera {
namespace {

using test::Case;
using test::Job;

/// SIGKILL: the launcher says which rank, and ends the others.
void expect_killed(Job& job) {
    const auto code = job.end();
    ASSERT_TRUE(code) << "ranks are left after " << test::patience << " s: " << job.errors();
    EXPECT_EQ(*code, 137) << job.errors();
    EXPECT_TRUE(test::contains(job.errors(), "exited on signal 9 (Killed)")) << job.errors();
    EXPECT_LE(test::count(job.errors(), "tessera: error: "), 1U) << job.errors();
    job.expect_nothing_left();
}

TEST(AKilledRank, OfAnyPhaseEndsTheOthersAndLeavesNothing) {
    std::vector<Case> cases;
    int rank = 0;
    for (const char* phase :
         {"prepare", "read", "orient", "spaxels", "synthesis", "reduce", "psf", "lsf", "noise", "maps", "write"}) {
        rank = (rank + 1) % 3;
        cases.push_back({std::string("kill-") + phase, fmt::format("{}:{}:KILL", phase, rank), expect_killed});
    }
    test::run_cases(cases);
}

// In the middle of writing: the room is reserved; all is written and not yet on the disk; all is there but the name.
TEST(AKilledRank, InTheMiddleOfWritingLeavesTheOldFileAlone) {
    std::vector<Case> cases;
    for (const std::string output : {"cube.h5", "cube.fits"}) {
        for (const char* fault : {"fallocate:0:KILL", "pwrite:2:KILL", "fsync:1:KILL", "rename:0:KILL"}) {
            cases.push_back({"kill-" + output + "-" + fault, fault, expect_killed, {}, output});
        }
    }
    test::run_cases(cases);
}

TEST(AKilledProgram, WithoutALauncherLeavesAFileThatTheNextRunReplaces) {
    const test::Place place("fault-alone");
    const auto run = [&](const std::string& fault) {
        const std::string command = fmt::format("cd '{}' && TESSERA_FAULT='{}' '{}' cube galaxy.yaml -q >out 2>err",
                                                place.folder.string(), fault, TESSERA_VICTIM);
        const int status = std::system(command.c_str());
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    };
    EXPECT_EQ(run("rename:0:KILL"), 137);
    EXPECT_EQ(place.cubes(), std::vector<std::string>{".cube.h5.partial"});
    EXPECT_EQ(run("none:0:none"), 0);
    EXPECT_EQ(place.cubes(), std::vector<std::string>{"cube.h5"});
}

} // namespace
} // namespace tessera
