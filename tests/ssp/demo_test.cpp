// The built-in library covers what people try first, and behaves like stars.
#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tessera/core/value.hpp"
#include "tessera/ssp/library.hpp"
#include "tests/support/test_support.hpp"

using namespace tessera;

namespace {

std::int64_t pixel_at(const ssp::Library& library, double wavelength) {
    return std::lower_bound(library.wavelength.begin(), library.wavelength.end(), wavelength) -
           library.wavelength.begin();
}

float at(const ssp::Library& library, std::size_t metallicity, std::size_t age, double wavelength) {
    return library.nodes()(static_cast<std::int64_t>(metallicity * library.age.size() + age),
                           pixel_at(library, wavelength));
}

/// Mean around a wavelength, for continua.
double mean(const ssp::Library& library, std::size_t age, double first, double last) {
    double sum = 0;
    const std::int64_t begin = pixel_at(library, first), end = pixel_at(library, last);
    for (std::int64_t i = begin; i < end; ++i) {
        sum += library.nodes()(static_cast<std::int64_t>(3 * library.age.size() + age), i);
    }
    return sum / double(end - begin);
}

} // namespace

TEST(DemoLibrary, IsOrderedFiniteAndBright) {
    const ssp::Library library = ssp::demo_library();
    EXPECT_EQ(library.n_age(), 20);
    EXPECT_EQ(library.n_metallicity(), 5);
    EXPECT_EQ(library.flux.size(), library.wavelength.size() * 100);
    EXPECT_EQ(library.medium, Medium::air);
    for (const auto* axis : {&library.age, &library.metallicity, &library.wavelength}) {
        EXPECT_EQ(std::adjacent_find(axis->begin(), axis->end(), std::greater_equal<>()), axis->end());
    }
    EXPECT_TRUE(std::all_of(library.flux.begin(), library.flux.end(),
                            [](float value) { return std::isfinite(value) && value > 0; }));
}

TEST(DemoLibrary, CoversEveryTelescopeFromRedshift0To0p3) {
    const auto path = test::shared("specs/telescopes.yaml");
    if (!path) { GTEST_SKIP() << test::absent("specs/telescopes.yaml"); }
    const ssp::Library library = ssp::demo_library();
    const Value telescopes = read_yaml(path->string());
    ASSERT_NE(telescopes.find("telescopes"), nullptr);
    for (const auto& [name, telescope] : *telescopes.find("telescopes")->as_map()) {
        double first = 0, last = 0;
        ASSERT_TRUE(telescope.find("wave_min")->number(first) && telescope.find("wave_max")->number(last));
        EXPECT_LT(library.wavelength.front(), first / 1.3) << name;
        EXPECT_GT(library.wavelength.back(), last) << name;
    }
}

TEST(DemoLibrary, FadesReddensAndBreaksWithAge) {
    const ssp::Library library = ssp::demo_library();
    const std::size_t young = 2, old = 19; // 3 Myr, 14 Gyr
    for (std::size_t age = young; age < old; ++age) {
        EXPECT_GT(at(library, 3, age, 5500), at(library, 3, age + 1, 5500));
    }
    // luminosity as age^-0.7 between 0.1 and 10 Gyr, as declared
    EXPECT_NEAR(std::log10(at(library, 3, 9, 5500) / at(library, 3, 17, 5500)), 0.7 * std::log10(8 / 0.1), 0.02);
    EXPECT_GT(mean(library, young, 4000, 4500) / mean(library, young, 7000, 7500), 2);
    EXPECT_LT(mean(library, old, 4000, 4500) / mean(library, old, 7000, 7500), 1);
    // D4000 with the windows of Balogh et al. (1999)
    const auto d4000 = [&](std::size_t age) { return mean(library, age, 4000, 4100) / mean(library, age, 3850, 3950); };
    EXPECT_LT(d4000(young), 1.3);
    EXPECT_GT(d4000(old), 1.6);
}

TEST(DemoLibrary, HasBalmerAndMetalLinesThatChange) {
    const ssp::Library library = ssp::demo_library();
    const auto depth = [&](std::size_t metallicity, std::size_t age, double line, double beside) {
        return 1 - at(library, metallicity, age, line) / at(library, metallicity, age, beside);
    };
    EXPECT_GT(depth(3, 11, 4861, 4800), 0.4) << "H beta at 0.3 Gyr";
    EXPECT_GT(depth(3, 11, 4861, 4800), depth(3, 19, 4861, 4800));
    EXPECT_GT(depth(3, 11, 4861, 4800), depth(3, 2, 4861, 4800));
    for (const auto& [line, beside] :
         {std::pair{5184.0, 5220.0}, std::pair{5890.0, 5850.0}, std::pair{8542.0, 8600.0}}) {
        EXPECT_GT(depth(3, 19, line, beside), 0.2) << line;
        EXPECT_GT(depth(3, 19, line, beside), 2 * depth(3, 5, line, beside)) << "weak when young: " << line;
        EXPECT_GT(depth(4, 19, line, beside), depth(0, 19, line, beside)) << "weak when poor in metals: " << line;
    }
}

TEST(Summary, NamesAxesMediumAndChecksum) {
    ssp::Library library = ssp::demo_library();
    library.resolution_fwhm = 2.51;
    const std::string text = summary(library);
    for (const char* part :
         {"demonstration", "5 from 0.0004 to 0.05", "20 from 0.001 to 14 Gyr", "from 900 to 56000 Angstrom, air",
          "1 Angstrom (55 km/s) at 5500", "2.51 Angstrom", "MB"}) {
        EXPECT_THAT(text, testing::HasSubstr(part));
    }
    EXPECT_EQ(text.back(), '\n');
    library.medium = Medium::unknown;
    EXPECT_THAT(summary(library), testing::HasSubstr("air or vacuum: not stated"));
}

TEST(Checksum, ChangesWithAnyValueAndOnlyThen) {
    const ssp::Library library = ssp::demo_library();
    EXPECT_EQ(checksum_of(library), library.checksum);
    ssp::Library other = library;
    other.name = "renamed";
    EXPECT_EQ(checksum_of(other), library.checksum);
    other.flux[12345] = std::nextafter(other.flux[12345], 1.0f);
    EXPECT_NE(checksum_of(other), library.checksum);
    other = library;
    other.age[3] *= 1 + 1e-15;
    EXPECT_NE(checksum_of(other), library.checksum);
}
