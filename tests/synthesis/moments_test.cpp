// What resampling in velocity must not change: the light of a line, its centroid and its width, however many stars share the rows.
#include "synthesis/doppler.hpp"
#include "synthesis/row_weights.hpp"
#include "synthesis/spectra.hpp"
#include "tests/synthesis/stars.hpp"

namespace tessera {
namespace {

/// Angstrom. Straight lines between coarse points have overtones of their own, which pixels of nearly a multiple of the spacing would
/// see as shifts of 1e-5 Angstrom: not what is tested here.
constexpr double line_centre = 5000, line_sigma = 3, spacing = 0.1;

/// One spectrum for every age and metallicity: a Gaussian line of flux 1 [Lsun per Msun], its points joined by straight lines.
ssp::Library line_library() {
    ssp::Library library;
    library.name = library.source = "line";
    library.metallicity = {0.01, 0.02};
    library.age = {1, 2, 3};
    for (int i = -3000; i <= 3000; ++i) { library.wavelength.push_back(line_centre + i * spacing); }
    for (std::int64_t node = 0; node < library.n_node(); ++node) {
        for (const double l : library.wavelength) {
            library.flux.push_back(static_cast<float>(std::exp(-0.5 * std::pow((l - line_centre) / line_sigma, 2)) /
                                                      (line_sigma * std::sqrt(2 * constants::pi))));
        }
    }
    return library;
}

test::StarField stars_of_one_spaxel(std::int64_t n_star, double offset, double sigma) {
    test::StarField field;
    test::add_stars(field, 0, {n_star, test::Population::mixed, offset, sigma}, line_library(), 17);
    return field;
}

struct Moments {
    double sum = 0, mean = 0, variance = 0;
};

/// Light in Lsun, centroid in Angstrom, variance in Angstrom^2.
Moments measured(const test::Spectrum& spectrum, const WavelengthGrid& pixels) {
    Moments out;
    for (std::size_t k = 0; k < spectrum.size(); ++k) {
        out.sum += spectrum[k] * pixels.width(static_cast<std::int64_t>(k));
        out.mean += spectrum[k] * pixels.width(static_cast<std::int64_t>(k)) * pixels.centres[k];
    }
    out.mean /= out.sum;
    for (std::size_t k = 0; k < spectrum.size(); ++k) {
        out.variance +=
            spectrum[k] * pixels.width(static_cast<std::int64_t>(k)) * std::pow(pixels.centres[k] - out.mean, 2);
    }
    out.variance /= out.sum;
    return out;
}

/// The same in closed form: every star's line, stretched by its Doppler factor. A Gaussian whose points are joined by straight lines
/// has the variance sigma^2 + h^2/6, seen in pixels of width w that and w^2/12 more.
Moments expected(const test::StarField& field, double redshift, double pixel_width) {
    Moments out;
    double own_width = 0;
    for (std::size_t i = 0; i < field.size(); ++i) {
        const double factor = (1 + redshift) * (1 + field.los_velocity[i] / constants::speed_of_light);
        const double mass = field.initial_mass[i];
        out.sum += mass;
        out.mean += mass * factor * line_centre;
        own_width += mass * factor * factor * (line_sigma * line_sigma + spacing * spacing / 6);
    }
    out.mean /= out.sum;
    for (std::size_t i = 0; i < field.size(); ++i) {
        const double factor = (1 + redshift) * (1 + field.los_velocity[i] / constants::speed_of_light);
        out.variance += field.initial_mass[i] * std::pow(factor * line_centre - out.mean, 2);
    }
    out.variance = (out.variance + own_width) / out.sum + pixel_width * pixel_width / 12;
    return out;
}

class LineMoments : public testing::TestWithParam<std::tuple<Method, ssp::Interpolation>> {};

TEST_P(LineMoments, OfAnyNumberOfStarsAreThoseOfTheirSum) {
    const ssp::Library library = line_library();
    const double redshift = 0.02;
    const double width = 1.25;
    const WavelengthGrid pixels = make_linear_wavelengths(4950, 5250, width);
    SynthesisOptions options;
    options.method = std::get<0>(GetParam());
    options.interpolation = std::get<1>(GetParam());
    options.tolerance = 1e-2; // coarse rows: a step of some 30 km/s
    for (const std::int64_t n_star : {1, 2, 5, 30, 1000, 30000}) {
        for (const double sigma : {0.0, 7.0, 200.0}) {
            const test::StarField field = stars_of_one_spaxel(n_star, 123.4, sigma);
            SynthesisReport report;
            const PartialCube cube = synthesise(field.all(), library, ssp::Outside::clamp, pixels, redshift, options,
                                                {1}, test::world(), report);
            const Moments made = measured(test::summed(cube, test::world())[0], pixels);
            const Moments truth = expected(field, redshift, width);
            // Rows keep these to rounding in double. Row weights, templates and pixel bands are floats, 6e-8 each, most of it at
            // random: of the light 1e-6; of the centroid and the variance that share times the distance of the light.
            if (options.method == Method::binned) { EXPECT_EQ(report.n_spaxel_binned, 1); }
            EXPECT_NEAR(made.sum, truth.sum, 1e-6 * truth.sum) << n_star << " stars, sigma " << sigma;
            const double reach = std::sqrt(truth.variance);
            EXPECT_NEAR(made.mean, truth.mean, 1e-6 * reach) << n_star << " stars, sigma " << sigma;
            EXPECT_NEAR(made.variance, truth.variance, 3e-6 * truth.variance) << n_star << " stars, sigma " << sigma;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Methods, LineMoments,
                         testing::Combine(testing::Values(Method::exact, Method::binned, Method::automatic),
                                          testing::Values(ssp::Interpolation::linear, ssp::Interpolation::cubic)),
                         [](const auto& instance) {
                             return std::string(word(std::get<0>(instance.param))) + "_" +
                                    std::string(word(std::get<1>(instance.param)));
                         });

TEST(RowWeights, KeepTheMassAndTheFirstThreeMomentsOfTheVelocities) {
    const ssp::Library library = ssp::demo_library();
    for (const auto kind : {ssp::Interpolation::linear, ssp::Interpolation::cubic}) {
        const ssp::Interpolator interpolator(library, kind, ssp::Outside::clamp);
        NodeColumns columns;
        for (std::int32_t k = 0; k < library.n_node(); ++k) {
            columns.node.push_back(k);
            columns.column.push_back(k);
        }
        for (const double step : {1e-5, 1e-4, 1e-3}) {
            for (const std::int64_t n_star : {1, 3, 100, 20000}) {
                test::StarField field;
                test::add_stars(field, 0, {n_star, test::Population::mixed, 40, 250}, library, 3);
                const SpaxelStars stars = field.all();
                const Deposit deposit{.stars = stars,
                                      .interpolator = interpolator,
                                      .columns = columns,
                                      .grid = VelocityGrid::spanning(step, -5e-3, 5e-3),
                                      .doppler = Doppler::linear,
                                      .compression = nullptr,
                                      .n_key_column = padded_columns(library.n_node())};
                DepositScratch scratch;
                const RowList list = deposit_stars(deposit, 0, scratch);
                ASSERT_TRUE(std::is_sorted(list.key.begin(), list.key.end()));
                double sum[4] = {};
                double absolute[4] = {};
                for (std::size_t e = 0; e < list.key.size(); ++e) {
                    const double row = static_cast<double>(deposit.grid.first + list.key[e] / deposit.n_key_column);
                    for (int power = 0; power < 4; ++power) {
                        const double share = list.weight[e] * std::pow(row, power);
                        sum[power] += share;
                        absolute[power] += std::abs(share);
                    }
                }
                for (int power = 0; power < 4; ++power) {
                    double truth = 0;
                    for (std::size_t i = 0; i < field.size(); ++i) {
                        truth += field.initial_mass[i] *
                                 std::pow(log_doppler(field.los_velocity[i], Doppler::linear) / step, power);
                    }
                    // Weights are floats: 6e-8 of each. Node weights are floats too, and sum to 1 within a few of these.
                    EXPECT_NEAR(sum[power], truth, 1e-6 * absolute[power])
                        << "moment " << power << " step " << step << " stars " << n_star;
                }
            }
        }
    }
}

TEST(RowWeights, OfASpaxelWithoutStarsOrWithoutLightAreNone) {
    const ssp::Library library = ssp::demo_library();
    const ssp::Interpolator interpolator(library, ssp::Interpolation::linear, ssp::Outside::zero);
    NodeColumns columns{.node = {0}, .column = std::vector<std::int32_t>(100, 0)};
    test::StarField field;
    field.n_spaxel = 2;
    field.add(1, 1e5, 999, 0.02, 10); // older than the library: no light
    const SpaxelStars stars = field.all();
    const Deposit deposit{stars,           interpolator, columns, VelocityGrid::spanning(1e-4, -1e-3, 1e-3),
                          Doppler::linear, nullptr,      16};
    DepositScratch scratch;
    EXPECT_EQ(deposit_stars(deposit, 0, scratch).size(), 0);
    EXPECT_EQ(deposit_stars(deposit, 1, scratch).size(), 0);
    EXPECT_EQ(deposit_stars(deposit, 1, scratch).spaxel, 1);
}

TEST(RowWeights, DoNotDependOnWhatTheScratchWasUsedForBefore) {
    const ssp::Library library = ssp::demo_library();
    const ssp::Interpolator interpolator(library, ssp::Interpolation::cubic, ssp::Outside::clamp);
    NodeColumns columns;
    for (std::int32_t k = 0; k < library.n_node(); ++k) {
        columns.node.push_back(k);
        columns.column.push_back(k);
    }
    test::StarField field;
    field.n_spaxel = 3;
    test::add_stars(field, 0, {3000, test::Population::mixed, 0, 400}, library, 1);
    test::add_stars(field, 1, {7, test::Population::young, 600, 10}, library, 2);
    test::add_stars(field, 2, {500, test::Population::old, -200, 100}, library, 3);
    const SpaxelStars stars = field.all();
    const Deposit deposit{stars,           interpolator, columns, VelocityGrid::spanning(5e-5, -1e-2, 1e-2),
                          Doppler::linear, nullptr,      112};
    DepositScratch used;
    for (const std::int64_t spaxel : {0, 1, 2, 1, 0}) {
        DepositScratch fresh;
        const RowList a = deposit_stars(deposit, spaxel, used);
        const RowList b = deposit_stars(deposit, spaxel, fresh);
        EXPECT_EQ(a.key, b.key);
        EXPECT_EQ(a.weight, b.weight);
    }
}

} // namespace
} // namespace tessera
