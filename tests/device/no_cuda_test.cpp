// Without a GPU, a driver or the library of CUDA parts the program starts, and asking for a GPU is a clear error.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <dlfcn.h>
#include <gmock/gmock.h>

#include "device/cuda_library.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

using testing::HasSubstr;

/// Sets TESSERA_CUDA_LIBRARY, and puts back what was there.
class WithLibrary {
public:
    explicit WithLibrary(const std::string& path) {
        const char* before = std::getenv("TESSERA_CUDA_LIBRARY");
        if (before != nullptr) { before_ = before; }
        setenv("TESSERA_CUDA_LIBRARY", path.c_str(), 1);
    }
    ~WithLibrary() {
        if (before_.empty()) {
            unsetenv("TESSERA_CUDA_LIBRARY");
        } else {
            setenv("TESSERA_CUDA_LIBRARY", before_.c_str(), 1);
        }
    }
    WithLibrary(const WithLibrary&) = delete;
    WithLibrary& operator=(const WithLibrary&) = delete;

private:
    std::string before_;
};

/// The text of the error, which must be of exit code 4.
std::string refusal(const std::string& asked) {
    const auto error = test::error_of([&] { device::open_accelerator(asked, 0, 1); });
    if (!error) { return "no error"; }
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_THAT(std::string(error->what()), HasSubstr("parallel.device: cpu")) << "the cure";
    return error->what();
}

TEST(NoCuda, HiddenByTheEnvironment) {
    const WithLibrary hidden("none");
    EXPECT_THAT(refusal("cuda"), HasSubstr("TESSERA_CUDA_LIBRARY=none"));
    EXPECT_THAT(refusal("cuda:3"), HasSubstr("libtessera_cuda.so"));
    EXPECT_TRUE(device::gpus().empty());
    EXPECT_FALSE(device::why_no_gpu().empty());
    EXPECT_EQ(device::open_accelerator("auto", 0, 1), nullptr);
    EXPECT_EQ(device::open_accelerator("cpu", 0, 1), nullptr);
}

TEST(NoCuda, ALibraryThatIsNotThere) {
    const WithLibrary absent("/no/such/folder/libtessera_cuda.so");
    EXPECT_THAT(refusal("cuda"), HasSubstr("/no/such/folder/libtessera_cuda.so: found no such file"));
    EXPECT_EQ(device::open_accelerator("auto", 0, 1), nullptr);
}

TEST(NoCuda, AFileThatIsNoLibrary) {
    const auto path = test::scratch("no_library") / "libtessera_cuda.so";
    std::ofstream(path) << "not a library";
    const WithLibrary text(path.string());
    EXPECT_THAT(refusal("cuda"), HasSubstr(path.string() + ": found a file that cannot be loaded"));
    EXPECT_EQ(device::open_accelerator("auto", 0, 1), nullptr);
}

TEST(NoCuda, AnotherLibrary) {
    Dl_info info{};
    ASSERT_NE(dladdr(reinterpret_cast<void*>(&std::fopen), &info), 0);
    const WithLibrary other(info.dli_fname);
    EXPECT_THAT(refusal("cuda"), HasSubstr("another library"));
}

TEST(NoCuda, TheLibraryLoadsWithoutADriver) {
    if (!device::built_with_cuda()) {
        EXPECT_THAT(refusal("cuda"), HasSubstr("built without CUDA"));
        GTEST_SKIP() << "no CUDA in this build";
    }
    EXPECT_GE(device::cuda_library().kernels().size(), 5U);
    EXPECT_NE(device::cuda_symbol(device::cuda_entry_name), nullptr);
    const auto error = test::error_of([] { device::cuda_symbol("tessera_no_such_function"); });
    ASSERT_TRUE(error);
    EXPECT_THAT(std::string(error->what()), HasSubstr("tessera_no_such_function"));
    if (!device::gpus().empty()) { GTEST_SKIP() << "a GPU is here"; }
    EXPECT_THAT(refusal("cuda"), HasSubstr("GPU 0: found none: "));
    EXPECT_THAT(refusal("cuda:1"), HasSubstr("libcuda.so.1"));
}

TEST(NoCuda, AnErrorOfTheLibraryArrivesAsOurs) {
    if (!device::built_with_cuda() || !device::gpus().empty()) { GTEST_SKIP() << "no CUDA in this build, or a GPU"; }
    const device::CudaEntry& library = device::cuda_library();
    std::string problem;
    EXPECT_TRUE(library.gpus(problem).empty());
    EXPECT_THAT(problem, HasSubstr("cudaGetDeviceCount: "));
    const auto error = test::error_of([&] { library.open(0); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::resource);
    EXPECT_THAT(std::string(error->what()), HasSubstr("cudaSetDevice: found cudaError"));
}

TEST(NoCuda, AWordThatMeansNothingIsAnErrorOfTheConfiguration) {
    for (const char* asked : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda1", ""}) {
        const auto error = test::error_of([&] { device::open_accelerator(asked, 0, 1); });
        ASSERT_TRUE(error) << asked;
        EXPECT_EQ(error->kind(), Kind::config) << asked;
        EXPECT_THAT(std::string(error->what()), HasSubstr("parallel.device")) << asked;
    }
}

TEST(NoCuda, TheEmulationNeedsNone) {
    const WithLibrary hidden("none");
    const auto emulated = device::open_accelerator("emulated", 0, 1);
    ASSERT_NE(emulated, nullptr);
    EXPECT_EQ(emulated->info().kind, "emulated");
}

TEST(NoCuda, TheProgramStartsWhereTheLibraryIsHidden) {
    const WithLibrary hidden("none");
    const auto result = test::run_tessera({"--version"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("no GPU"));
    EXPECT_THAT(result.out, HasSubstr(device::built_with_cuda() ? device::cuda_version() : "not in this build"));
}

/// Libraries that a file cannot start without.
std::string needed_by(const std::string& file) {
    std::string text;
    FILE* pipe = popen(("readelf -d '" + file + "' 2>&1").c_str(), "r");
    std::array<char, 512> line{};
    while (pipe != nullptr && std::fgets(line.data(), line.size(), pipe) != nullptr) {
        if (std::string_view(line.data()).find("NEEDED") != std::string_view::npos) { text += line.data(); }
    }
    if (pipe != nullptr) { pclose(pipe); }
    return text;
}

TEST(NoCuda, NeitherProgramNorLibraryLinksCuda) {
    Dl_info library{};
    ASSERT_NE(dladdr(dlsym(RTLD_DEFAULT, "_ZN7tessera6device4gpusEv"), &library), 0);
    EXPECT_THAT(std::string(library.dli_fname), HasSubstr("libtessera.so"));
    for (const std::string& file : {std::string(library.dli_fname), test::program().string()}) {
        const std::string needed = needed_by(file);
        EXPECT_THAT(needed, HasSubstr("libc.so")) << file << ": readelf says nothing";
        for (const char* name : {"libcu", "libnv", "libnccl", "tessera_cuda"}) {
            EXPECT_THAT(needed, testing::Not(HasSubstr(name))) << file;
        }
    }
}

} // namespace
} // namespace tessera
