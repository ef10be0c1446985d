#pragma once

#include "tessera/core/random.hpp"
#include "tests/pipeline/scene.hpp"

namespace tessera::test {

/// Runs with all ranks and with rank 0 alone; compares on rank 0.
inline void compare_with_one_rank(const Scene& scene, const std::vector<std::string>& more) {
    auto& world = test::world();
    const std::string together = scene.run("together.h5", more, world);
    if (world.is_root()) {
        const auto self = make_self_communicator();
        const std::string alone = scene.run("alone.h5", more, *self);
        EXPECT_LE(difference(Cube(together), Cube(alone)), 1e-6);
        EXPECT_LE(difference(Cube(together, "variance"), Cube(alone, "variance")), 3e-6); // squares
        const auto checksum = [](const std::string& path) {
            return io::Hdf5File::open(path).group("provenance").find_text("star_checksum").value_or("none");
        };
        EXPECT_EQ(checksum(together), checksum(alone));
        EXPECT_EQ(checksum(together).size(), 16U);
        for (const char* name : {"RAW_VEL", "OBS_SIGMA", "RAW_AGE", "OBS_WHITE"}) {
            const auto a = map_of(together, name);
            const auto b = map_of(alone, name);
            for (std::size_t i = 0; i < a.size(); ++i) {
                EXPECT_EQ(std::isnan(a[i]), std::isnan(b[i])) << name;
                if (!std::isnan(a[i])) {
                    EXPECT_NEAR(a[i], b[i], 1e-3 + 1e-5 * std::abs(b[i])) << name << " spaxel " << i;
                }
            }
        }
    }
    world.barrier();
}

/// A thick disc of stars with masses of all sizes.
inline SceneStars galaxy(std::int64_t n) {
    SceneStars stars;
    for (std::int64_t i = 0; i < n; ++i) {
        const auto normal = [&](std::uint64_t stream) {
            return Philox::at(9, stream, static_cast<std::uint64_t>(i)).normal();
        };
        stars.add(normal(0), 0.6 * normal(1), 0.2 * normal(2), 100 * normal(3), 100 * normal(4), 100 * normal(5),
                  1e6 * std::exp(normal(6)));
    }
    return stars;
}

} // namespace tessera::test
