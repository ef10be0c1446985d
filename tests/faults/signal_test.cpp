// Signals of a scheduler, a launcher, a person: one message that names the signal, no rank and no unfinished file left.
#include "tests/faults/job.hpp"

namespace tessera {
namespace {

using test::Case;
using test::Job;

void expect_end(Job& job, int code, const std::vector<std::string>& words) {
    const auto found = job.end();
    ASSERT_TRUE(found) << "ranks are left after " << test::patience << " s: " << job.errors();
    EXPECT_EQ(*found, code) << job.errors();
    job.expect_one_said(words);
    job.expect_nothing_left();
}

TEST(ASignal, ToOneRankEndsAllWithItsMessage) {
    test::run_cases({
        {"term-synthesis", "synthesis:1:TERM", [](Job& job) { expect_end(job, 143, {"rank 1", "SIGTERM"}); }},
        {"int-psf", "psf:2:INT", [](Job& job) { expect_end(job, 130, {"rank 2", "SIGINT"}); }},
        {"term-read", "read:0:TERM", [](Job& job) { expect_end(job, 143, {"rank 0", "SIGTERM"}); }},
        {"term-writing", "fsync:2:TERM", [](Job& job) { expect_end(job, 143, {"rank 2", "SIGTERM"}); }},
        {"term-before-name",
         "rename:0:TERM",
         [](Job& job) { expect_end(job, 143, {"rank 0", "SIGTERM"}); },
         {},
         "cube.fits"},
    });
}

// Open MPI's mpirun leaves with 1 when a signal ends it, whatever the ranks say.
TEST(ASignal, ToTheLauncherEndsAllWithOneMessage) {
    const auto send = [](int number, const std::string& name) {
        return [=](Job& job) {
            job.signal(number);
            expect_end(job, 1, {name, "The launcher sends it"});
        };
    };
    test::run_cases({{"launcher-term", "synthesis:1:pause", send(SIGTERM, "SIGTERM")},
                     {"launcher-int", "synthesis:0:pause", send(SIGINT, "SIGTERM")},
                     {"launcher-writing", "fsync:0:pause", send(SIGTERM, "SIGTERM")}});
}

// A rank that stands still looks like one that computes: MPI does not tell them apart, and nobody ends the run before the
// scheduler does. Then everybody goes, the stopped one too.
TEST(AStoppedRank, DoesNotOutliveTheSchedulersSignal) {
    const auto check = [](Job& job) {
        job.signal(SIGTERM);
        expect_end(job, 1, {"SIGTERM"});
    };
    test::run_cases({{"stop", "synthesis:1:STOP", check}, {"stop-0", "psf:0:STOP", check}});
}

TEST(ASignal, ThatIsIgnoredStaysIgnored) {
    const test::Place place("fault-nohup");
    const std::string command =
        fmt::format("cd '{}' && trap '' HUP && TESSERA_FAULT=synthesis:0:HUP '{}' cube galaxy.yaml -q >out 2>err",
                    place.folder.string(), TESSERA_VICTIM);
    EXPECT_EQ(std::system(command.c_str()), 0);
    EXPECT_TRUE(std::filesystem::exists(place.folder / "reached"));
    EXPECT_EQ(place.cubes(), std::vector<std::string>{"cube.h5"});
}

} // namespace
} // namespace tessera
