// parallel.device where there is no GPU to be had: asked for, it is exit code 4 with one message and no cube; else CPUs do the work.
#include <cstdlib>

#include "tessera/device/device.hpp"
#include "tests/app/place.hpp"

namespace tessera {
namespace {

using test::expect_failure;
using test::expect_success;
using test::Place;

/// The library of CUDA parts is looked for elsewhere, by the programs that are started too.
class NoGpu : public testing::Test {
protected:
    ~NoGpu() override { unsetenv("TESSERA_CUDA_LIBRARY"); }
    static void look_for(const std::string& library) { setenv("TESSERA_CUDA_LIBRARY", library.c_str(), 1); }
};

TEST_F(NoGpu, AskingForOneWithTheCudaPartsHidden) {
    const Place place("hidden");
    look_for("none");
    for (const char* device : {"cuda", "cuda:1"}) {
        expect_failure(place.set(std::string("parallel.device=") + device), 4,
                       {"libtessera_cuda.so", "TESSERA_CUDA_LIBRARY=none", "parallel.device: cpu"});
    }
    EXPECT_EQ(place.cubes(), std::vector<std::string>{});
}

TEST_F(NoGpu, AskingForOneOnSeveralRanksIsOneMessage) {
    const Place place("ranks");
    look_for("none");
    expect_failure(place.set("parallel.device=cuda", 2), 4, {"TESSERA_CUDA_LIBRARY=none"});
}

TEST_F(NoGpu, AFileThatIsNotThereOrNoLibrary) {
    const Place place("files");
    look_for("/no/such/libtessera_cuda.so");
    expect_failure(place.set("parallel.device=cuda"), 4, {"/no/such/libtessera_cuda.so", "no such file"});
    const std::string text = place.write("libtessera_cuda.so", "my notes, not a library\n");
    look_for(text);
    expect_failure(place.set("parallel.device=cuda"), 4, {text, "cannot be loaded"});
}

TEST_F(NoGpu, WithoutADriverItIsTheDriverThatIsMissing) {
    if (!device::built_with_cuda() || !device::gpus().empty()) { GTEST_SKIP() << "no CUDA in this build, or a GPU"; }
    const Place place("driver");
    expect_failure(place.set("parallel.device=cuda"), 4, {"GPU 0", "libcuda.so.1", "parallel.device: cpu"});
}

TEST_F(NoGpu, CpusDoTheWorkUnlessAGpuIsAskedFor) {
    const Place place("auto");
    look_for("none");
    for (const char* device : {"auto", "cpu"}) {
        expect_success(place.set(std::string("parallel.device=") + device));
        EXPECT_FALSE(place.cubes().empty()) << device;
    }
}

TEST_F(NoGpu, AWordThatMeansNothingIsExitCodeTwo) {
    const Place place("word");
    expect_failure(place.set("parallel.device=gpu"), 2, {"parallel.device", "'gpu'", "cuda:N"});
}

} // namespace
} // namespace tessera
