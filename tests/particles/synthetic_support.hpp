#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "tessera/io/hdf5.hpp"
#include "tessera/particles/synthetic.hpp"
#include "tests/support/test_support.hpp"

/// What the tests of synthetic snapshots share.
namespace tessera::test {

using Vector = std::array<double, 3>;

inline double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
inline Vector cross(const Vector& a, const Vector& b) {
    return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
inline double length(const Vector& a) { return std::sqrt(dot(a, a)); }

/// The bytes of every file below `path` (or of the file itself), by name relative to it.
inline std::map<std::string, std::string> bytes_of(const std::filesystem::path& path) {
    std::map<std::string, std::string> out;
    const auto add = [&](const std::filesystem::path& file) {
        std::ifstream in(file, std::ios::binary);
        out[file.lexically_relative(path).string()] = {std::istreambuf_iterator<char>(in), {}};
    };
    if (std::filesystem::is_regular_file(path)) { add(path); }
    if (!std::filesystem::is_directory(path)) { return out; }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
        if (entry.is_regular_file()) { add(entry.path()); }
    }
    return out;
}

/// Whether make_snapshot on all ranks writes what it writes on one rank alone: rank 0 does that and compares.
inline void expect_same_bytes_as_on_one_rank(SyntheticOptions options, const std::filesystem::path& folder) {
    options.path = (folder / "together").string();
    make_snapshot(options, world());
    if (!world().is_root()) { return; }
    options.path = (folder / "alone").string();
    const auto self = make_self_communicator();
    make_snapshot(options, *self);
    const auto together = bytes_of(folder / "together"), alone = bytes_of(folder / "alone");
    ASSERT_FALSE(alone.empty());
    for (const auto& [name, bytes] : alone) {
        const auto other = together.find(name);
        ASSERT_NE(other, together.end()) << name;
        EXPECT_GT(bytes.size(), 0U) << name;
        EXPECT_TRUE(bytes == other->second) << name << " differs";
    }
    EXPECT_EQ(together.size(), alone.size());
}

/// Rows of three numbers.
inline std::vector<Vector> vectors(const std::vector<double>& flat) {
    std::vector<Vector> out(flat.size() / 3);
    for (std::size_t i = 0; i < out.size(); ++i) { out[i] = {flat[3 * i], flat[3 * i + 1], flat[3 * i + 2]}; }
    return out;
}

/// Radius that holds half of the mass, by sorting.
inline double half_mass_radius(const std::vector<double>& radius, const std::vector<double>& mass) {
    std::vector<std::size_t> order(radius.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return radius[a] < radius[b]; });
    const double half = 0.5 * std::accumulate(mass.begin(), mass.end(), 0.0);
    double inside = 0;
    for (const std::size_t i : order) {
        inside += mass[i];
        if (inside >= half) { return radius[i]; }
    }
    return 0;
}

} // namespace tessera::test
