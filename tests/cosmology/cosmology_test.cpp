#include "tessera/cosmology/cosmology.hpp"

#include <cmath>
#include <limits>

#include "cosmology/quadrature.hpp"
#include "tessera/core/constants.hpp"
#include "tessera/io/hdf5.hpp"
#include "tests/support/test_support.hpp"

namespace tessera {
namespace {

/// The accuracy promised against astropy; the numbers below carry 13 digits.
constexpr double promised = 1e-6;
/// What the quadrature and the constants actually hold: astropy's own ages are good to about 1e-11.
constexpr double held = 1e-10;

const Cosmology planck15(67.74, 0.3075);
const Cosmology tng(67.74, 0.3089);
const Cosmology thawing(70, 0.3, -0.9, 0.2);
const Cosmology phantom(70, 0.3, -1.2, -0.3);

struct Expected {
    const Cosmology& cosmology;
    double redshift, hubble, comoving_distance, kpc_per_arcsec, age, lookback_time;
};

// astropy 8.0.2, with c one of
//   FlatLambdaCDM(H0=67.74, Om0=0.3075, Tcmb0=0), FlatLambdaCDM(H0=67.74, Om0=0.3089, Tcmb0=0),
//   Flatw0waCDM(H0=70, Om0=0.3, w0=-0.9, wa=0.2, Tcmb0=0), Flatw0waCDM(H0=70, Om0=0.3, w0=-1.2, wa=-0.3, Tcmb0=0):
//   c.H(z).value, c.comoving_distance(z).value, 1/c.arcsec_per_kpc_proper(z).value, c.age(z).value, c.lookback_time(z).value
const Expected astropy[] = {
    {planck15, 0.01, 68.05485395557, 44.15406839708, 0.2119455092629, 13.67703986583, 0.1432965692006},
    {planck15, 0.1, 71.1038517332, 432.1734457127, 1.904759991762, 12.47636402122, 1.343972413811},
    {planck15, 0.5, 89.10610595871, 1946.587977706, 6.291549887168, 8.624087222419, 5.196249212609},
    {planck15, 2.0, 203.1635421575, 5318.641090251, 8.59516655155, 3.294920616663, 10.52541581836},
    {planck15, 6.0, 697.9685826411, 8450.888992718, 5.853009430297, 0.9359796490632, 12.88435678596},
    {tng, 0.01, 68.05628410598, 44.1536049234, 0.2119432845264, 13.65942325926, 0.143295067551},
    {tng, 0.1, 71.11880298767, 432.1283550123, 1.904561259139, 12.45888389162, 1.34383443519},
    {tng, 0.5, 89.19167882653, 1945.651591712, 6.288523402229, 8.608799510928, 5.193918815884},
    {tng, 2.0, 203.5741973302, 5312.378251382, 8.58504551833, 3.287727540462, 10.51499078635},
    {tng, 6.0, 699.5407175804, 8437.837747891, 5.843970255943, 0.9338628678522, 12.86885545896},
    {thawing, 0.01, 70.39103995586, 42.70857141919, 0.205006927967, 12.98818779924, 0.1386054947919},
    {thawing, 0.1, 74.13091278412, 416.3469326534, 1.835006263985, 11.8319467931, 1.294846500927},
    {thawing, 0.5, 94.90120710893, 1851.341532535, 5.983704689196, 8.179663546952, 4.947129747079},
    {thawing, 2.0, 214.1727271296, 5018.800219016, 8.110610029782, 3.177082388633, 9.949710905388},
    {thawing, 6.0, 718.3506414998, 8029.271630327, 5.561001051039, 0.9136621357368, 12.21313115829},
    {phantom, 0.01, 70.17103598309, 42.77556687432, 0.2053285152266, 13.79664724814, 0.1388225600834},
    {phantom, 0.1, 71.99388231812, 422.6053245569, 1.862589482318, 12.62146525629, 1.314004551943},
    {phantom, 0.5, 86.49573013294, 1956.733230522, 6.32434026959, 8.723319565973, 5.212150242255},
    {phantom, 2.0, 202.219651761, 5408.440380198, 8.740286299285, 3.259231548785, 10.67623825943},
    {phantom, 6.0, 710.359462622, 8512.528373453, 5.895700308976, 0.9179217735132, 13.01754803471},
};

double relative(double value, double expected) { return std::abs(value / expected - 1); }

TEST(Cosmology, DistancesAndAgesAreThoseOfAstropy) {
    for (const Expected& row : astropy) {
        const Cosmology& c = row.cosmology;
        const double z = row.redshift, a = 1 / (1 + z);
        SCOPED_TRACE(testing::Message() << "Om " << c.omega_m() << " w0 " << c.w0() << " z " << z);
        EXPECT_LT(relative(c.hubble(a), row.hubble), held);
        EXPECT_LT(relative(c.comoving_distance(z), row.comoving_distance), held);
        EXPECT_LT(relative(c.luminosity_distance(z), row.comoving_distance * (1 + z)), held);
        EXPECT_LT(relative(c.angular_diameter_distance(z), row.comoving_distance / (1 + z)), held);
        EXPECT_LT(relative(c.kpc_per_arcsec(z), row.kpc_per_arcsec), held);
        EXPECT_LT(relative(c.age(a), row.age), held);
        EXPECT_LT(relative(c.lookback_time(z), row.lookback_time), 1e-9); // a difference of two ages
    }
}

TEST(Cosmology, AngularScaleIsThatOfRubix) {
    // In single precision and with a 256-point trapezoid: (z/255)^2/12 times a slope of order 1, plus 2^-24 a few times.
    for (const auto& [name, redshift] :
         {std::pair{"synthetic_disc", 0.06}, {"tng_muse", 0.3}, {"quirk_extra_bin", 0.05}}) {
        const std::string relative_path = std::string("reference/rubix/") + name + ".h5";
        const auto file = test::shared(relative_path);
        if (!file) { GTEST_SKIP() << test::absent(relative_path); }
        const auto telescope = io::Hdf5File::open(file->string()).group("telescope");
        const Cosmology c{CosmologyOptions{}};
        EXPECT_LT(relative(c.kpc_per_arcsec(redshift), telescope.number("kpc_per_arcsec")), promised) << name;
        EXPECT_LT(relative(c.luminosity_distance(redshift), telescope.number("luminosity_distance_mpc")), promised)
            << name;
    }
}

TEST(Cosmology, EinsteinDeSitterHasItsClosedForms) {
    const Cosmology eds(70, 1.0);
    const double hubble_distance = constants::speed_of_light / 70;
    for (const double z : {1e-6, 0.3, 3.0, 1000.0}) {
        const double exact = 2 * hubble_distance * -std::expm1(-0.5 * std::log1p(z)); // 2 (1 - 1/sqrt(1 + z))
        EXPECT_LT(relative(eds.comoving_distance(z), exact), held) << z;
    }
    EXPECT_LT(relative(eds.age(1), 2.0 / 3.0 * 977.792221 / 70), 1e-9); // nine digits of 1/(km/s/Mpc) in Gyr
    EXPECT_LT(relative(eds.age(0.25), eds.age(1) / 8), held);           // t goes as a^(3/2)
}

TEST(Cosmology, QuadratureAgeJoinsTheClosedFormAtACosmologicalConstant) {
    const Cosmology nearly(67.74, 0.3075, -1.0, 1e-13); // wa too small to matter, but not 0: the quadrature is used
    for (const double a : {1e-4, 0.1, 0.5, 1.0}) { EXPECT_LT(relative(nearly.age(a), planck15.age(a)), held) << a; }
}

TEST(Cosmology, NothingIsFarAwayNowAndNothingIsOldAtTheBeginning) {
    EXPECT_EQ(planck15.comoving_distance(0), 0);
    EXPECT_EQ(planck15.kpc_per_arcsec(0), 0);
    EXPECT_EQ(planck15.lookback_time(0), 0);
    EXPECT_EQ(planck15.age(0), 0);
    EXPECT_EQ(thawing.age(0), 0);
}

TEST(Cosmology, NamesStandForTheirParametersInAnyCase) {
    const auto named = [](const char* name) {
        return Cosmology(CosmologyOptions{.name = name, .h0 = {}, .omega_m = {}, .w0 = {}, .wa = {}});
    };
    // h0 and omega_m as astropy.cosmology's Planck15, Planck18, WMAP7, WMAP9 give them (H0.value, Om0)
    EXPECT_EQ(named("Planck15").omega_m(), 0.3075);
    EXPECT_EQ(named("PLANCK15").h0(), 67.74);
    EXPECT_EQ(named("Planck18").h0(), 67.66);
    EXPECT_EQ(named("Planck18").omega_m(), 0.30966);
    EXPECT_EQ(named("WMAP7").h0(), 70.4);
    EXPECT_EQ(named("WMAP7").omega_m(), 0.272);
    EXPECT_EQ(named("WMAP9").h0(), 69.32);
    EXPECT_EQ(named("WMAP9").omega_m(), 0.2865);
    EXPECT_EQ(named("TNG").omega_m(), 0.3089);
    EXPECT_EQ(named("TNG").h0(), 67.74);
    EXPECT_EQ(named("TNG").w0(), -1);
    EXPECT_EQ(named("TNG").wa(), 0);
}

TEST(Cosmology, KeysWinOverTheName) {
    const Cosmology c(CosmologyOptions{.name = "WMAP9", .h0 = 72.0, .omega_m = {}, .w0 = -0.95, .wa = 0.1});
    EXPECT_EQ(c.h0(), 72);
    EXPECT_EQ(c.omega_m(), 0.2865);
    EXPECT_EQ(c.w0(), -0.95);
    EXPECT_EQ(c.wa(), 0.1);
}

TEST(Cosmology, CustomNeedsBothParameters) {
    const CosmologyOptions complete{.name = "custom", .h0 = 70.0, .omega_m = 0.3, .w0 = {}, .wa = {}};
    EXPECT_EQ(Cosmology(complete).omega_m(), 0.3);
    for (const bool h0_missing : {true, false}) {
        CosmologyOptions options = complete;
        (h0_missing ? options.h0 : options.omega_m).reset();
        const auto error = test::error_of([&] { Cosmology{options}; });
        ASSERT_TRUE(error);
        EXPECT_EQ(error->kind(), Kind::config);
        EXPECT_NE(std::string(error->what()).find(h0_missing ? "cosmology.h0" : "cosmology.omega_m"),
                  std::string::npos);
    }
}

TEST(Cosmology, UnknownNameIsRefusedWithTheNearest) {
    const auto error = test::error_of(
        [] { Cosmology{CosmologyOptions{.name = "Planck16", .h0 = {}, .omega_m = {}, .w0 = {}, .wa = {}}}; });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Kind::config);
    const std::string text = error->what();
    EXPECT_NE(text.find("\"Planck16\""), std::string::npos) << text;
    EXPECT_NE(text.find("Did you mean Planck1"), std::string::npos) << text;
}

TEST(Cosmology, ParametersOutOfRangeAreRefusedByName) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const auto refused = [](double h0, double omega_m, double w0, double wa, const char* name) {
        const auto error = test::error_of([&] { Cosmology{h0, omega_m, w0, wa}; });
        ASSERT_TRUE(error) << name;
        EXPECT_EQ(error->kind(), Kind::config);
        EXPECT_NE(std::string(error->what()).find(name), std::string::npos) << error->what();
    };
    refused(0, 0.3, -1, 0, "cosmology.h0");
    refused(nan, 0.3, -1, 0, "cosmology.h0");
    refused(70, 0, -1, 0, "cosmology.omega_m");
    refused(70, 1.01, -1, 0, "cosmology.omega_m");
    refused(70, 0.3, nan, 0, "cosmology.w0");
    refused(70, 0.3, -1, nan, "cosmology.wa");
    refused(70, 0.3, -0.5, 0.5, "cosmology.w0 + cosmology.wa");
}

