// Synthesis on an accelerator against synthesis on the host: the emulation everywhere, a GPU where there is one.
#include <memory>

#include "tessera/cube/device_cube.hpp"
#include "tessera/device/accelerator.hpp"
#include "tessera/synthesis/device_synthesis.hpp"
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

class DeviceSynthesis : public testing::TestWithParam<Case> {
protected:
    static constexpr double redshift = 0.02;
    ssp::Library library = test::cut(ssp::demo_library(), 4500, 5600);
    WavelengthGrid pixels = make_linear_wavelengths(4900, 5100, 1.7); // 118 pixels: no multiple of anything
    SynthesisOptions options;
    DeviceTuning tuning;
    Communicator& world = test::world();
    std::unique_ptr<device::Accelerator> accelerator =
        device::gpus().empty() ? device::emulate() : device::open_accelerator("auto", world.rank_on_node(), 1);

    void SetUp() override {
        options.method = std::get<0>(GetParam());
        options.interpolation = std::get<1>(GetParam());
        tuning = tuning_of(std::get<2>(GetParam()));
    }

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
        const DevicePartial cube = synthesise(*accelerator, there, library, ssp::Outside::clamp, pixels, redshift,
                                              options, {1}, world, report, {}, {}, tuning);
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
        // Sums in single precision in another order.
        double largest = 0, difference = 0;
        for (std::size_t s = 0; s < truth.size(); ++s) {
            for (std::size_t k = 0; k < truth[s].size(); ++k) {
                largest = std::max(largest, truth[s][k]);
                difference = std::max(difference, std::abs(made[s][k] - truth[s][k]));
            }
        }
        EXPECT_LE(difference, 2e-6 * largest);
        EXPECT_EQ(report.n_spaxel_exact, host_report.n_spaxel_exact);
        EXPECT_EQ(report.velocity_step, host_report.velocity_step);
    } else {
        EXPECT_LE(test::worst_rms_error(made, truth), options.tolerance);
        EXPECT_LE(report.error_rms, options.tolerance);
    }
    EXPECT_EQ(report.n_synthesised, host_report.n_synthesised);
    EXPECT_EQ(report.n_outside_grid, host_report.n_outside_grid);
    EXPECT_EQ(report.n_age_outside, host_report.n_age_outside);
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

TEST(DeviceSynthesisOfNothing, NoStarsGiveADarkCube) {
    auto accelerator = device::emulate();
    const ssp::Library library = test::cut(ssp::demo_library(), 4500, 5600);
    const WavelengthGrid pixels = make_linear_wavelengths(4900, 5000, 1.7);
    test::StarField field;
    field.n_spaxel = 3;
    if (test::world().rank() == 0) { field.add(1, 1e5, 5, 0.02, 30); } // the others have none
    for (const bool any : {true, false}) {
        if (!any) {
            field = {.n_spaxel = 3, .spaxel = {}, .initial_mass = {}, .age = {}, .metallicity = {}, .los_velocity = {}};
        }
        const DeviceSpaxelStars stars = to_device(*accelerator, field.all());
        SynthesisReport report;
        const DevicePartial cube =
            synthesise(*accelerator, stars, library, ssp::Outside::clamp, pixels, 0.02, {}, {1}, test::world(), report);
        std::vector<float> planes(static_cast<std::size_t>(cube.flux.size()));
        accelerator->compute().download(cube.flux, std::span<float>(planes));
        accelerator->compute().finish();
        const double sum = test::world().all_reduce_value(std::accumulate(planes.begin(), planes.end(), 0.0), Op::sum);
        EXPECT_EQ(sum > 0, any);
        EXPECT_EQ(report.n_synthesised, any ? 1 : 0);
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
