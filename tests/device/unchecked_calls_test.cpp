// Every call of CUDA and its libraries goes through a check function: what is dropped here is an error that nobody sees.
#include <regex>
#include <set>

#include "tests/device/source_text.hpp"

namespace tessera {
namespace {

/// Calls that give no status: names of errors, and the last one, which is asked for to be cleared.
const std::set<std::string> without_status{"cudaGetErrorString", "cudaGetErrorName", "cublasGetStatusString",
                                           "ncclGetErrorString", "ncclGetLastError", "cudaGetLastError",
                                           "cudaPeekAtLastError"};

/// What may stand in front of a call: the check functions, or `code` that the following line hands to one.
const std::regex checked_by(R"((\bcheck(_nccl)?|\bforget|\bhas_memory_for)\s*\(\s*$)");
const std::regex kept(R"(\b(const )?(cudaError_t|ncclResult_t) code\s*=\s*([^;]*\?[^;]*:\s*)?$)");

/// The places of unchecked calls in a text.
std::vector<std::string> unchecked(const std::filesystem::path& file, const std::string& text) {
    static const std::regex call(R"(\b((?:cuda|cublas|cufft|cusparse|nccl)[A-Z]\w*|cub::Device\w+::\w+)\s*\()");
    const std::string code = test::code_of(text);
    std::vector<std::string> found;
    for (std::sregex_iterator it(code.begin(), code.end(), call), end; it != end; ++it) {
        const std::string name = (*it)[1].str();
        const auto at = static_cast<std::size_t>(it->position());
        const std::size_t begin = at > 200 ? at - 200 : 0;
        const std::string before = code.substr(begin, at - begin);
        if (without_status.contains(name) || std::regex_search(before, checked_by)) { continue; }
        if (std::regex_search(before, kept)) { // kept in `code`: looked at within the next lines
            const std::string after = code.substr(at, 400);
            if (after.find("code != ") != std::string::npos || after.find("code == ") != std::string::npos) {
                continue;
            }
        }
        // CUB hands its status to the caller of a lambda, which checks it.
        if (name.starts_with("cub::") && std::regex_search(before, std::regex(R"(return\s+$)"))) { continue; }
        found.push_back(test::place(file, text, at) + ": " + name);
    }
    static const std::regex launch(R"(<<<)");
    for (std::sregex_iterator it(code.begin(), code.end(), launch), end; it != end; ++it) {
        found.push_back(test::place(file, text, static_cast<std::size_t>(it->position())) +
                        ": a launch without cudaLaunchKernel, whose status is lost");
    }
    return found;
}

TEST(UncheckedCalls, ThereAreNone) {
    int n_file = 0;
    for (const auto& file : test::sources({".cu", ".cuh", ".cpp", ".hpp"})) {
        ++n_file;
        for (const std::string& place : unchecked(file, test::read_text(file))) { ADD_FAILURE() << place; }
    }
    EXPECT_GT(n_file, 100);
}

TEST(UncheckedCalls, ThisTestFindsThem) {
    const auto found = unchecked(test::source_dir() / "x.cu", "cudaFree(a);\n"
                                                              "// cudaFree(b);\n"
                                                              "check(cudaFree(c), \"cudaFree(\");\n"
                                                              "static_cast<void>(cublasCreate(&handle));\n"
                                                              "const cudaError_t code = cudaMalloc(&p, 1);\n"
                                                              "use(p);\n"
                                                              "loop<<<1, 1>>>(p);\n");
    ASSERT_EQ(found.size(), 4U);
    EXPECT_EQ(found[0], "x.cu:1: cudaFree");
    EXPECT_EQ(found[1], "x.cu:4: cublasCreate");
    EXPECT_EQ(found[2], "x.cu:5: cudaMalloc");
    EXPECT_EQ(found[3].substr(0, 6), "x.cu:7");
}

} // namespace
} // namespace tessera
