// Truncated decompositions of a library: what they say of their errors is so, and they are the same everywhere.
#include "tessera/ssp/compression.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tessera/core/random.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

/// Errors as the header defines them: rms over the points of a range of node - sum of coefficients times basis, relative to the
/// node's mean.
std::vector<double> errors_of(const ssp::Library& library, ssp::WavelengthRange range,
                              const ssp::Compression& compression) {
    std::vector<double> out;
    for (std::int64_t k = 0; k < library.n_node(); ++k) {
        const float* light = library.nodes().row(k);
        double mean = 0;
        double square = 0;
        for (std::int64_t l = range.first; l < range.end; ++l) {
            double missing = light[l];
            for (std::int64_t j = 0; j < compression.rank; ++j) {
                missing -=
                    static_cast<double>(compression.coefficients[static_cast<std::size_t>(k * compression.rank + j)]) *
                    compression.basis[static_cast<std::size_t>(j * library.n_wave() + l)];
            }
            mean += light[l];
            square += missing * missing;
        }
        const auto n = static_cast<double>(range.end - range.first);
        out.push_back(mean > 0 ? std::sqrt(square / n) / (mean / n) : 0);
    }
    return out;
}

double weighted_mean(const std::vector<double>& weight, const std::vector<double>& value) {
    return std::inner_product(weight.begin(), weight.end(), value.begin(), 0.0) /
           std::accumulate(weight.begin(), weight.end(), 0.0);
}

ssp::WavelengthRange optical(const ssp::Library& library) {
    const auto at = [&](double wavelength) {
        return std::lower_bound(library.wavelength.begin(), library.wavelength.end(), wavelength) -
               library.wavelength.begin();
    };
    return {at(4500), at(7003)};
}

/// A smooth continuum and random noise: no basis of fewer spectra than nodes is good.
ssp::Library noisy_library(std::int64_t n_metallicity, std::int64_t n_age, std::int64_t n_wave) {
    ssp::Library library;
    for (std::int64_t i = 0; i < n_metallicity; ++i) {
        library.metallicity.push_back(0.01 * static_cast<double>(i + 1));
    }
    for (std::int64_t i = 0; i < n_age; ++i) { library.age.push_back(static_cast<double>(i + 1)); }
    for (std::int64_t i = 0; i < n_wave; ++i) { library.wavelength.push_back(5000 + static_cast<double>(i)); }
    for (std::int64_t i = 0; i < n_metallicity * n_age * n_wave; ++i) {
        library.flux.push_back(static_cast<float>(1 + Philox::at(3, 1, static_cast<std::uint64_t>(i)).uniform(0)));
    }
    return library;
}

TEST(Compression, SaysItsErrors) {
    const ssp::Library library = ssp::demo_library();
    const ssp::WavelengthRange range = optical(library);
    const auto importance = ssp::population_prior(library, range);
    for (const double tolerance : {1e-2, 1e-3, 1e-4}) {
        const ssp::Compression compression = ssp::compress(library, range, importance, tolerance, {1});
        EXPECT_LE(weighted_mean(importance, compression.error), tolerance);
        const auto errors = errors_of(library, range, compression);
        for (std::size_t k = 0; k < errors.size(); ++k) {
            // Residuals, coefficients and basis are floats: a few 1e-7 of the node's light.
            EXPECT_NEAR(compression.error[k], errors[k], 0.01 * errors[k] + 1e-6) << "node " << k;
        }
        EXPECT_EQ(compression.error.size(), static_cast<std::size_t>(library.n_node()));
        EXPECT_EQ(compression.coefficients.size(), static_cast<std::size_t>(library.n_node() * compression.rank));
        EXPECT_EQ(compression.basis.size(), static_cast<std::size_t>(library.n_wave() * compression.rank));
    }
}

TEST(Compression, AFinerToleranceTakesMoreSpectraAndLeavesASmallerError) {
    const ssp::Library library = ssp::demo_library();
    const ssp::WavelengthRange range = optical(library);
    const auto importance = ssp::population_prior(library, range);
    std::int64_t rank = 0;
    double error = 1;
    for (const double tolerance : {3e-2, 3e-4, 1e-6}) {
        const ssp::Compression compression = ssp::compress(library, range, importance, tolerance, {1});
        EXPECT_GT(compression.rank, rank);
        EXPECT_EQ(compression.rank % 8, 0);
        EXPECT_LT(weighted_mean(importance, compression.error), error);
        rank = compression.rank;
        error = weighted_mean(importance, compression.error);
    }
    EXPECT_LT(rank, library.n_node()); // a library of smooth spectra is worth compressing
}

TEST(Compression, IsTheSameForAnyNumberOfThreads) {
    const ssp::Library library = ssp::demo_library();
    const ssp::WavelengthRange range = optical(library);
    const auto importance = ssp::population_prior(library, range);
    const ssp::Compression one = ssp::compress(library, range, importance, 1e-4, {1});
    const ssp::Compression three = ssp::compress(library, range, importance, 1e-4, {3});
    EXPECT_EQ(one.rank, three.rank);
    EXPECT_EQ(one.coefficients, three.coefficients);
    EXPECT_EQ(one.basis, three.basis);
    EXPECT_EQ(one.error, three.error);
}

