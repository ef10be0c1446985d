// A folder is a layer: what a file may include is written once, in the tessera_layer lines of the top CMakeLists.txt.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/test_support.hpp"

namespace fs = std::filesystem;

namespace tessera {
namespace {

std::string slurp(const fs::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::map<std::string, std::set<std::string>> declared_layers() {
    std::map<std::string, std::set<std::string>> layers;
    const std::string text = slurp(test::source_dir() / "CMakeLists.txt");
    const std::regex line(R"(tessera_layer\((\w+)(?: USES ([\w ]+))?\))");
    for (std::sregex_iterator it(text.begin(), text.end(), line), end; it != end; ++it) {
        std::istringstream used((*it)[2].str());
        auto& allowed = layers[(*it)[1].str()];
        allowed.insert((*it)[1].str());
        for (std::string name; used >> name;) { allowed.insert(name); }
    }
    return layers;
}

std::vector<fs::path> sources_of(const std::string& layer) {
    std::vector<fs::path> files;
    for (const char* root : {"include/tessera", "src"}) {
        const fs::path folder = test::source_dir() / root / layer;
        if (!fs::exists(folder)) { continue; }
        for (const auto& entry : fs::recursive_directory_iterator(folder)) {
            if (entry.is_regular_file()) { files.push_back(entry.path()); }
        }
    }
    return files;
}

TEST(Layers, AFileIncludesOnlyWhatItsLayerDeclares) {
    const auto layers = declared_layers();
    ASSERT_GE(layers.size(), 13U);
    const std::regex include(R"re(#include "(?:tessera/)?(\w+)/)re");
    int n_checked = 0;
    for (const auto& [layer, allowed] : layers) {
        for (const fs::path& file : sources_of(layer)) {
            const std::string text = slurp(file);
            for (std::sregex_iterator it(text.begin(), text.end(), include), end; it != end; ++it) {
                ++n_checked;
                EXPECT_TRUE(allowed.contains((*it)[1].str()))
                    << file << " includes " << (*it)[1].str() << ", which layer " << layer << " does not declare";
            }
        }
    }
    EXPECT_GT(n_checked, 50);
}

TEST(Layers, OnlyTheOwningLayerIncludesAnExternalLibrary) {
    const std::multimap<std::string, std::string> owners{
        {"mpi.h", "comm"},           {"hdf5.h", "io"},      {"fitsio.h", "io"},
        {"fftw3.h", "instrument"},   {"fftw3.h", "device"}, {"cairo.h", "output"},
        {"yaml-cpp/yaml.h", "core"}, {"nccl.h", "comm"},    {"cuda_runtime.h", "device"},
        {"cuda_runtime.h", "comm"}};
    const auto owns = [&](const std::string& layer, const std::string& header) {
        const auto [first, end] = owners.equal_range(header);
        return std::any_of(first, end, [&](const auto& entry) { return entry.second == layer; });
    };
    for (const auto& [layer, allowed] : declared_layers()) {
        for (const fs::path& file : sources_of(layer)) {
            const std::string text = slurp(file);
            for (const auto& [header, owning] : owners) {
                if (owns(layer, header) && file.string().find("/include/") == std::string::npos) { continue; }
                EXPECT_EQ(text.find("#include <" + header + ">"), std::string::npos) << file << " includes " << header;
            }
        }
    }
}

TEST(Layers, SourcesAreShortEnoughToReadInOneSitting) {
    for (const auto& [layer, allowed] : declared_layers()) {
        for (const fs::path& file : sources_of(layer)) {
            const std::string text = slurp(file);
            EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 600) << file;
        }
    }
}

} // namespace
} // namespace tessera
