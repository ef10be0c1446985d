// Files that fail one rank alone, in the middle of a run: one error on all ranks, with its exit code, and nothing left.
#include "tests/faults/job.hpp"
#include "tests/support/sanitizers.hpp"

namespace tessera {
namespace {

using test::Case;
using test::Job;

/// The sanitizer of undefined behaviour opens a pipe to look whether an object's type can be read: with no file to be
/// opened it reports an object that is in order.
constexpr bool sanitizers_need_files = test::with_sanitizers;

/// Ends with this code and one message.
std::function<void(Job&)> expect(int code, const std::vector<std::string>& words) {
    return [=](Job& job) {
        const auto found = job.end();
        ASSERT_TRUE(found) << "ranks are left after " << test::patience << " s: " << job.errors();
        EXPECT_EQ(*found, code) << job.errors();
        job.expect_one_message(words);
        job.expect_nothing_left();
    };
}

TEST(AnInputFile, ThatVanishesOrChangesBetweenLookingAndReadingIsADataError) {
    test::run_cases({
        {"input-vanishes", "read:1:remove:stars.hdf5", expect(3, {"stars.hdf5", "no such file"})},
        {"input-truncated", "read:0:truncate:stars.hdf5", expect(3, {"stars.hdf5", "bytes", "work on a copy"})},
        {"input-touched", "read:2:touch:stars.hdf5", expect(3, {"stars.hdf5", "another content", "work on a copy"})},
        {"input-grows", "pread:2:grow:stars.hdf5", expect(3, {"stars.hdf5", "bytes", "work on a copy"})},
        {"library-vanishes", "prepare:0:remove:library.h5", expect(3, {"library.h5", "no such file"})},
        {"library-truncated", "prepare:0:truncate:library.h5", expect(3, {"library.h5", "truncated"})},
    });
}

TEST(AnInputFile, ThatOneRankCannotReadIsADataErrorOfAll) {
    std::vector<Case> cases = {
        {"input-eio-0", "pread:0:EIO", expect(3, {"stars.hdf5", "Input/output error"})},
        {"input-eio-2", "pread:2:EIO:stars.hdf5", expect(3, {"stars.hdf5", "Input/output error"})},
        {"library-eio-2", "pread:2:EIO:library.h5", expect(3, {"library.h5", "Input/output error"})},
    };
    if (!sanitizers_need_files) {
        cases.push_back({"input-unopened", "read:1:no-files", expect(3, {"stars.hdf5", "Too many open files"})});
    }
    test::run_cases(cases);
}

TEST(AFullDisk, OfOneRankIsAResourceErrorOfAll) {
    std::vector<Case> cases;
    for (const std::string output : {"cube.h5", "cube.fits"}) {
        const auto full = expect(4, {output, "No space left on device", "free space"});
        const auto broken = expect(4, {output, "Input/output error"});
        cases.push_back({"full-room-" + output, "fallocate:0:ENOSPC", full, {}, output});
        cases.push_back({"full-0-" + output, "pwrite:0:ENOSPC", full, {}, output});
        cases.push_back({"full-2-" + output, "pwrite:2:ENOSPC", full, {}, output});
        cases.push_back({"broken-1-" + output, "fsync:1:EIO", broken, {}, output});
        cases.push_back({"broken-0-" + output, "fsync:0:EIO", broken, {}, output});
        cases.push_back({"broken-name-" + output, "rename:0:EIO", broken, {}, output});
    }
    if (!sanitizers_need_files) {
        cases.push_back({"full-files", "write:1:no-files", expect(4, {"cube.h5", "Too many open files"})});
    }
    test::run_cases(cases);
}

TEST(AFullDisk, ForThePictureLeavesTheCubeThatIsCompleteAlready) {
    test::run_cases({{"full-picture",
                      "rename#2:0:ENOSPC",
                      [](Job& job) {
                          EXPECT_EQ(job.end(), 4);
                          job.expect_one_message({"look.png", "No space left on device"});
                          EXPECT_EQ(job.place().cubes(), std::vector<std::string>{"cube.h5"});
                          EXPECT_EQ(io::Hdf5File::open((job.folder() / "cube.h5").string()).dataset("flux").n_row(),
                                    100);
                          EXPECT_FALSE(std::filesystem::exists(job.folder() / "look.png"));
                      },
                      {"output.quicklook=look.png"}}});
}

} // namespace
} // namespace tessera
