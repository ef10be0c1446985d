#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/pipeline/tiny_galaxy.hpp"

/// Running the program as a person does: a folder with an input, a library and a configuration. One-process tests only.
namespace tessera::test {

/// 30 stars in the field of 5 x 5 kpc, inside the library's grid.
inline std::vector<TinyStar> thirty_stars() {
    std::vector<TinyStar> stars(30);
    for (std::size_t i = 0; i < stars.size(); ++i) {
        stars[i].x = 0.06 * (static_cast<double>(i) - 14.5);
        stars[i].y = 0.04 * (static_cast<double>(i % 7) - 3);
        stars[i].vz = 10.0 * static_cast<double>(i % 5);
    }
    return stars;
}

class Place : public TinyScene {
public:
    explicit Place(const std::string& name, const std::vector<TinyStar>& stars = thirty_stars())
        : TinyScene(name, stars), config((folder / "galaxy.yaml").string()) {
        write("galaxy.yaml", "simulation: {path: stars.hdf5}\n"
                             "galaxy: {redshift: 0.05, centre: [0, 0, 0], velocity: [0, 0, 0]}\n"
                             "ssp: {path: library.h5}\n"
                             "telescope: {field_of_view: 5, spaxel_size: 1, wavelength_range: [5000, 5125]}\n"
                             "output: {path: cube.h5}\n");
    }

    std::string config;

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(folder / name) << text;
        return (folder / name).string();
    }

    ProgramResult cube(const std::vector<std::string>& more = {}, int n_rank = 0) const {
        std::vector<std::string> words{"cube", config};
        words.insert(words.end(), more.begin(), more.end());
        return run_tessera(words, n_rank, folder);
    }
    ProgramResult set(const std::string& setting, int n_rank = 0) const { return cube({"--set", setting}, n_rank); }

    /// Cubes, complete or not, anywhere below the folder.
    std::vector<std::string> cubes() const {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
            const std::string name = entry.path().filename().string();
            const bool is_cube = name.find("cube.") != std::string::npos && entry.is_regular_file();
            if (is_cube || name.find(".partial") != std::string::npos) { found.push_back(name); }
        }
        return found;
    }
};

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) { ++n; }
    return n;
}

/// This exit code, one message, on standard error, with all of `words`; nothing on standard output.
inline void expect_failure(const ProgramResult& result, int code, const std::vector<std::string>& words) {
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(count(result.err, "tessera: error: "), 1U) << result.err;
    const auto at = result.err.find("tessera: error: ");
    ASSERT_NE(at, std::string::npos) << result.err;
    const std::string message = result.err.substr(at, result.err.find('\n', at) - at);
    for (const std::string& word : words) {
        EXPECT_TRUE(contains(message, word)) << "'" << word << "' is not in: " << message;
    }
}

inline void expect_success(const ProgramResult& result) { EXPECT_EQ(result.exit_code, 0) << result.out << result.err; }

} // namespace tessera::test
