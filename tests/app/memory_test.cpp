// The forecast of `--dry-run` against what a run then takes.
#include <cstdlib>

#include <sys/resource.h>

#include "tests/app/place.hpp"
#include "tests/support/sanitizers.hpp"

namespace tessera {
namespace {

using test::run_tessera;

/// Largest resident set of a child so far, MB; it never falls, so that each run must need more than those before it.
double largest_child() {
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    return static_cast<double>(usage.ru_maxrss) * 1024e-6;
}

/// "memory   101.9 MB on each of …"
double forecast_of(const std::string& text) {
    const auto at = text.find("memory ");
    return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + 7, nullptr);
}

void expect_forecast(const std::filesystem::path& folder, int n_star, const std::vector<std::string>& settings) {
    const std::string stars = (folder / fmt::format("{}.h5", n_star)).string();
    test::expect_success(run_tessera(
        {"snapshot", "make", "--stars", std::to_string(n_star), "--gas", "1000", "--scale-length", "1", "-o", stars}));
    std::vector<std::string> words{"cube"};
    std::ofstream(folder / "galaxy.yaml") << "galaxy: {redshift: 0.06}\nssp: {path: demo}\nparallel: {threads: 2}\n";
    words.push_back((folder / "galaxy.yaml").string());
    for (const std::string& setting : settings) { words.insert(words.end(), {"--set", setting}); }
    words.insert(words.end(), {"--set", "simulation.path=" + stars, "-o", (folder / "cube.h5").string()});
    const double before = largest_child();
    test::expect_success(run_tessera(words));
    const double measured = largest_child();
    words.emplace_back("--dry-run");
    const auto forecast = run_tessera(words);
    test::expect_success(forecast);
    ASSERT_GT(measured, before) << "an earlier run took more: nothing was measured";
    EXPECT_NEAR(forecast_of(forecast.out), measured, 0.1 * measured) << forecast.out;
}

TEST(Memory, TheForecastIsWithinATenthOfWhatARunTakes) {
    if (test::with_sanitizers) { GTEST_SKIP() << "a sanitizer has memory of its own"; }
    const auto folder = test::scratch("memory");
    // A cube of some size decides, then the stars.
    expect_forecast(folder, 10000, {"telescope.field_of_view=5", "telescope.wavelength_range=[4700, 9350]"});
    expect_forecast(folder, 2000000, {"telescope.field_of_view=2", "telescope.wavelength_range=[6000, 6100]"});
}

} // namespace
} // namespace tessera
