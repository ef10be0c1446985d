// Real galaxies: every method against exact, in every lit spaxel, at every tolerance.
#include "tests/pipeline/scene.hpp"

namespace tessera {
namespace {

class MethodsOnCutouts : public testing::TestWithParam<const char*> {};

TEST_P(MethodsOnCutouts, KeepTheToleranceInEveryLitSpaxel) {
    const std::string relative = std::string("data/sim/") + GetParam();
    const auto path = test::shared(relative);
    const auto library = test::shared("data/ssp/bc03_miles_rubix.h5");
    if (!path || !library) { GTEST_SKIP() << test::absent(relative); }
    test::SceneStars none;
    none.add(0, 0, 0, 0, 0, 0);
    const test::Scene scene(std::string("methods-") + GetParam(), none);
    const std::vector<std::string> galaxy{"simulation.path=" + path->string(),
                                          "ssp.path=" + library->string(),
                                          "galaxy.centre=auto",
                                          "galaxy.velocity=auto",
                                          "view.rotation=edge-on",
                                          "telescope.field_of_view=30",
                                          "telescope.spaxel_size=2.5",
                                          "telescope.wavelength_range=[4750, 6500]",
                                          "ssp.outside=clamp"};
    for (const char* tolerance : {"1e-2", "1e-3", "1e-4"}) {
        const auto cube_of = [&](const std::string& method) {
            auto more = galaxy;
            more.push_back("synthesis.method=" + method);
            more.push_back(std::string("synthesis.tolerance=") + tolerance);
            return test::Cube(scene.run(method + ".h5", more, test::world()));
        };
        const test::Cube exact = cube_of("exact");
        for (const std::string method : {"auto", "binned", "compressed"}) {
            const test::Cube made = cube_of(method);
            double worst = 0;
            std::int64_t lit = 0;
            for (std::int64_t y = 0; y < exact.n_y; ++y) {
                for (std::int64_t x = 0; x < exact.n_x; ++x) {
                    double mean = 0;
                    double square = 0;
                    for (std::int64_t w = 0; w < exact.n_wave; ++w) {
                        mean += exact.at(w, y, x);
                        square += std::pow(made.at(w, y, x) - exact.at(w, y, x), 2);
                    }
                    const auto n = static_cast<double>(exact.n_wave);
                    if (mean > 0) {
                        ++lit;
                        worst = std::max(worst, std::sqrt(square / n) / (mean / n));
                    }
                }
            }
            EXPECT_GT(lit, 30);
            EXPECT_LE(worst, std::stod(tolerance)) << method << " at " << tolerance;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Files, MethodsOnCutouts,
                         testing::Values("SimSpin_example_IllustrisTNG.hdf5", "SimSpin_example_Colibre.hdf5"),
                         [](const auto& instance) {
                             return std::string(instance.param).substr(16, std::string(instance.param).find('.') - 16);
                         });

} // namespace
} // namespace tessera
