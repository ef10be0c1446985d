// Each loop body has its CUDA kernel, a name of its own, and lives where both compilers can read it.
#include <map>
#include <regex>
#include <set>

#include <gmock/gmock.h>

#include "device/cuda_library.hpp"
#include "tests/device/source_text.hpp"

namespace tessera {
namespace {

struct Body {
    std::string name;  ///< "layer/what"
    std::string place; ///< file:line
    std::string layer; ///< folder
};

std::string layer_of(const std::filesystem::path& file) { return file.parent_path().filename().string(); }

/// Loop bodies by the name of their struct.
std::map<std::string, Body> bodies() {
    static const std::regex kernel_name(R"re(static constexpr const char\* name = "([^"]+)")re");
    static const std::regex structure(R"(\bstruct\s+(\w+)\s*(final\s*)?\{)");
    std::map<std::string, Body> found;
    for (const auto& file : test::sources({".hpp", ".cuh", ".cpp", ".cu"})) {
        const std::string text = test::read_text(file);
        const std::string code = test::code_of(text, true);
        for (std::sregex_iterator it(code.begin(), code.end(), kernel_name), end; it != end; ++it) {
            const std::string before = code.substr(0, static_cast<std::size_t>(it->position()));
            std::string owner;
            for (std::sregex_iterator s(before.begin(), before.end(), structure); s != end; ++s) {
                owner = (*s)[1].str();
            }
            const std::string place = test::place(file, text, static_cast<std::size_t>(it->position()));
            EXPECT_EQ(file.extension(), ".hpp") << place << ": a loop body stands in a header, for nvcc to read";
            EXPECT_TRUE(found.emplace(owner, Body{(*it)[1].str(), place, layer_of(file)}).second)
                << place << ": " << owner << " stands in " << found[owner].place << " too";
        }
    }
    return found;
}

/// Kernels by the name of the struct, without namespaces.
std::map<std::string, Body> kernels() {
    static const std::regex kernel(R"(\bTESSERA_CUDA_KERNEL\(\s*(?:\w*::)*(\w+)\s*\))");
    std::map<std::string, Body> found;
    for (const auto& file : test::sources({".cu"})) {
        const std::string text = test::read_text(file);
        const std::string code = test::code_of(text);
        for (std::sregex_iterator it(code.begin(), code.end(), kernel), end; it != end; ++it) {
            const std::string place = test::place(file, text, static_cast<std::size_t>(it->position()));
            EXPECT_TRUE(found.emplace((*it)[1].str(), Body{{}, place, layer_of(file)}).second)
                << place << ": " << (*it)[1].str() << " twice";
        }
    }
    return found;
}

TEST(KernelList, EachLoopBodyHasItsCudaKernel) {
    const auto all_bodies = bodies();
    const auto all_kernels = kernels();
    EXPECT_GE(all_bodies.size(), 5U);
    for (const auto& [owner, body] : all_bodies) {
        const auto kernel = all_kernels.find(owner);
        if (kernel == all_kernels.end()) {
            ADD_FAILURE() << body.place << ": " << owner << " has no TESSERA_CUDA_KERNEL line in src/" << body.layer
                          << "/kernels.cu";
            continue;
        }
        EXPECT_EQ(kernel->second.layer, body.layer) << kernel->second.place;
    }
    for (const auto& [owner, kernel] : all_kernels) {
        EXPECT_TRUE(all_bodies.contains(owner)) << kernel.place << ": " << owner << " is no loop body with a name";
    }
}

TEST(KernelList, NamesAreUniqueAndBeginWithTheLayer) {
    std::map<std::string, std::string> seen;
    for (const auto& [owner, body] : bodies()) {
        EXPECT_TRUE(body.name.starts_with(body.layer + "/")) << body.place << ": " << body.name;
        EXPECT_TRUE(seen.emplace(body.name, body.place).second) << body.place << " and " << seen[body.name];
    }
}

TEST(KernelList, TheLibraryHoldsThemAll) {
    if (!device::built_with_cuda()) { GTEST_SKIP() << "no CUDA in this build"; }
    std::vector<std::string> expected;
    for (const auto& [owner, body] : bodies()) { expected.push_back(body.name); }
    EXPECT_THAT(device::cuda_library().kernels(), testing::UnorderedElementsAreArray(expected));
}

} // namespace
} // namespace tessera