TEST(Cosmology, NegativeOrMeaninglessArgumentsAreRefused) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const double z : {-0.1, nan}) {
        for (const auto& error : {test::error_of([&] { planck15.comoving_distance(z); }),
                                  test::error_of([&] { planck15.lookback_time(z); })}) {
            ASSERT_TRUE(error) << z;
            EXPECT_EQ(error->kind(), Kind::config);
            EXPECT_NE(std::string(error->what()).find("redshift"), std::string::npos);
        }
    }
    for (const auto& error : {test::error_of([&] { planck15.age(-1); }), test::error_of([&] { planck15.age(nan); }),
                              test::error_of([] { planck15.hubble(0); })}) {
        ASSERT_TRUE(error);
        EXPECT_NE(std::string(error->what()).find("scale factor"), std::string::npos);
    }
}

TEST(Quadrature, SixteenPointsAreExactToDegree31) {
    const GaussLegendre<16> rule;
    // The integral of x^31 + x^30 over [0, 2] is 2^32/32 + 2^31/31.
    const double exact = std::ldexp(1.0, 27) + std::ldexp(1.0, 31) / 31;
    EXPECT_LT(relative(rule.integrate([](double x) { return std::pow(x, 31) + std::pow(x, 30); }, 0, 2), exact), 1e-13);
}

TEST(Quadrature, AKinkInsideIsFoundByHalving) {
    const auto kink = [](double x) { return std::abs(x - 0.3); };
    EXPECT_NEAR(integrate(kink, 0.0, 1.0, 1e-14), 0.5 * (0.09 + 0.49), 1e-12); // two triangles
}

} // namespace
} // namespace tessera
