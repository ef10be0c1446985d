// Synthesis on an accelerator against synthesis on the host: the emulation everywhere, a GPU where there is one.
#include <algorithm>
#include <memory>

#include "synthesis/native_grid.hpp"
#include "tessera/cube/device_cube.hpp"
#include "tessera/device/accelerator.hpp"
#include "tessera/synthesis/device_synthesis.hpp"
#include "tests/support/accelerators.hpp"
#include "tests/synthesis/stars.hpp"

namespace tessera {
namespace {

/// What a GPU is made to do with the stars, whatever it would choose.
enum class Share { all_dense, all_listed, both, in_small_batches };

DeviceTuning tuning_of(Share share) {
    switch (share) {
    case Share::all_dense: return {.single = 1e12};
    case Share::all_listed: return {.single = 1e-12};
    case Share::both: return {};
    case Share::in_small_batches: return {.memory = 8 << 20};
    }
    return {};
}

using Case = std::tuple<Method, ssp::Interpolation, Share>;

/// Rich, poor and dark spaxels, made on the host and on an accelerator.
class BothPlaces {
protected:
    static constexpr double redshift = 0.02;
    ssp::Library library = test::cut(ssp::demo_library(), 4500, 5600);
    WavelengthGrid pixels = make_linear_wavelengths(4900, 5100, 1.7); // 118 pixels: no multiple of anything
    SynthesisOptions options;
    DeviceTuning tuning;
    ssp::Outside outside = ssp::Outside::clamp;
    Communicator& world = test::world();
    std::unique_ptr<device::Accelerator> accelerator =
        device::gpus().empty() ? device::emulate() : device::open_accelerator("auto", world.rank_on_node(), 1);

    static test::StarField field_of(const ssp::Library& library) {
        using test::Population;
        test::StarField field;
        field.n_spaxel = 34;
        for (std::int32_t s = 0; s < 30; ++s) {
            test::add_stars(field, s, {100 + 10 * s, static_cast<Population>(s % 3), 10.0 * s - 150, 100}, library, 1);
        }
        test::add_stars(field, 30, {3, Population::mixed, 40, 100}, library, 2);
        test::add_stars(field, 31, {2000, Population::one_node, 0, 120}, library, 3);
        test::add_stars(field, 33, {5, Population::young, -300, 0}, library, 4); // 32 is dark
        field.add(2, 1e5, 5, 0.02, 4000);                                        // far from the others in velocity
        field.add(0, 1e5, 20, 0.5, 10);                                          // outside the library
        return field;
    }

    std::vector<test::Spectrum> on_device(const SpaxelStars& stars, SynthesisReport& report) {
        const DeviceSpaxelStars there = to_device(*accelerator, stars);
        const DevicePartial cube = synthesise(*accelerator, there, library, outside, pixels, redshift, options, {1},
                                              world, report, {}, {}, tuning);
        std::vector<float> planes(static_cast<std::size_t>(cube.flux.size()));
        accelerator->compute().download(cube.flux, std::span<float>(planes));
        accelerator->compute().finish();
        std::vector<test::Spectrum> out(static_cast<std::size_t>(cube.n_spaxel),
                                        test::Spectrum(static_cast<std::size_t>(cube.n_wave)));
        for (std::size_t k = 0; k < out.front().size(); ++k) {
            for (std::size_t s = 0; s < out.size(); ++s) { out[s][k] = planes[k * out.size() + s]; }
        }
        for (auto& spectrum : out) { world.all_reduce(spectrum, Op::sum); }
        return out;
    }

    static double difference(const std::vector<test::Spectrum>& made, const std::vector<test::Spectrum>& truth) {
        double largest = 0, worst = 0;
        for (std::size_t s = 0; s < truth.size(); ++s) {
            for (std::size_t k = 0; k < truth[s].size(); ++k) {
                largest = std::max(largest, truth[s][k]);
                worst = std::max(worst, std::abs(made[s][k] - truth[s][k]));
            }
        }
        return worst / largest;
    }