TEST(Compression, KeepsToItsRange) {
    const ssp::Library library = ssp::demo_library();
    const ssp::WavelengthRange range = optical(library);
    const auto compression = ssp::compress(library, range, ssp::population_prior(library, range), 1e-2, {1});
    for (std::int64_t j = 0; j < compression.rank; ++j) {
        const float* row = compression.basis.data() + j * library.n_wave();
        EXPECT_TRUE(std::all_of(row, row + range.first, [](float x) { return x == 0; }));
        EXPECT_TRUE(std::all_of(row + range.end, row + library.n_wave(), [](float x) { return x == 0; }));
    }
}

TEST(Compression, ANodeOfNoImportanceIsLeftDark) {
    const ssp::Library library = ssp::demo_library();
    const ssp::WavelengthRange range = optical(library);
    std::vector<double> importance(static_cast<std::size_t>(library.n_node()), 1.0);
    importance[5] = importance[77] = 0;
    const auto compression = ssp::compress(library, range, importance, 1e-3, {1});
    for (const std::size_t k : {5U, 77U}) {
        EXPECT_EQ(compression.error[k], 1);
        for (std::int64_t j = 0; j < compression.rank; ++j) {
            EXPECT_EQ(
                compression.coefficients[k * static_cast<std::size_t>(compression.rank) + static_cast<std::size_t>(j)],
                0);
        }
    }
    EXPECT_LT(compression.error[6], 0.1);
    EXPECT_LE(weighted_mean(importance, compression.error), 1e-3);
}

TEST(Compression, ADarkNodeStaysDarkAndHasNoError) {
    ssp::Library library = ssp::demo_library();
    std::fill_n(library.flux.begin() + 12 * library.n_wave(), library.n_wave(), 0.0F);
    const ssp::WavelengthRange range = optical(library);
    const std::vector<double> importance(static_cast<std::size_t>(library.n_node()), 1.0);
    const auto compression = ssp::compress(library, range, importance, 1e-3, {2});
    EXPECT_EQ(compression.error[12], 0);
    const auto errors = errors_of(library, range, compression);
    for (std::size_t k = 0; k < errors.size(); ++k) {
        EXPECT_TRUE(std::isfinite(errors[k]));
        EXPECT_NEAR(compression.error[k], errors[k], 0.01 * errors[k] + 1e-6);
    }
    for (std::int64_t j = 0; j < compression.rank; ++j) {
        EXPECT_EQ(compression.coefficients[static_cast<std::size_t>(12 * compression.rank + j)], 0);
    }
}

class SmallLibrary : public testing::TestWithParam<std::int64_t> {};

TEST_P(SmallLibrary, IsAsGoodAsFloatAllowsWhenNothingLessWillDo) {
    const ssp::Library library = noisy_library(1, GetParam(), 100);
    const ssp::WavelengthRange range{3, 97};
    const std::vector<double> importance(static_cast<std::size_t>(library.n_node()), 0.5);
    const auto compression = ssp::compress(library, range, importance, 1e-6, {1});
    EXPECT_GE(compression.rank, library.n_node());
    EXPECT_LT(compression.rank, library.n_node() + 8);
    for (const double error : errors_of(library, range, compression)) { EXPECT_LE(error, 1e-6); }
    for (const float value : compression.basis) { ASSERT_TRUE(std::isfinite(value)); }
    for (const float value : compression.coefficients) { ASSERT_TRUE(std::isfinite(value)); }
}

INSTANTIATE_TEST_SUITE_P(Nodes, SmallLibrary, testing::Values(1, 2, 5, 7, 8, 9, 12, 16, 30));

TEST(Compressed, IsMadeOnceForTheSameArguments) {
    const ssp::Library library = ssp::demo_library();
    const ssp::WavelengthRange range = optical(library);
    const auto importance = ssp::population_prior(library, range);
    const auto first = ssp::compressed(library, range, importance, 1e-2, {1});
    EXPECT_EQ(ssp::compressed(library, range, importance, 1e-2, {2}), first);
    const auto fresh = ssp::compress(library, range, importance, 1e-2, {1});
    EXPECT_EQ(first->basis, fresh.basis);
    EXPECT_EQ(first->coefficients, fresh.coefficients);

    EXPECT_NE(ssp::compressed(library, range, importance, 1e-3, {1}), first);
    EXPECT_NE(ssp::compressed(library, {range.first, range.end - 1}, importance, 1e-2, {1}), first);
    auto other_importance = importance;
    other_importance[3] *= 1.5;
    EXPECT_NE(ssp::compressed(library, range, other_importance, 1e-2, {1}), first);
    ssp::Library other = library;
    other.checksum = 0;
    other.flux[static_cast<std::size_t>(range.first + 10)] *= 1.5F;
    EXPECT_NE(ssp::compressed(other, range, importance, 1e-2, {1}), first);
    EXPECT_EQ(ssp::compressed(library, range, importance, 1e-2, {1}), first); // still there
}

TEST(PopulationPrior, SumsToOneAndNoNodeIsForgotten) {
    for (const ssp::Library& library : {ssp::demo_library(), noisy_library(2, 1, 50), noisy_library(1, 3, 50)}) {
        const auto prior = ssp::population_prior(library, {0, library.n_wave()});
        EXPECT_NEAR(std::accumulate(prior.begin(), prior.end(), 0.0), 1, 1e-12);
        for (const double share : prior) { EXPECT_GE(share, 0.1 / static_cast<double>(prior.size())); }
    }
}

} // namespace
} // namespace tessera