    static void expect_same_stars(const SynthesisReport& report, const SynthesisReport& host_report) {
        EXPECT_EQ(report.n_synthesised, host_report.n_synthesised);
        EXPECT_EQ(report.n_outside_grid, host_report.n_outside_grid);
        EXPECT_EQ(report.n_age_outside, host_report.n_age_outside);
        EXPECT_EQ(report.n_metallicity_outside, host_report.n_metallicity_outside);
        for (const auto& [a, b] : {std::pair{&report.sums.count, &host_report.sums.count},
                                   {&report.sums.mass, &host_report.sums.mass},
                                   {&report.sums.light, &host_report.sums.light},
                                   {&report.sums.light_velocity, &host_report.sums.light_velocity},
                                   {&report.sums.light_velocity2, &host_report.sums.light_velocity2},
                                   {&report.sums.light_age, &host_report.sums.light_age},
                                   {&report.sums.light_metallicity, &host_report.sums.light_metallicity}}) {
            for (std::size_t s = 0; s < a->size(); ++s) {
                EXPECT_NEAR((*a)[s], (*b)[s], 1e-10 * std::abs((*b)[s]) + 1e-300);
            }
        }
    }
};

class DeviceSynthesis : public BothPlaces, public testing::TestWithParam<Case> {
protected:
    void SetUp() override {
        options.method = std::get<0>(GetParam());
        options.interpolation = std::get<1>(GetParam());
        tuning = tuning_of(std::get<2>(GetParam()));
    }
};

TEST_P(DeviceSynthesis, GivesTheCubeOfTheHost) {
    const test::StarField field = field_of(library);
    const SpaxelStars stars = field.of_rank(world.rank(), world.size());
    SynthesisReport report, host_report;
    const auto made = on_device(stars, report);
    SynthesisOptions exact = options;
    exact.method = Method::exact;
    const auto truth = test::summed(
        synthesise(stars, library, ssp::Outside::clamp, pixels, redshift, exact, {1}, world, host_report), world);
    if (options.method == Method::exact) {
        EXPECT_LE(difference(made, truth), 2e-6); // sums in single precision in another order
        EXPECT_EQ(report.n_spaxel_exact, host_report.n_spaxel_exact);
        EXPECT_EQ(report.velocity_step, host_report.velocity_step);
    } else {
        EXPECT_LE(test::worst_rms_error(made, truth), options.tolerance);
        EXPECT_LE(report.error_rms, options.tolerance);
    }
    expect_same_stars(report, host_report);
}

TEST_P(DeviceSynthesis, IsTheSameOnceMore) {
    if (std::get<2>(GetParam()) != Share::both) { return; } // all ways at once
    const SpaxelStars stars = field_of(library).of_rank(world.rank(), world.size());
    SynthesisReport report;
    const auto first = on_device(stars, report);
    EXPECT_EQ(on_device(stars, report), first);
}

INSTANTIATE_TEST_SUITE_P(
    All, DeviceSynthesis,
    testing::Combine(testing::Values(Method::exact, Method::automatic, Method::binned, Method::compressed),
                     testing::Values(ssp::Interpolation::linear, ssp::Interpolation::cubic),
                     testing::Values(Share::all_dense, Share::all_listed, Share::both, Share::in_small_batches)));

using RubixCase = std::tuple<ssp::Interpolation, Doppler, ssp::Outside>;

class DeviceRubix : public BothPlaces, public testing::TestWithParam<RubixCase> {
protected:
    void SetUp() override {
        options.resampling = Resampling::rubix;
        options.interpolation = std::get<0>(GetParam());
        options.doppler = std::get<1>(GetParam());
        outside = std::get<2>(GetParam());
    }
};

TEST_P(DeviceRubix, GivesTheCubeOfTheHostInBatchesOfAnySize) {
    const SpaxelStars stars = field_of(library).of_rank(world.rank(), world.size());
    SynthesisReport report, host_report;
    const auto truth =
        test::summed(synthesise(stars, library, outside, pixels, redshift, options, {1}, world, host_report), world);
    std::vector<std::vector<test::Spectrum>> made;
    // All at once, spaxels that go on in the next batch, and every chunk of stars by itself.
    for (const std::int64_t memory : {std::int64_t{0}, std::int64_t{200} << 10, std::int64_t{1}}) {
        tuning.memory = memory;
        report = {};
        made.push_back(on_device(stars, report));
        expect_same_stars(report, host_report);
        EXPECT_EQ(report.method, host_report.method);
        EXPECT_EQ(report.n_spaxel_exact, host_report.n_spaxel_exact);
        EXPECT_EQ(report.velocity_step, 0);
    }
    EXPECT_LE(difference(made[0], truth), 3e-7); // samples and cubes of ranks are in single precision
    EXPECT_EQ(made[1], made[0]);
    EXPECT_EQ(made[2], made[0]);
}

INSTANTIATE_TEST_SUITE_P(All, DeviceRubix,
                         testing::Combine(testing::Values(ssp::Interpolation::linear, ssp::Interpolation::cubic),
                                          testing::Values(Doppler::linear, Doppler::exponential),
                                          testing::Values(ssp::Outside::clamp, ssp::Outside::zero)));

TEST(NativePoints, AWavelengthIsPlacedInItsCell) {
    const WavelengthGrid pixels = make_linear_wavelengths(4900, 5100, 1.7);
    ssp::Library even = test::cut(ssp::demo_library(), 4500, 5600);
    ssp::Library uneven = even; // steps so small that a table of them all would be too large
    for (const std::size_t i : {20U, 21U, 22U, 100U}) { uneven.wavelength[i] = uneven.wavelength[i - 1] + 1e-4; }
    for (const ssp::Library& library : {even, uneven}) {
        const NativeGrid grid(library, pixels);
        EXPECT_EQ(grid.most_steps > 1, library.wavelength == uneven.wavelength);
        const NativePoints points = grid.points();
        const std::vector<double>& rest = library.wavelength;
        const auto expect_place = [&](double wavelength) {
            const auto [cell, t] = points.place(wavelength);
            const double inside = std::clamp(wavelength, rest.front(), rest.back());
            const auto c = static_cast<std::size_t>(cell);
            const double width = c + 1 < rest.size() ? rest[c + 1] - rest[c] : 0;
            EXPECT_NEAR(rest[c] + t * width, inside, 1e-11 * inside) << wavelength;
            EXPECT_GE(t, -1e-6);
            EXPECT_LE(t, 1 + 1e-6);
            EXPECT_EQ(points.count_below(wavelength, false),
                      std::lower_bound(rest.begin(), rest.end(), wavelength) - rest.begin());
            EXPECT_EQ(points.count_below(wavelength, true),
                      std::upper_bound(rest.begin(), rest.end(), wavelength) - rest.begin());
        };
        for (const double wavelength : rest) {
            for (const double beside : {0.0, 3e-5, -3e-5, 0.3}) { expect_place(wavelength + beside); }
        }
        expect_place(1);
        expect_place(1e6);
    }
}

TEST(DeviceSynthesisOfNothing, NoStarsGiveADarkCube) {
    auto accelerator = device::emulate();
    const ssp::Library library = test::cut(ssp::demo_library(), 4500, 5600);
    const WavelengthGrid pixels = make_linear_wavelengths(4900, 5000, 1.7);
    test::StarField field;
    field.n_spaxel = 3;
    if (test::world().rank() == 0) { field.add(1, 1e5, 5, 0.02, 30); } // the others have none
    for (const bool any : {true, false}) {
        const auto sum_of = [&](const SynthesisOptions& options) {
            const DeviceSpaxelStars stars = to_device(*accelerator, field.all());
            SynthesisReport report;
            const DevicePartial cube = synthesise(*accelerator, stars, library, ssp::Outside::clamp, pixels, 0.02,
                                                  options, {1}, test::world(), report);
            EXPECT_EQ(report.n_synthesised, any ? 1 : 0);
            const auto planes = test::values_of(accelerator->compute(), cube.flux);
            return test::world().all_reduce_value(std::accumulate(planes.begin(), planes.end(), 0.0), Op::sum);
        };
        if (!any) {
            field = {.n_spaxel = 3, .spaxel = {}, .initial_mass = {}, .age = {}, .metallicity = {}, .los_velocity = {}};
        }
        EXPECT_EQ(sum_of({}) > 0, any);
        EXPECT_EQ(sum_of({.resampling = Resampling::rubix}) > 0, any);
    }
}

TEST(DeviceSynthesisFaults, AreThoseOfTheHost) {
    auto accelerator = device::emulate();
    const ssp::Library library = test::cut(ssp::demo_library(), 4500, 5600);
    const WavelengthGrid pixels = make_linear_wavelengths(4900, 5000, 1.7);
    const auto message = [&](const test::StarField& field, ssp::Outside outside) {
        std::array<std::string, 2> text;
        for (const bool on_host : {true, false}) {
            const SpaxelStars stars = field.of_rank(test::world().rank(), test::world().size());
            SynthesisReport report;
            const auto error = test::error_of([&] {
                if (on_host) {
                    synthesise(stars, library, outside, pixels, 0.02, {}, {1}, test::world(), report);
                } else {
                    synthesise(*accelerator, to_device(*accelerator, stars), library, outside, pixels, 0.02, {}, {1},
                               test::world(), report);
                }
            });
            text[on_host ? 0 : 1] = error ? error->what() : "no error";
        }
        EXPECT_EQ(text[0], text[1]);
        return text[0];
    };
    test::StarField fast;
    for (const double v : {0.0, 1e5, 2e5}) { fast.add(0, 1e5, 5, 0.02, v); }
    EXPECT_NE(message(fast, ssp::Outside::clamp), "no error");
    test::StarField old;
    for (const double age : {5.0, 50.0, 60.0}) { old.add(0, 1e5, age, 0.02, 0); }
    EXPECT_NE(message(old, ssp::Outside::error), "no error");
    EXPECT_EQ(message(old, ssp::Outside::zero), "no error");
}

} // namespace
} // namespace tessera
